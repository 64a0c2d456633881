"""Records read back: for what is still open, for joining several, for checking them."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from preflight.outcome import Status
from preflight.record.tree import Record


class ReadError(ValueError):
    """That is no record, or not a whole one: one sentence."""


def folder_of(record: Path) -> Path:
    """The folder that a record lies in, given that folder or the file itself. Raises ReadError when there is neither.

    `latest` may be a file with the name of the newest run, where the system has no links.
    """
    pointer = record.with_suffix(".txt")
    if record.name == "latest" and not record.exists() and pointer.is_file():
        record = record.parent / pointer.read_text("utf-8").strip()
    if not record.exists():
        raise ReadError(f"{record}: there is no such record")
    return record if record.is_dir() else record.parent


def read(path: Path) -> Record:
    """The record in a file, or in the folder of a run. Raises ReadError."""
    file = path if path.is_file() else folder_of(path) / "record.json"
    try:
        return Record.model_validate(json.loads(file.read_text("utf-8")), by_alias=True)
    except OSError as error:
        raise ReadError(f"{file}: can't be read ({error.strerror})") from error
    except (ValueError, ValidationError) as error:
        raise ReadError(f"{file}: is no record.json of this suite: {str(error).splitlines()[0]}") from error


def undecided(path: Path) -> set[str]:
    """The items of a record that nobody has decided: PENDING and ERROR."""
    return {item.id for item in read(path).items if item.status in (Status.PENDING, Status.ERROR)}
