"""A few answers that many items judge: asked once a process, so that the target is asked little."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urljoin

from preflight.errors import LookError
from preflight.probes.api import PROTECTED, Api, Via
from preflight.probes.http import Answer
from preflight.redact import Secret

FOREIGN_ORIGIN = "https://somewhere-else.example"
"""An origin that no deployment lists."""

PRODUCTION_ORIGINS = ("https://spacetime.production.com", "https://api.spacetime.production.com")
"""checklist.md line 213."""

NEARLY_OURS = (
    "null",
    "http://spacetime.production.com",
    "https://spacetime.production.com.somewhere-else.example",
    "https://staging.spacetime.production.com",
    "http://localhost:3000",
)
"""Origins that careless rules let in: of any sandboxed page, without TLS, by prefix, by suffix, of a developer."""

SECRET_FILES = (
    "/.env",
    "/.env.production",
    "/.git/config",
    "/.git/HEAD",
    "/backup.tar.gz",
    "/logs/godot.log",
    "/godot.log",
    "/security_config.gd",
    "/project.godot",
)
"""What careless servers serve: configuration, repository, backups, logs, source."""


@dataclass
class Answers:
    """The answers, each asked for when first wanted."""

    api: Api
    token: Secret
    marker: str

    @cached_property
    def health(self) -> Answer:
        """A success: GET /health, which needs no token."""
        return self.api.get("/health")

    @cached_property
    def admitted(self) -> Answer:
        """A success with the token on the endpoint that tokens are proven on."""
        return self.api.get(PROTECTED, token=self.token)

    @property
    def opened(self) -> Answer:
        """The same, where it really let the token in. Raises LookError otherwise."""
        if self.admitted.status_code != 200:
            raise LookError(f"GET {PROTECTED} answers {self.admitted.status_code} to the valid token, so nothing follows from it")
        return self.admitted

    @cached_property
    def refused(self) -> Answer:
        """The same without the token: 401."""
        return self.api.get(PROTECTED)

    @cached_property
    def missing(self) -> Answer:
        """An address that nothing answers to: 404."""
        return self.api.get(f"/no-such-endpoint-{self.marker}", token=self.token)

    def file(self, path: str) -> list[Answer]:
        """What is served under the path of a file, below the API and, where that has a path, at the root of the front."""
        found = [self.api.get(path)]
        if self.api.url("") != self.api.origin:
            found.append(self.api.get(path, base=self.api.origin))
        return found

    @cached_property
    def status(self) -> Answer:
        """GET /status."""
        return self.api.get("/status")

    @cached_property
    def page(self) -> Answer:
        """The dashboard page."""
        return self.api.get("/web/scene_manager.html")

    @property
    def pages(self) -> list[Answer]:
        """The dashboard page, where it is served: a front may take it from a folder of its own, past the game."""
        return [self.page] if self.page.status_code < 300 else []

    @cached_property
    def broken(self) -> Answer:
        """A rightful request with a body that is no JSON: 400."""
        return self.api.ask("POST", PROTECTED, token=self.token, body=b'{"scene_path": ')

    @cached_property
    def broken_check(self) -> Answer:
        """The same on the call that only checks a scene."""
        return self.api.ask("PUT", PROTECTED, token=self.token, body=b'{"scene_path": ')

    @cached_property
    def unknown_method(self) -> Answer:
        """A method that the endpoint does not know: 405, or 404."""
        return self.api.ask("DELETE", "/health")

    def failure(self, kind: str) -> Answer:
        """An error answer: "401", "404", "405", or "400" ("400 of PUT")."""
        match kind:
            case "400":
                return self.broken
            case "400 of PUT":
                return self.broken_check
            case "405":
                return self.unknown_method
        return self.refused if kind == "401" else self.missing

    def public(self, kind: str) -> Answer:
        """An answer that needs no token: a path, "the web page", "its script", "401" or "404"."""
        match kind:
            case "the web page":
                return self.page
            case "its script":
                return self.api.get(self._script)
            case "401" | "404":
                return self.failure(kind)
            case "/health":
                return self.health
            case "/status":
                return self.status
            case "/metrics":
                return self.api.get(kind, token=self.token)
        return self.api.get(kind)

    @property
    def _script(self) -> str:
        found = re.search(r"""<script[^>]+src\s*=\s*["']?([^"' >]+)""", self.page.text, re.IGNORECASE)
        return urljoin("/web/scene_manager.html", found[1]) if found and "//" not in found[1] else "/web/scene_manager.html"

    @cached_property
    def of_the_game(self) -> list[Answer]:
        """A success and a refusal from the game itself, where it can be asked beside the front; else none."""
        if not self.api.reaches_game:
            return []
        game: Via = "game"
        return [self.api.get("/health", via=game), self.api.get(PROTECTED, via=game)]
