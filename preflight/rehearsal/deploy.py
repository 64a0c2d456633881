"""Start a whole deployment, say how to reach it, and leave nothing behind."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from preflight import programs
from preflight.rehearsal.behaviour import SCENES, Deployment
from preflight.rehearsal.certificates import CertificateFiles, write_certificates
from preflight.rehearsal.children import Child, RehearsalError
from preflight.rehearsal.host import write_host
from preflight.rehearsal.host.backups import DEPLOYED_AGO_S
from preflight.rehearsal.runtime import Assignment, RuntimeSecrets, make_secrets, write_assignment

__all__ = ["CONSENTS", "Rehearsal", "RehearsalError"]

CONSENTS = (
    "limiter",
    "auth_sweep",
    "forged_tokens",
    "bad_logins",
    "scenes",
    "injection",
    "load",
    "test_alert",
    "rotation",
    "drill",
    "buttons",
)
DEPLOYED_AGO = dt.timedelta(seconds=DEPLOYED_AGO_S)
ABSENT = {
    "database": "this build keeps no database",
    "pagerduty": "the rehearsal calls nobody",
    "legal": "the rehearsal is no product",
}
_READY_S = 15.0


class Rehearsal:
    """A deployment that runs while the `with` block does. `folder` must be new or empty; it is the caller's to remove.

    Attributes are set on entry: `target` (the target file), `environment` (the secrets that it names), `host`
    (the root of the host's files), and the addresses.
    """

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self.deployment, self.folder = deployment, folder.resolve()
        self.host = self.folder / "host"
        self.target = self.folder / "target.toml"
        self.environment: dict[str, str] = {}
        self.api_url = self.http_url = self.internal_url = self.telemetry_url = ""
        self.prometheus_url = self.alertmanager_url = ""
        self.seconds_to_ready = 0.0
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        began = time.monotonic()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        self.seconds_to_ready = time.monotonic() - began
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; twice does no harm."""
        for child in self._children:
            child.end()
        while self._children:
            self._children.pop().stop()

    @property
    def pids(self) -> dict[str, int]:
        """The process ids by name."""
        return {child.name: child.pid for child in self._children}

    def check(self) -> None:
        """Raise RehearsalError when a process of the deployment is gone."""
        for child in self._children:
            if lost := child.lost():
                raise RehearsalError(lost)

    def _start(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if any(self.folder.iterdir()):
                raise RehearsalError(f"The rehearsal's folder {self.folder} is not empty; name a new one.")
            now = time.time()
            secrets = make_secrets(self.deployment.secrets, now=now)
            certificates = write_certificates(self.deployment.front.certificate, self.folder / "certificates")
            assignment = Assignment(self.deployment, secrets, str(self.host), str(certificates.chain.parent))
            write_assignment(self.folder / "assignment.json", assignment)
            # The front needs no host files: it starts while they are being written.
            front = self._child("front")
            write_host(self.host, self.deployment, secrets, certificates, now=now)
            game = self._child("game")
            monitoring = None if programs.missing(programs.MONITORING) else self._child("monitoring")
        except OSError as problem:
            raise RehearsalError(f"The rehearsal can't write {problem.filename}: {problem.strerror}.") from problem
        listening = front.hear(_READY_S)
        ports = game.hear(_READY_S)
        self.internal_url = f"http://127.0.0.1:{ports['http']}"
        front.tell(upstream=self.internal_url)
        front.hear(_READY_S)
        if monitoring is not None:
            self._monitor(monitoring, now)
        self._describe(listening, ports, secrets, certificates, now)
        self._record_game(game)

    def _child(self, name: str) -> Child:
        module = f"preflight.rehearsal.{name}"
        child = Child(name, module, self.folder / "assignment.json", self.folder / f"{name}.log")
        self._children.append(child)
        return child

    def _monitor(self, monitoring: Child, now: float) -> None:
        """Let the monitoring begin; it is ready some seconds later, while the suite looks elsewhere."""
        ports = monitoring.hear(_READY_S)
        self.prometheus_url = f"http://127.0.0.1:{ports['prometheus']}"
        self.alertmanager_url = f"http://127.0.0.1:{ports['alertmanager']}"
        monitoring.tell(upstream=self.internal_url, deployed=now - DEPLOYED_AGO.total_seconds(), now=now)

    def _record_game(self, game: Child) -> None:
        """Where the host's scripts find the running game."""
        run = self.host / "run/spacetime"
        run.mkdir(parents=True, exist_ok=True)
        (run / "godot.pid").write_text(f"{game.pid}\n", encoding="utf-8")
        (run / "godot.url").write_text(f"{self.internal_url}\n", encoding="utf-8")

    def _describe(
        self,
        front: dict[str, Any],
        game: dict[str, Any],
        secrets: RuntimeSecrets,
        certificates: CertificateFiles,
        now: float,
    ) -> None:
        prefix = self.deployment.api.path_prefix
        self.api_url = f"https://localhost:{front['https']}{prefix}"
        self.http_url = f"http://localhost:{front['http']}{prefix}"
        self.internal_url += prefix
        self.telemetry_url = f"ws://127.0.0.1:{game['telemetry']}"
        self.environment = {
            "PREFLIGHT_REHEARSAL_TOKEN": secrets.token,
            "PREFLIGHT_REHEARSAL_OLD_TOKEN": secrets.old_token,
            "PREFLIGHT_REHEARSAL_JWT_SECRET": secrets.jwt_secret,
            "PREFLIGHT_REHEARSAL_HEADSET": json.dumps(self.deployment.headset),
        }
        deployed = dt.datetime.fromtimestamp(now, dt.UTC) - DEPLOYED_AGO
        target: dict[str, Any] = {
            "name": "rehearsal",
            "build": self.deployment.api.version,
            "rehearsal": True,
            "api": {
                "url": self.api_url,
                "http_url": self.http_url,
                "internal_url": self.internal_url,
                "ca_file": str(certificates.authority),
                "trust_any_certificate": True,
            },
            "telemetry": {"url": self.telemetry_url, "front_path": "/telemetry"},
            "performance": {"exempt_address": "127.0.0.9"},
            "host": {"kind": "local", "root": str(self.host)},
            "loki": {"url": f"http://127.0.0.1:{front['gathered']}"},
            "absent": {**ABSENT, **self.deployment.absent},
            "times": {"deployed_at": deployed.replace(microsecond=0)},
            "consent": {**dict.fromkeys(CONSENTS, True), "page_on_call": False},
            "manners": {
                "missing_token_is_no_login": True,
                "maintenance": True,
                "intrusion_detection_suspended": False,
                "addresses": [f"127.0.0.{last}" for last in range(10, 61)],
                "scenes": [scene for scene in self.deployment.api.input.whitelist if scene in SCENES],
            },
            "secrets": {
                "token": "env:PREFLIGHT_REHEARSAL_TOKEN",
                "old_token": "env:PREFLIGHT_REHEARSAL_OLD_TOKEN",
                "jwt_secret": "env:PREFLIGHT_REHEARSAL_JWT_SECRET",
            },
        }
        if self.prometheus_url:
            target["prometheus"] = {"url": self.prometheus_url}
            target["alertmanager"] = {"url": self.alertmanager_url}
        handle = os.open(self.target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(handle, "wb") as file:
            tomli_w.dump(target, file)
