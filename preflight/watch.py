"""`preflight watch`: the windows after a deployment, each looked at when it is over, one record a look and all of them combined.

What was looked at already is read from the records, so that a watch that was stopped goes on where it was.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from preflight import combine
from preflight.checklist import ROOT
from preflight.checklist import load as load_checklist
from preflight.errors import UsageError
from preflight.outcome import Stage
from preflight.record.read import ReadError, read
from preflight.record.tree import Record
from preflight.run import later
from preflight.target import Target, load
from preflight.terminal import show

WINDOWS: dict[Stage, timedelta] = {
    Stage.IMMEDIATE: timedelta(minutes=15),
    Stage.SHORT: timedelta(hours=1),
    Stage.MEDIUM: timedelta(hours=4),
    Stage.LONG: timedelta(hours=24),
}
"""When each window after the deployment is over (checklist.md lines 1179-1362)."""
_GRACE = timedelta(seconds=30)
"""So that the last scrapes of a window are there."""
_TELL_EVERY_S = 60.0
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Look = Callable[[Sequence[Stage]], None]


def duration(text: str) -> timedelta:
    """A time such as 15m, 4h or 1d. Raises ValueError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text.strip())
    if not found:
        raise ValueError(f"{text!r} is no time; write 15m, 4h or 1d")
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def watch(path: Path, until: timedelta, folder: Path) -> int:
    """Look at every window up to `until` after the deployment; the exit status is that of the combined record.

    Raises UsageError without a time of the deployment, or when a look leaves no record; TargetError for a bad target.
    """
    target = load(path)
    folder = folder.absolute()
    try:
        follow(target, until, folder, lambda stages: _run(path, folder, stages))
    except KeyboardInterrupt:
        show("stopped; the same command goes on where this one was")
        raise
    return combine.combine([where for where, _ in looks(target, folder)], folder / "watched", oldest_hours=48)


def follow(
    target: Target,
    until: timedelta,
    folder: Path,
    look: Look,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait for each window and look at it; what is over already is looked at once, together."""
    deployed = target.facts.times.deployed_at
    if deployed is None:
        raise UsageError(f"{target.path}: nothing to watch without times.deployed_at")
    due = {stage: deployed + length + _GRACE for stage, length in WINDOWS.items() if length <= until}
    if not due:
        raise UsageError(f"the first window is over {WINDOWS[Stage.IMMEDIATE]} after the deployment; give --until 15m or more")
    while waiting := [stage for stage, at in due.items() if not _looked_at(target, folder, stage, at)]:
        over = [stage for stage in waiting if due[stage] <= clock()]
        if over:
            show(f"{clock():%H:%M} UTC  looking at: {', '.join(over)}")
            before = len(looks(target, folder))
            look(over)
            found = looks(target, folder)
            if len(found) == before:
                raise UsageError(f"the look at {', '.join(over)} left no record in {folder}")
            if any(not _looked_at(target, folder, stage, due[stage]) for stage in over):
                raise UsageError(f"the look at {', '.join(over)} did not reach all its items: {found[-1][0]}")
            show(f"{clock():%H:%M} UTC  {', '.join(over)}: {found[-1][1].headline}  {found[-1][0]}")
        else:
            left = (due[waiting[0]] - clock()).total_seconds()
            show(
                f"{clock():%H:%M} UTC  {waiting[0]} is due at {due[waiting[0]]:%H:%M} UTC, in {left / 60:.0f} min (Ctrl-C stops)"
            )
            sleep(min(max(left, 1.0), _TELL_EVERY_S * 10 if left > 3600 else _TELL_EVERY_S))
    show(f"every window up to {until} after the deployment has been looked at")


def looks(target: Target, folder: Path) -> list[tuple[Path, Record]]:
    """The records of this target, build and deployment in a folder, the oldest first; combined ones are left out."""
    found = []
    for path in folder.glob("*/record.json"):
        if path.parent.is_symlink():
            continue
        try:
            record = read(path.parent)
        except ReadError:
            continue  # a run that did not end
        told, facts = record.target, target.facts
        same = (told.name, told.build, told.deployed_at) == (facts.name, facts.build, facts.times.deployed_at)
        if same and not record.run_id.startswith("combined-"):
            found.append((path.parent, record))
    return sorted(found, key=lambda pair: pair[1].started)


def _looked_at(target: Target, folder: Path, stage: Stage, due: datetime) -> bool:
    """Whether a run that began after the window was over looked at all its items."""
    wanted = {entry.id for entry in load_checklist().item if entry.stage == stage}
    return any(
        record.started >= due and not record.interrupted and wanted <= {item.id for item in record.items if not later(item)}
        for _, record in looks(target, folder)
    )


def _run(target: Path, folder: Path, stages: Sequence[Stage]) -> None:
    chosen = ["-m", " or ".join(stages), f"--target={target.absolute()}", f"--record={folder}", "--stage=postdeploy"]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *chosen], cwd=ROOT, check=False)
