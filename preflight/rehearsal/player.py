"""What the stand-in streams of somebody who plays: turns, teleports, movement with its vignette, every button; over and over.

Times are seconds since the player began, places in m, angles in degrees.
"""

from __future__ import annotations

import math
from typing import Any

CYCLE_S = 8.0
_TURN_S, _TELEPORT_S, _MOVE_S, _STOP_S, _PRESS_S = 1.0, 2.5, 4.0, 5.5, 6.0
_TURN_DEG, _STEP_M, _PACE_M_PER_S = 30.0, 2.0, 1.0
_PRESSED_S = 0.15

_HAPPENINGS: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (_TURN_S, "turn", {"mode": "snap"}),
    (_TELEPORT_S, "teleport", {}),
    (_MOVE_S, "locomotion", {"active": True}),
    (_MOVE_S, "vignette", {"strength": 0.6}),
    (_STOP_S, "locomotion", {"active": False}),
    (_STOP_S, "vignette", {"strength": 0.0}),
)


def place(elapsed: float) -> tuple[float, float, float]:
    """The player's x, z and turn at that time; whoever teleports forth teleports back the next time."""
    rounds, within = divmod(elapsed, CYCLE_S)
    teleports = int(rounds) + (within >= _TELEPORT_S)
    x = _STEP_M if teleports % 2 else 0.0
    moving = _STOP_S - _MOVE_S
    z = -_PACE_M_PER_S * (rounds * moving + min(moving, max(0.0, within - _MOVE_S)))
    return x, z, _TURN_DEG * (rounds + (within >= _TURN_S))


def happenings(since: float, until: float) -> list[tuple[str, dict[str, Any]]]:
    """The events of the time after `since` and up to `until`, in order."""
    found = []
    for number in range(int(since // CYCLE_S), int(until // CYCLE_S) + 1):
        for within, event, data in _HAPPENINGS:
            at = number * CYCLE_S + within
            if since < at <= until:
                x, z, _ = place(at)
                found.append((event, {"target": [x, 0.0, z]} if event == "teleport" else dict(data)))
    return found


def pressed(elapsed: float, names: tuple[str, ...]) -> str:
    """The control that is pressed at that time; empty for none."""
    index, within = divmod(elapsed % CYCLE_S - _PRESS_S, 2 * _PRESSED_S)
    return names[int(index)] if 0 <= index < len(names) and within < _PRESSED_S else ""


def looks_about(elapsed: float) -> float:
    """How far (degrees) the head is turned beside the body's own turn."""
    return 40 * math.sin(elapsed)
