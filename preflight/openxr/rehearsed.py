"""The recorded session of a rehearsal: made by arithmetic, the same each time, 90 Hz, and what can be wrong with it.

Ninety seconds of telemetry hold the head's way, four snap turns, two teleports, two stretches of smooth movement with
their vignette, and every control pressed and released; twenty seconds of frames.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from preflight.openxr.recording import SCHEMA

_FRAMES = 1800
_SECONDS = 92.0
_TRACKING_S = 0.1
_TURNS = (10.0, 14.0, 18.0, 22.0)
_TELEPORTS = ((30.0, (2.0, -1.0)), (36.0, (-1.5, 3.0)))
_MOVES = ((45.0, 50.0), (60.0, 66.0))
_BOUND = ("trigger", "grip", "primary", "secondary", "thumbstick", "stick")
_LATENCY_S = 0.012

KINDS = (
    "",
    "72 hz",
    "below 85",
    "late frames",
    "freeze",
    "unpaced",
    "reprojected",
    "loading hitch",
    "first frame late",
    "turns of 45",
    "smooth turning",
    "no vignette",
    "teleport misses",
    "camera jumps",
    "button stuck",
    "button late",
)
"""What can be wrong: "loading hitch" is a look-alike, the empty kind is sound."""


def write(path: Path, kind: str = "", build: str = "") -> Path:
    """Write the recording. Raises ValueError for an unknown kind."""
    path.write_text(json.dumps(session(kind, build)), "utf-8")
    return path


def session(kind: str = "", build: str = "") -> dict[str, Any]:
    """The recording as data."""
    if kind not in KINDS:
        raise ValueError(f"no recording is called {kind!r}")
    times, phases = _times(kind)
    return {
        "schema": SCHEMA,
        "headset": "SIMULATED: a session made by arithmetic, no headset was worn",
        "simulated": True,
        "build": build,
        "hz": 72.0 if kind == "72 hz" else 90.0,
        "first_frame_s": 6.0 if kind == "first frame late" else 1.8,
        "frames": {"display_time_s": [round(at, 6) for at in times], "phases": phases},
        "telemetry": _telemetry(kind),
        "inputs": _inputs(kind),
        "bound": list(_BOUND),
    }


def _times(kind: str) -> tuple[list[float], list[list[Any]]]:
    """Predicted display times (s), and the phases by first frame."""
    period = 1 / (72 if kind == "72 hz" else 90)
    steps: dict[str, Callable[[int], float]] = {
        "below 85": lambda i: period * (2 if i % 14 == 13 else 1),
        "late frames": lambda i: period * (2 if i % 9 == 8 else 1),
        "freeze": lambda i: 2.0 if i == 900 else period,
        "unpaced": lambda _: 1 / 1520,
        "reprojected": lambda _: 2 * period,
        "loading hitch": lambda i: 1.4 if i == 920 else period,
    }
    step: Callable[[int], float] = steps.get(kind, lambda _: period)
    at, times = 5.0, []
    for index in range(_FRAMES):
        times.append(at)
        at += step(index)
    phases: list[list[Any]] = [[0, "start-up"], [90, "steady"]]
    if kind == "loading hitch":
        phases += [[910, "loading"], [930, "steady"]]
    return times, phases


def _telemetry(kind: str) -> list[list[Any]]:
    told: list[list[Any]] = []
    turn = 45.0 if kind == "turns of 45" else 30.0
    for index in range(int(_SECONDS / _TRACKING_S)):
        at = round(index * _TRACKING_S, 3)
        told.append([at, "vr_tracking", {"headset": _head(at, kind, turn)}])
    mode = "smooth" if kind == "smooth turning" else "snap"
    told += [[at + 0.05, "turn", {"mode": mode}] for at in _TURNS]
    told += [[at + 0.05, "teleport", {"target": [x, 0.0, z]}] for at, (x, z) in _TELEPORTS]
    for begin, end in _MOVES:
        told += [[begin, "locomotion", {"active": True}], [end, "locomotion", {"active": False}]]
        if kind != "no vignette":
            told += [[begin + 0.1, "vignette", {"strength": 0.6}], [end + 0.2, "vignette", {"strength": 0.0}]]
    return sorted(told, key=lambda row: float(row[0]))


def _head(at: float, kind: str, turn: float) -> dict[str, Any]:
    x = z = yaw = 0.0
    for begin in _TURNS:
        if kind == "smooth turning":
            yaw += turn * min(1.0, max(0.0, (at - begin) / 0.8))
        elif at > begin + 0.05:
            yaw += turn
    for when, (there_x, there_z) in _TELEPORTS:
        if at > when + 0.05:
            x, z = there_x + (0.6 if kind == "teleport misses" else 0.0), there_z
    for begin, end in _MOVES:
        z -= 1.2 * min(end - begin, max(0.0, at - begin))
    if kind == "camera jumps" and at > 75.0:
        x += 0.5
    sway = 0.02 * math.sin(1.3 * at)
    half = math.radians(yaw) / 2
    return {
        "position": [round(x + sway, 4), round(1.62 + sway / 4, 4), round(z + sway / 2, 4)],
        "rotation": [0.0, round(math.sin(half), 6), 0.0, round(math.cos(half), 6)],
        "tracked": True,
    }


def _inputs(kind: str) -> list[list[Any]]:
    latency = 0.15 if kind == "button late" else _LATENCY_S
    rows: list[list[Any]] = []
    at = 70.0
    for side in ("left", "right"):
        for control in _BOUND:
            pressed_only = kind == "button stuck" and (side, control) == ("right", "trigger")
            moments = (at,) if pressed_only else (at, at + 0.3)
            rows += [[side, control, round(moment, 3), round(moment + latency, 3)] for moment in moments]
            at += 0.8
    return rows
