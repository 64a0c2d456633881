"""How well this version of the suite finds faults: the figure that was measured when it was released."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

FILE = Path(__file__).resolve().parents[1] / "data" / "detection.json"


class Detection(BaseModel):
    """Faults planted in the rehearsal, one at a time, and what the suite said of them; shares are of 1."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: str = "not named"
    date: str = "not named"
    faults: int
    exact: int
    share_exact_at_least: float
    inexact: int
    missed: int
    evaded: int
    look_alikes_and_clean_runs: int
    false_alarms: int


def read(file: Path = FILE) -> Detection | None:
    """The figure of this copy of the suite; None where it holds none."""
    try:
        return Detection.model_validate(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, ValidationError):
        return None
