"""`preflight compare OLD NEW`, and the record that a run is compared with by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from preflight.record.read import ReadError, read
from preflight.record.since import Since, changes
from preflight.record.tree import Record
from preflight.run import ItemResult

_MOST_TRIED = 30


def since(old: Record, items: Sequence[ItemResult]) -> Since:
    """What is different in `items` from an older record."""
    known = {item.id for item in old.items}
    return Since(
        run_id=old.run_id,
        build=old.target.build,
        finished=old.finished,
        verdict=old.verdict,
        score=old.score.value,
        both=sum(item.id in known for item in items),
        changes=changes(old.items, items),
    )


def previous(
    folder: Path, name: str, items: Sequence[ItemResult], *, rehearsal: bool, without: Collection[Path] = ()
) -> Since | None:
    """What changed since the newest record beside `folder` of the same target that looked at half of `items`.

    Where none did, the one that looked at most of them; None where none looked at any.
    `without`: folders that `folder` is made of, which are no older record of it.
    Records that can't be read are passed over: an old one that is broken is no reason to have no new one.
    """
    kind = "REHEARSAL-" if rehearsal else ""
    best: Since | None = None
    beside = [path for path in folder.parent.glob(f"{kind}{name}-*/record.json") if path.parent not in (folder, *without)]
    for path in sorted(beside, key=_written, reverse=True)[:_MOST_TRIED]:
        try:
            old = read(path)
        except ReadError:
            continue
        if old.target.name != name or old.rehearsal != rehearsal:
            continue
        found = since(old, items)
        if found.both > (best.both if best else 0):
            best = found
        if 2 * found.both >= len(items):
            break
    return best


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # somebody clears old records away while this run ends
        return 0.0


def text(found: Since, new: Record) -> str:
    """The comparison for the terminal."""
    rows = [
        f"{found.run_id}, build {found.build}, {found.finished:%Y-%m-%d %H:%M} UTC: {found.verdict}, score {found.score:g}",
        f"{new.run_id}, build {new.target.build}, {new.finished:%Y-%m-%d %H:%M} UTC: {new.verdict}, score {new.score.value:g}",
        f"{found.both} items are in both",
        "",
    ]
    for change in found.changes:
        values = (
            "" if change.old_value is None or change.value is None else f" {change.old_value:g} -> {change.value:g} {change.unit}"
        )
        status = f"{change.was} -> {change.now}" if change.was is not change.now else str(change.now)
        rows.append(f"{status:<20} {change.id:<14}{values or ' ' + change.title}")
    return "\n".join([*rows, "" if found.changes else "nothing changed"]).rstrip()
