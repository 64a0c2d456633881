"""Whether a record is what the run wrote: hashes of its files, and every verdict derived again from what lies below."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from preflight.checklist import Checklist
from preflight.people import sha256
from preflight.record import derive
from preflight.record.read import ReadError, read
from preflight.record.write import atomic

SUMS = "SHA256SUMS"
SIGNATURE = "record.dsse.json"
_ABOUT_THE_OTHERS = (SUMS, SIGNATURE)


def seal(folder: Path) -> None:
    """Write the hashes of every file of a run, in the format of sha256sum."""
    atomic(folder / SUMS, "".join(f"{sha256(folder / name)}  {name}\n" for name in files(folder)))


def files(folder: Path) -> list[str]:
    """The files of a record, by their names from its folder on; not those that speak about the others."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if str(path) not in _ABOUT_THE_OTHERS)


def problems(folder: Path, checklist: Checklist) -> Iterator[str]:
    """What is wrong with the record of a run, a sentence each; nothing when it is as it was written.

    Raises ReadError when there is no record.
    """
    yield from _changed_files(folder)
    yield from derive.problems(read(folder), checklist, folder)


def _changed_files(folder: Path) -> Iterator[str]:
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{folder / SUMS}: can't be read; the run did not end, or the file was removed") from error
    links = [path for path in folder.rglob("*") if path.is_symlink()]  # what they lead to is no part of the record
    yield from (f"{path.relative_to(folder).as_posix()} is a link, and a run writes none" for path in links)
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
    yield from (f"{name} was added after the run" for name in files(folder) if name not in named)
