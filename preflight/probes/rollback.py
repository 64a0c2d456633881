"""The rollback drill: the script is run for real, the deployment looked at, and the version of before put back.

These are the only commands of the suite that change a host. They run on a local host alone, and only with the
operator's consent (`[consent] drill = true`); every other command is in `host.COMMANDS` and only reads.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from preflight.errors import BadAnswer, LookError, Undecided
from preflight.outcome import Reason
from preflight.probes import health
from preflight.probes.api import PROTECTED, Api
from preflight.probes.host import Host, LocalHost, Ran, read_text
from preflight.probes.http import Answer
from preflight.redact import Secret, printable
from preflight.target import Target

CHANGING: dict[str, tuple[str, ...]] = {
    "rollback": ("bash", "--", "rollback.sh", "--quick"),
    "return": ("bash", "--", "rollback.sh", "--to"),
}
"""Every command that changes a host, by name; the script's own name and the archive are filled in."""

GIVE_UP_SECONDS = 420.0
"""The five minutes it may take, and two more to see by how much it takes longer."""

_SAMPLES = 5
_MOST_BYTES = 1 << 20


@dataclass
class Drill:
    """What a rollback did: the script's own result, and the deployment as it was afterwards."""

    before: str
    ran: Ran
    seconds: float
    version_file: str = ""
    version_said: str = ""
    health: str = ""
    without_token: int = 0
    with_token: int = 0
    failed: int = 0
    slowest_ms: float = 0.0
    answers: list[Answer] = field(default_factory=list)

    @property
    def left(self) -> str:
        """The script's last words."""
        return printable(" | ".join(self.ran.output.strip().splitlines()[-2:]), 200)


@contextmanager
def drill(host: Host, target: Target, api: Api, token: Secret) -> Iterator[Drill]:
    """Roll back, look, and put the version of before back on leaving.

    Raises Undecided for a host that is not this machine, or a script that could not be undone; LookError when the
    script is missing or the version of before did not come back.
    """
    local, script = _ready(host, target)
    before = version_on_disk(host, target)
    now = health.read(api.get("/health")).status
    if now not in ("healthy", "degraded"):
        raise LookError(f"the health check says {now} already: a drill on a game that is not well proves nothing")
    known = _left_behind(host, target)
    began = time.monotonic()
    ran = _run(local, script, "rollback")
    made = Drill(before, ran, time.monotonic() - began)
    try:
        made.version_file = version_on_disk(host, target)
        _look(made, api, token)
        yield made
    finally:
        _put_back(host, target, script, before, sorted(_left_behind(host, target) - known))


def _ready(host: Host, target: Target) -> tuple[LocalHost, str]:
    if not isinstance(host, LocalHost):
        raise Undecided(Reason.OPERATOR, "the drill is run on the host itself: run the suite there, or attest a drill in staging")
    script = target.facts.paths.rollback_script
    if host.facts(script) is None:
        raise LookError(f"{script} is missing, so that no drill can be run")
    if not re.search(r"(?m)^\s*--to\)|\$\{?1.*--to|\"--to\"", read_text(host, script)):
        raise Undecided(Reason.OPERATOR, f"{script} knows no `--to ARCHIVE`: the drill could not be undone, so it was not begun")
    return host, script


def version_on_disk(host: Host, target: Target) -> str:
    """What the file VERSION of the project says. Raises LookError when it is missing."""
    return read_text(host, f"{target.facts.paths.project}/VERSION").strip()


def _releases(target: Target) -> str:
    return f"{target.facts.paths.backups.rstrip('/')}/releases"


def _left_behind(host: Host, target: Target) -> set[str]:
    """The archives that the script keeps of versions it has left, each with the time it was written."""
    folder = _releases(target)
    if host.facts(folder) is None:
        return set()
    named = [f"{folder}/{name}" for name in host.listing(folder) if name.startswith("left-")]
    return {f"{facts.modified:020.6f} {path}" for path in named if (facts := host.facts(path)) is not None}


def _run(host: LocalHost, script: str, command: str, *more: str) -> Ran:
    """Run the script to its own end: a game that it starts may live on, and keeps what it was given to write to open."""
    folder, _, name = script.rpartition("/")
    words = [name if word == "rollback.sh" else word for word in CHANGING[command]]
    with tempfile.TemporaryFile("a+b") as out, tempfile.TemporaryFile("a+b") as err:
        try:
            done = subprocess.run(
                [*words, *more],
                cwd=host.real(folder),
                stdout=out,
                stderr=err,
                timeout=GIVE_UP_SECONDS,
                check=False,
                env={**os.environ, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            return Ran(-1, f"not done after {GIVE_UP_SECONDS:.0f} s")
        return Ran(done.returncode, _end_of(out) + _end_of(err))


def _end_of(file: IO[bytes]) -> str:
    """The last of what was written to a file, which somebody may still be writing to."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST_BYTES))
    return file.read(_MOST_BYTES).decode("utf-8", "replace")


def _put_back(host: Host, target: Target, script: str, before: str, left: list[str]) -> None:
    local, _ = _ready(host, target)
    if not left:
        if version_on_disk(host, target) != before:
            raise LookError(f"the drill left no archive of {before} in {_releases(target)}: put it back by hand")
        return
    archive = left[0].partition(" ")[2]
    ran = _run(local, script, "return", str(local.real(archive)))
    if ran.status != 0 or version_on_disk(host, target) != before:
        raise LookError(f"{before} did not come back after the drill; run: bash {script} --to {archive}")


def _look(made: Drill, api: Api, token: Secret) -> None:
    """The five points: version, health, authentication, failed requests, response times."""
    status, closed, opened = api.get("/status"), api.get(PROTECTED), api.get(PROTECTED, token=token)
    checks = [api.get("/health") for _ in range(_SAMPLES)]
    made.answers = [status, closed, opened, *checks]
    try:
        said = status.object()
        made.version_said = str(said.get("api_version") or said.get("version") or "")
        made.health = health.read(checks[-1]).status
    except BadAnswer as error:
        made.health = made.health or str(error)
    made.without_token, made.with_token = closed.status_code, opened.status_code
    made.failed = sum(answer.status_code >= 500 for answer in made.answers)
    made.slowest_ms = max(answer.seconds for answer in (opened, *checks)) * 1000
