"""What git knows of a file on the host: tracked now, ever committed, ignored."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.errors import LookError, Undecided
from preflight.outcome import Reason
from preflight.probes.host import Host, Ran
from preflight.redact import printable


@dataclass(frozen=True)
class Known:
    """`commits`: how many commits of any branch touch the file."""

    tracked: bool
    commits: int
    ignored: bool


def of(host: Host, path: str) -> Known:
    """What the repository around a file knows of it.

    Raises Undecided when git is not on the host or there is no repository, LookError when git fails otherwise.
    """
    folder, _, name = path.rpartition("/")
    tracked = _run(host, folder, "git-tracked", name, fine=(0, 1))
    history = _run(host, folder, "git-log", name, fine=(0,))
    ignored = _run(host, folder, "git-ignored", name, fine=(0, 1))
    return Known(tracked.status == 0, len(history.output.split()), ignored.status == 0)


def _run(host: Host, folder: str, command: str, name: str, fine: tuple[int, ...]) -> Ran:
    ran = host.run(command, name, folder=folder)
    if "not a git repository" in ran.output:
        raise Undecided(
            Reason.OPERATOR,
            f"{folder} on {host.name} is no git repository; run in the clone that is deployed from: git log --all -- {name}",
        )
    if ran.status not in fine:
        raise LookError(f"git fails in {folder} on {host.name}: {printable(ran.output, 160)}")
    return ran
