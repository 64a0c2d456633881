"""A recorded VR session: what was shown, told and pressed, as far as its source knows it. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preflight.measure.frames import Frame

SCHEMA = "preflight-session/1"
SIDES = ("left", "right")
SEAM = "seam"
"""An event between two scenarios that were recorded apart: nothing goes on over it."""


@dataclass(frozen=True)
class Second:
    """One second as a tool sums it up: FPS, refreshes that showed an old frame (None: not told)."""

    fps: float
    stale: float | None = None


@dataclass(frozen=True)
class Happened:
    """Something the game told at a time (s)."""

    at: float
    event: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Input:
    """A control that changed: when it did (None: not known), and when the game saw it (s)."""

    side: str
    control: str
    changed: float | None
    seen: float


ENDED_EARLY, NOT_RECORDED = "the game ended after", "not recorded"
"""Facts of a live session: takes in which the game went away, and scenarios that nobody has played to their end."""


@dataclass(frozen=True)
class Recording:
    """A recorded session. What a format does not hold is empty or None."""

    source: str
    headset: str = "not named"
    simulated: bool = False
    build: str = ""
    hz: float | None = None
    first_frame_s: float | None = None
    frames: Sequence[Frame] = ()
    seconds: Sequence[Second] = ()
    telemetry: Sequence[Happened] = ()
    inputs: Sequence[Input] = ()
    bound: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
