"""What telemetry tells of a scenario that a person plays: made into a recording, and looked at. Data in, data out.

Frames are counted by the numbers of the binary frames (0x01) against this machine's clock, where the game sends them,
else its own figures are taken. When a button was pressed is not told, only when the game saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from preflight.openxr import comfort, inputs
from preflight.openxr.recording import SCHEMA, SEAM, SIDES, Recording
from preflight.probes.telemetry import Listening, Message
from preflight.redact import printable

_KEPT = ("vr_tracking", "turn", "teleport", "locomotion", "vignette", "custom")
_STILL_HELD_S = 5.0
_BETWEEN_S = 10.0
_TURNED_DEG = 60.0
_JUMP_M = 0.1


@dataclass(frozen=True)
class Finding:
    """Something that the telemetry of a scenario shows, or does not: `seen` is whether it is as it should be."""

    seen: bool
    text: str


def part(heard: Listening) -> dict[str, Any]:
    """The recording of one scenario as data: `seconds` of rates (FPS), `telemetry`, `inputs`, `bound`, `ends` (s)."""
    told = [m for m in heard.of("event") if m.data.get("event") in _KEPT and isinstance(m.data.get("data"), dict)]
    rows, bound = _inputs(told, heard.seconds)
    return {
        "seconds": rates(heard),
        "telemetry": [[round(m.at, 3), m.data["event"], m.data["data"]] for m in told],
        "inputs": rows,
        "bound": bound,
        "ends": round(heard.seconds, 3),
    }


def rates(heard: Listening) -> list[float]:
    """Frames a second (FPS), one figure for each second; a silence is as many seconds of a low rate as it lasted."""
    counted = [(m.at, m.data["number"]) for m in heard.of("frame")]
    if not counted:
        return _said_rates(heard)
    found, (since, first) = [], counted[0]
    for at, number in counted[1:]:
        if at - since < 1:
            continue
        if number >= first:  # else the game was started anew, or its counter has run over
            found += [round((number - first) / (at - since), 2)] * round(at - since)
        since, first = at, number
    return found + [0.0] * int(heard.seconds - since - 1)


def _said_rates(heard: Listening) -> list[float]:
    by_second: dict[int, list[float]] = {}
    for message in heard.events("fps"):
        said = message.data.get("data")
        fps = said.get("fps") if isinstance(said, dict) else None
        if comfort.number(fps):
            by_second.setdefault(int(message.at), []).append(float(fps))
    if not by_second:
        return []
    first, last = min(by_second), max(by_second)
    if len(by_second) <= (last - first + 1) / 2:  # told so seldom, a second without one is no freeze
        return [round(float(np.mean(said)), 2) for _, said in sorted(by_second.items())]
    until = max(last, int(heard.seconds) - 2)
    return [round(float(np.mean(by_second.get(second, [0.0]))), 2) for second in range(first, until + 1)]


def _inputs(told: Sequence[Message], ends: float) -> tuple[list[list[Any]], list[str]]:
    """Rows of side, control, None, time seen (s), and the names of the controls; presses that still last are left out."""
    down: dict[tuple[str, str], bool] = {}
    rows: list[list[Any]] = []
    for message in told:
        for side in SIDES:
            hand = message.data["data"].get(f"{side}_controller")
            buttons = hand.get("buttons") if isinstance(hand, dict) else None
            for name, value in buttons.items() if isinstance(buttons, dict) else ():
                control = (side, printable(str(name), 40))
                if inputs.pressed(value) != down.get(control, False):
                    rows.append([*control, None, round(message.at, 3)])
                down[control] = inputs.pressed(value)
    for control, pressed in down.items():
        last = max((index for index, row in enumerate(rows) if tuple(row[:2]) == control), default=None)
        if pressed and last is not None and ends - rows[last][3] < _STILL_HELD_S:
            del rows[last]
    return rows, sorted({name for _, name in down})


def joined(parts: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> dict[str, Any]:
    """One recording of several scenarios, with a seam between each two: nobody knows what happened there."""
    telemetry: list[list[Any]] = []
    presses: list[list[Any]] = []
    began = 0.0
    for played in parts:
        telemetry += [[round(began + at, 3), event, data] for at, event, data in played["telemetry"]]
        presses += [[side, control, None, round(began + seen, 3)] for side, control, _, seen in played["inputs"]]
        began += played["ends"] + _BETWEEN_S
        telemetry.append([round(began - _BETWEEN_S / 2, 3), SEAM, {}])
    return {
        "schema": SCHEMA,
        **about,
        "hz": None,
        "seconds": [rate for played in parts for rate in played["seconds"]],
        "telemetry": telemetry,
        "inputs": presses,
        "bound": sorted({name for played in parts for name in played["bound"]}),
    }


def _frame_rate(told: Recording) -> Finding:
    found = [second.fps for second in told.seconds]
    if not found:
        return Finding(seen=False, text="the game tells no frame rate")
    return Finding(min(found) >= 85, f"{np.mean(found):.1f} FPS on average, {min(found):.1f} in the slowest second")


def _head(told: Recording) -> Finding:
    yaws = [camera.yaw for camera in comfort.cameras(told.telemetry)]
    turned = float(np.ptp(np.degrees(np.unwrap(np.radians(yaws))))) if yaws else 0.0
    return Finding(turned >= _TURNED_DEG, f"the head turned by {turned:.0f} degrees from side to side")


def _buttons(told: Recording) -> Finding:
    silent = inputs.silent(told)
    used = len({(entry.side, entry.control) for entry in told.inputs})
    return Finding(
        bool(used) and not silent, f"{used} controls used" + (f"; never pressed: {', '.join(silent)}" if silent else "")
    )


def _turns(told: Recording) -> Finding:
    turns = comfort.turns(told.telemetry)
    if not turns:
        return Finding(seen=False, text="no turn by the stick")
    worst = max(turns, key=lambda turn: abs(turn.degrees - 30))
    snapped = all(turn.snapped for turn in turns)
    text = (
        f"{len(turns)} turns, {'all snapped' if snapped else 'some smooth'}, the farthest from 30 degrees by {worst.degrees:.1f}"
    )
    return Finding(snapped and abs(worst.degrees - 30) <= 1, text)


def _teleports(told: Recording) -> Finding:
    errors = [error for _, error in comfort.teleport_errors(told.telemetry)]
    if not errors:
        return Finding(seen=False, text="no teleport")
    return Finding(max(errors) <= _JUMP_M, f"{len(errors)} teleports, at most {max(errors):.2f} m beside their target")


def _vignette(told: Recording) -> Finding:
    moved, bare = comfort.moves(told.telemetry), comfort.without_vignette(told.telemetry)
    if not moved:
        return Finding(seen=False, text="no movement by the stick")
    return Finding(not bare, f"{len(moved)} movements, {len(bare)} without a vignette")


def _camera(told: Recording) -> Finding:
    jump, at = comfort.worst_jump(told.telemetry)
    return Finding(jump <= _JUMP_M, f"the camera left its path by at most {jump:.2f} m" + (f", at {at:.0f} s" if jump else ""))


LOOKS: Mapping[str, Callable[[Recording], Finding]] = {
    "frame rate": _frame_rate,
    "head": _head,
    "buttons": _buttons,
    "turns": _turns,
    "teleports": _teleports,
    "vignette": _vignette,
    "camera": _camera,
}
"""What a scenario's telemetry is looked at for, at once, so that it can be played again; the items judge it by themselves."""
