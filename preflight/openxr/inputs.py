"""Buttons and axes: what responded, how late, and what never let go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from preflight.openxr.comfort import number
from preflight.openxr.recording import SIDES, Recording

_LONG_ENOUGH = 30
_HALF_WAY = 0.5


def pressed(value: Any) -> bool:
    """Whether the value of a control means that it is used: an axis at rest is seldom nought exactly."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return any(pressed(part) for part in value)
    return abs(value) > _HALF_WAY if number(value) else bool(value)


def held(controls: Mapping[str, Any]) -> list[str]:
    """Controls that were pressed in every sample of a look of half a second or more."""
    return [name for name, kept in controls.items() if kept["samples"] >= _LONG_ENOUGH and kept["pressed"] == kept["samples"]]


def silent(recording: Recording) -> list[str]:
    """Bound controls that nobody used in the recording."""
    used = {(entry.side, entry.control) for entry in recording.inputs}
    return [f"{side} {name}" for side in SIDES for name in recording.bound if (side, name) not in used]


def stuck(recording: Recording) -> list[str]:
    """Controls that changed an odd number of times: pressed and never released."""
    counts: dict[str, int] = {}
    for entry in recording.inputs:
        name = f"{entry.side} {entry.control}"
        counts[name] = counts.get(name, 0) + 1
    return [name for name, count in counts.items() if count % 2]


def slowest(recording: Recording) -> tuple[float, str] | None:
    """The longest time (ms) from a control's change to the game seeing it, and which control; None where none is told."""
    timed = [(entry, entry.changed) for entry in recording.inputs if entry.changed is not None]
    return max(((1000 * (entry.seen - changed), f"{entry.side} {entry.control}") for entry, changed in timed), default=None)
