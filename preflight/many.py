"""`preflight many`: several targets in one command, a record each, and one page over them, the worst first."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from preflight.errors import UsageError, writing
from preflight.outcome import Status, Verdict
from preflight.record import html
from preflight.record.read import ReadError, read
from preflight.record.tree import Record
from preflight.record.write import atomic
from preflight.target import load
from preflight.terminal import show

_WORST_FIRST = (Verdict.NO_GO, Verdict.INVALID, Verdict.HOLD, Verdict.GO_WITH_WARNINGS, Verdict.GO)


@dataclass(frozen=True)
class Seen:
    """What came of one target: its record and where it lies, or why there is none."""

    target: Path
    exit_status: int
    record: Record | None
    folder: Path | None


def many(targets: Sequence[Path], place: Path, arguments: str) -> int:
    """Run the suite against each target, one after the other; the exit status of the worst.

    Raises UsageError for a target file that stands twice, TargetError for one that can't be used: before anything is sent.
    """
    if len({path.resolve() for path in targets}) < len(targets):
        raise UsageError("a target file stands twice; its two runs would share one budget and tell nothing new")
    for path in targets:
        load(path)
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        seen = [_run(path, place, shlex.split(arguments)) for path in targets]
        page = place / f"overview-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.html"
        atomic(page, html.overview([(s.target.name, s.record, s.folder.name if s.folder else "") for s in order(seen)]))
    ordered = order(seen)
    rows = [f"{s.record.headline if s.record else 'no record':<44} {s.target}" for s in ordered]
    show("\n".join([*rows, f"Overview: {page}"]))
    return ordered[0].exit_status


def order(seen: Sequence[Seen]) -> list[Seen]:
    """The worst first: no record at all, then by verdict, by how many items fail, by score."""
    return sorted(seen, key=_rank)


def _rank(one: Seen) -> tuple[int, int, float]:
    if one.record is None:
        return -1, 0, 0.0
    fails = one.record.counts().get(Status.FAIL, 0)
    return _WORST_FIRST.index(one.record.verdict), -fails, one.record.score.value


def _run(target: Path, place: Path, arguments: Sequence[str]) -> Seen:
    """One run in a process of its own: a target that brings down its run leaves the others alone."""
    show(f"== {target}")
    name = load(target).facts.name
    before = _records(place)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"--target={target.absolute()}", f"--record={place.absolute()}", *arguments], check=False
    )
    for file in _records(place) - before:
        with contextlib.suppress(ReadError):
            record = read(file)
            if record.target.name == name:  # somebody else may be running here, too
                return Seen(target, done.returncode, record, file.parent)
    return Seen(target, done.returncode, None, None)


def _records(place: Path) -> set[Path]:
    return {file.resolve() for file in place.glob("*/record.json")}
