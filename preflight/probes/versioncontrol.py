"""What git knows of a file on the host: tracked now, ever committed, ignored."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.errors import LookError
from preflight.probes.host import Host, Ran
from preflight.redact import printable


@dataclass(frozen=True)
class Known:
    """`commits`: how many commits of any branch touch the file."""

    tracked: bool
    commits: int
    ignored: bool


def of(host: Host, path: str) -> Known | None:
    """What the repository around a file knows of it; None when there is no repository on the host.

    Raises Undecided when git is not on the host, LookError when git fails.
    """
    folder, _, name = path.rpartition("/")
    if "not a git repository" in host.run("git-log", name, folder=folder).output:
        return None
    tracked = _run(host, folder, "git-tracked", name, fine=(0, 1))
    history = _run(host, folder, "git-log", name, fine=(0,))
    ignored = _run(host, folder, "git-ignored", name, fine=(0, 1))
    return Known(tracked.status == 0, len(history.output.split()), ignored.status == 0)


def _run(host: Host, folder: str, command: str, name: str, fine: tuple[int, ...]) -> Ran:
    ran = host.run(command, name, folder=folder)
    if ran.status not in fine:
        raise LookError(f"git fails in {folder} on {host.name}: {printable(ran.output, 160)}")
    return ran
