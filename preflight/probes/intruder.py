"""Requests that no honest client sends, from addresses that may be banned for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from preflight.budget import Budget
from preflight.errors import Undecided
from preflight.outcome import Reason
from preflight.probes.api import PROTECTED, Api
from preflight.probes.http import Answer
from preflight.probes.limiter import own_address, refused_at_once
from preflight.redact import Secret
from preflight.target import Target

TRAVERSALS = {
    "plain": "res://../../../../etc/passwd.tscn",
    "encoded": "res://%2e%2e/%2e%2e/%2e%2e/etc/passwd.tscn",
    "double-encoded": "res://%252e%252e%252f%252e%252e%252fetc/passwd.tscn",
    "backslashes": "res://..\\..\\..\\secret.tscn",
    "user-folder": "user://saves/secret.tscn",
    "absolute": "/etc/passwd.tscn",
    "no-scene": "res://scripts/http_api/security_config.gd",
}
"""Scene paths that lead out of the project, by the way they hide it."""

_BACK_IN = {
    "plain": "res://../{folder}/{scene}",
    "encoded": "res://%2e%2e/{folder}/{scene}",
    "double-encoded": "res://%252e%252e%252f{folder}/{scene}",
    "backslashes": "res://..\\{folder}\\{scene}",
    "absolute": "{project}/{scene}",
}
"""The same ways, to a scene that is there: out of the project and in again."""

OUT_OF_THE_WEB_FOLDER = (
    "/web/..%2f.env.production",
    "/web/%2e%2e%2f.env.production",
    "/web/..%5c.env.production",
    "/web/..%252f.env.production",
)
"""Addresses that lead from the folder of the web page to the environment file beside it, by a server that decodes late."""

_SETTING = re.compile(r"^\s*(?:export\s+)?[A-Z][A-Z0-9_]{2,60}\s*=", re.MULTILINE)

SCRIPT = "<script>preflight()</script>"


@dataclass
class Intruder:
    """A client whose address may be banned for what it sends; then it goes on from another one.

    `patience`: how many addresses it may use up.
    """

    api: Api
    budget: Budget
    token: Secret
    patience: int = 30
    _address: str = field(default="", init=False)
    _suspect: bool = field(default=False, init=False)

    def ask(self, method: str, path: str, **options: Any) -> Answer:
        """Send once; when the address is refused for what it sent before (a ban is what should happen), once more from another.

        Raises LookError when it is refused (429) as is everybody else: that would be no answer to what was sent.
        """
        suspect = self._suspect
        answer = self._send(method, path, **options)
        if answer.status_code in (429, 503) and suspect:  # not every limiter says 429
            self._renew()
            answer = self._send(method, path, **options)
        if answer.status_code == 429:
            self._renew()
            harmless = self.api.get(PROTECTED, token=self.token, address=self._from(), paced=False, may_refuse=True)
            refused_at_once(harmless, self._address)
        return answer

    def _renew(self) -> None:
        self._address, self._suspect = "", False

    def _send(self, method: str, path: str, **options: Any) -> Answer:
        address, self._suspect = self._from(), True
        return self.api.ask(method, path, token=self.token, address=address, paced=False, may_refuse=True, **options)

    def _from(self) -> str:
        if not self._address:
            if self.patience <= 0:
                raise Undecided(Reason.ADDRESS, "every address was banned before the end: give more [manners] addresses")
            self.patience -= 1
            self._address = own_address(self.budget)
        return self._address


def fuzzing_allowed(target: Target) -> None:
    """Generated input is sent to a rehearsal, and where the operator says that intrusion detection is suspended."""
    if not (target.facts.rehearsal or target.facts.manners.intrusion_detection_suspended):
        raise Undecided(Reason.CONSENT, "generated input is sent only where [manners] intrusion_detection_suspended = true")


_ALWAYS = ("", "res://a\0b.tscn", "res://\r\nX-Made-Up: 1.tscn", "res://" + "a" * 5_000 + ".tscn", "\U0010ffff", "res://%00.tscn")
"""What random text seldom holds, and servers stumble over."""


@cache
def made_up() -> tuple[tuple[str, str], ...]:
    """Scene paths and names of fields: some that are always tried, then what hypothesis makes up, the same in every run."""
    from hypothesis import given, settings
    from hypothesis import strategies as st

    made: list[tuple[str, str]] = []
    find = given(st.text(max_size=80), st.text(min_size=1, max_size=10))(lambda path, name: made.append((path, name)))
    settings(derandomize=True, database=None, deadline=None, max_examples=60)(find)()
    return (*((path, "path") for path in _ALWAYS), *made)


def anything(client: Intruder) -> Iterator[tuple[str, Answer]]:
    """What is made up, and what PUT /scene answers to each.

    It is made beforehand: a target may answer the same input differently the next time, so that nothing is tried again to
    make it smaller.
    """
    for path, name in made_up():
        yield path, client.ask("PUT", "/scene", body={name: path, "scene_path": path})


def back_in(way: str, scene: str, project: str) -> str:
    """A path that goes out of the project that way and in again to a scene of it (res://…); "" where the way has none.

    Where nothing is, a server that climbs says 404 as one that does not; to this, only the latter does.
    """
    if not scene.startswith("res://"):
        return ""
    home = project.rstrip("/")
    inner = scene.removeprefix("res://")
    return _BACK_IN.get(way, "").format(folder=home.rpartition("/")[2], project=home, scene=inner)


def hands_out(answer: Answer) -> bool:
    """Whether an answer is an environment file; a page that a server gives for any address is none."""
    return answer.status_code < 300 and len(_SETTING.findall(answer.text)) >= 2


def leads_out(answer: Answer) -> bool:
    """Whether an answer to a traversal took it for a scene: loaded it, or called it valid."""
    if answer.status_code >= 300:
        return False
    try:
        said = answer.object()
    except Exception:  # noqa: BLE001 - a success that is no JSON is a success all the same
        return True
    return said.get("valid") is not False
