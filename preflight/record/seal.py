"""Whether a record is what the run wrote: hashes of its files, and every verdict derived again from its outcomes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

from preflight.checklist import Checklist, Item
from preflight.outcome import exit_status
from preflight.people import sha256
from preflight.record.read import ReadError, read
from preflight.record.tree import Record, score, stale, waiver_uses
from preflight.record.write import atomic
from preflight.run import fold, summarise

SUMS = "SHA256SUMS"


def seal(folder: Path) -> None:
    """Write the hashes of every file of a run, in the format of sha256sum."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS and not path.name.startswith("."))
    atomic(folder / SUMS, "".join(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files))


def problems(folder: Path, checklist: Checklist) -> Iterator[str]:
    """What is wrong with the record of a run, a sentence each; nothing when it is as it was written.

    Raises ReadError when there is no record.
    """
    yield from _changed_files(folder)
    record = read(folder)
    yield from _derived_otherwise(record, checklist)


def _changed_files(folder: Path) -> Iterator[str]:
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{folder / SUMS}: can't be read; the run did not end, or the file was removed") from error
    named = set()
    for line in lines:
        digest, _, name = line.partition("  ")
        path = folder / name
        named.add(name)
        if not name or Path(name).is_absolute() or ".." in Path(name).parts:
            yield f"{SUMS} has a line that names no file of the record: {line[:80]!r}"
        elif not path.is_file():
            yield f"{name} is missing"
        elif sha256(path) != digest:
            yield f"{name} was changed after the run wrote it"
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS and not p.name.startswith(".")):
        if path.relative_to(folder).as_posix() not in named:
            yield f"{path.relative_to(folder).as_posix()} was added after the run"


def _derived_otherwise(record: Record, checklist: Checklist) -> Iterator[str]:
    """Every item from its tests' outcomes, and the verdict from the items, once more."""
    known = checklist.by_id
    items: list[Item] = []
    for kept in record.items:
        entry = known.get(kept.id)
        if entry is None:
            yield f"{kept.id} is no item of this checklist ({checklist.version})"
            continue
        items.append(entry)
        planned = {outcome.node: outcome.item for outcome in kept.outcomes}
        again = fold([entry], planned, kept.outcomes)
        if again and (again[0].status, again[0].code) != (kept.status, kept.code) and "superseded" not in kept.facts:
            yield f"{kept.id} says {kept.status}, but its tests say {again[0].status}"
    at = record.finished if record.finished.tzinfo else record.finished.replace(tzinfo=UTC)
    uses = waiver_uses([use.waiver for use in record.waivers], record.items, at)
    again_all = summarise(
        record.items, checklist.item, record.stage, stale_waiver=stale(uses, record.items), interrupted=record.interrupted
    )
    if again_all.verdict is not record.verdict:
        yield f"the record says {record.verdict}, but its items say {again_all.verdict}"
    if record.exit_status in (0, 1, 6, 7):
        status = exit_status(again_all.verdict, pytest_status=0, rehearsal=record.rehearsal)
        if status != record.exit_status:
            yield f"the record says exit status {record.exit_status}, but its verdict gives {status}"
    if score(record.items).value != record.score.value:
        yield f"the record says a readiness score of {record.score.value}, but its items give {score(record.items).value}"
