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
    """The folder that a record lies in, given that folder or the file itself."""
    return record if record.is_dir() else record.parent


def read(path: Path) -> Record:
    """The record in a file, or in the folder of a run. Raises ReadError."""
    file = path / "record.json" if path.is_dir() else path
    try:
        return Record.model_validate(json.loads(file.read_text("utf-8")), by_alias=True)
    except OSError as error:
        raise ReadError(f"{file}: can't be read ({error.strerror})") from error
    except (ValueError, ValidationError) as error:
        raise ReadError(f"{file}: is no record.json of this suite: {str(error).splitlines()[0]}") from error


def undecided(path: Path) -> set[str]:
    """The items of a record that nobody has decided: PENDING and ERROR."""
    return {item.id for item in read(path).items if item.status in (Status.PENDING, Status.ERROR)}
