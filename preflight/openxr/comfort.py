"""Turning, teleporting, moving: what a session's telemetry says of it. Numbers in, judgements out.

The game tells `vr_tracking` ten times a second, and `turn` (`mode`: snap or smooth), `teleport` (`target`, m),
`locomotion` (`active`) and `vignette` (`strength`) when they happen, as events of their own or as `custom` events of
that `name`. Angles are in degrees about the vertical axis, positions in m.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

from preflight.openxr.recording import SEAM, Happened

_SETTLED_S = 0.15
_SETTLES_S = 1.5
_A_SNAP_DEG = 10.0
"""Less than that from one look to the next is no snap: it is how a smooth turn goes on."""
_MEANT_S = 0.35
_VIGNETTE_S = 0.3
_NEAR_S = 1.0


@dataclass(frozen=True)
class Camera:
    """Where the camera was at a time (s), and how far it was turned (degrees)."""

    at: float
    position: tuple[float, float, float]
    yaw: float


@dataclass(frozen=True)
class Turn:
    """A turn by so many degrees; `snapped` when it was done from one look to the next."""

    at: float
    degrees: float
    snapped: bool


def events(told: Sequence[Happened], name: str) -> list[Happened]:
    """The events of that name."""
    return [h for h in told if h.event == name or (h.event == "custom" and h.data.get("name") == name)]


def cameras(told: Sequence[Happened]) -> list[Camera]:
    """The camera's way, from the headset's poses; what is no pose is left out."""
    found = []
    for happened in events(told, "vr_tracking"):
        head = happened.data.get("headset")
        place, turn = (head.get("position"), head.get("rotation")) if isinstance(head, dict) else (None, None)
        if numbers(place, 3) and numbers(turn, 4):
            x, y, z, w = turn
            yaw = math.degrees(math.atan2(2 * (w * y + x * z), 1 - 2 * (x * x + y * y)))
            found.append(Camera(happened.at, (place[0], place[1], place[2]), yaw))
    return found


def turns(told: Sequence[Happened]) -> list[Turn]:
    """Every turn the game told of, measured on the camera's way: a snap is what one step has more than those beside it.

    The steps beside it are the player's own head, which never quite rests.
    """
    way, found = cameras(told), []
    for happened in events(told, "turn"):
        before = [c for c in way if c.at <= happened.at][-2:]
        after = [c for c in way if happened.at < c.at <= happened.at + _SETTLES_S]
        if not before or not after:
            continue
        steps = [_between(a.yaw, b.yaw) for a, b in pairwise([*before, *after])]
        largest = max(range(len(steps)), key=lambda index: abs(steps[index]))
        beside = [steps[index] for index in (largest - 1, largest + 1) if 0 <= index < len(steps)]
        snap = steps[largest] - (sum(beside) / len(beside) if beside else 0.0)
        snapped = happened.data.get("mode") != "smooth" and abs(snap) >= _A_SNAP_DEG
        found.append(Turn(happened.at, abs(snap if snapped else _between(before[-1].yaw, after[-1].yaw)), snapped=snapped))
    return found


def teleport_errors(told: Sequence[Happened]) -> list[tuple[float, float]]:
    """Time (s) and horizontal distance (m) between target and arrival of every teleport."""
    way, found = cameras(told), []
    for happened in events(told, "teleport"):
        target = happened.data.get("target")
        after = [c for c in way if happened.at + _SETTLED_S < c.at <= happened.at + _SETTLES_S]
        if numbers(target, 3) and after:
            (x, _, z), there = target, after[0].position
            found.append((happened.at, math.hypot(there[0] - x, there[2] - z)))
    return found


def moves(told: Sequence[Happened]) -> list[tuple[float, float]]:
    """Stretches of smooth movement: start and end (s)."""
    found, began = [], None
    for happened in [h for h in told if h.event == SEAM or h in events([h], "locomotion")]:
        if happened.event == SEAM:
            began = None
        elif happened.data.get("active") and began is None:
            began = happened.at
        elif not happened.data.get("active") and began is not None:
            found.append((began, happened.at))
            began = None
    return found


def without_vignette(told: Sequence[Happened]) -> list[tuple[float, float]]:
    """The movements that began without a vignette within 0.3 s, or lost it before their end."""
    bad = []
    shown = [(h.at, _strength(h.data.get("strength"))) for h in events(told, "vignette")]
    for began, ended in moves(told):
        on = [at for at, strength in shown if strength > 0 and at <= began + _VIGNETTE_S]
        off = [at for at, strength in shown if strength <= 0 and on and on[-1] < at < ended]
        if not on or off:
            bad.append((began, ended))
    return bad


def _threes(way: Sequence[Camera]) -> list[tuple[Camera, Camera, Camera]]:
    """Positions with their neighbours, all within a second: further apart a jump looks like a walk."""
    return [three for three in zip(way, way[1:], way[2:], strict=False) if three[2].at - three[0].at <= _NEAR_S]


def followed(told: Sequence[Happened]) -> int:
    """At how many positions of the camera a jump would have been seen."""
    return len(_threes(cameras(told)))


def worst_jump(told: Sequence[Happened]) -> tuple[float, float]:
    """The largest sudden departure (m) of the camera from its path, and its time (s); what the player asked for is left out.

    It is twice the distance of a position from the middle of its neighbours: nought for even movement, however fast,
    and the whole of a jump. Where messages were late or lost the middle is taken by the times too, and the smaller one counts.
    """
    asked = [h.at for name in ("teleport", "turn", "locomotion", SEAM) for h in events(told, name)]
    worst = (0.0, 0.0)
    for a, b, c in _threes(cameras(told)):
        if any(a.at - _MEANT_S <= at <= c.at + _MEANT_S for at in asked):
            continue
        part = (b.at - a.at) / (c.at - a.at) if c.at > a.at else 0.5
        worst = max(worst, (min(_off(a, b, c, 0.5), _off(a, b, c, part)), b.at))
    return worst


def _off(a: Camera, b: Camera, c: Camera, part: float) -> float:
    """How far b jumped off the straight way from a to c (m), of which it should have gone that part."""
    even = [p + part * (q - p) for p, q in zip(a.position, c.position, strict=True)]
    return math.dist(b.position, even) / max(part, 1 - part)


def _between(before: float, after: float) -> float:
    return (after - before + 180) % 360 - 180


def numbers(value: Any, count: int) -> TypeGuard[list[float]]:
    """Whether a value of the telemetry is a list of so many numbers."""
    return isinstance(value, list | tuple) and len(value) == count and all(map(number, value))


def _strength(value: Any) -> float:
    return float(value) if number(value) else 0.0


def number(value: Any) -> TypeGuard[float]:
    """Whether a value of the telemetry is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
