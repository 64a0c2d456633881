"""Head and hands as the game streams them: telemetry's tracking events as poses, beside its frame rates and alerts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from preflight.openxr import inputs
from preflight.openxr.comfort import number, numbers
from preflight.openxr.look import Pose
from preflight.openxr.recording import SIDES, Happened
from preflight.probes.telemetry import Listening

_FOLLOWED = 0b1111
_GUESSED = 0b0011


@dataclass(frozen=True)
class Streamed:
    """What a time of listening told of VR. `held`: controls that were pressed in every sample of that hand."""

    messages: int
    head: Sequence[Pose]
    hands: Mapping[str, Sequence[Pose]]
    profiles: Mapping[str, str]
    held: Sequence[str]
    rates: Sequence[float]
    alerts: Sequence[str] = field(default_factory=tuple)
    events: Sequence[Happened] = field(default_factory=tuple)

    @property
    def fps(self) -> float | None:
        """The mean frame rate that the game tells, None when it tells none."""
        import numpy as np

        return float(np.mean(self.rates)) if self.rates else None


def of_stream(stream: Listening) -> Streamed:
    """What of a stream is about VR; what is no pose is left out."""
    told = [message for message in stream.events("vr_tracking") if isinstance(message.data.get("data"), dict)]
    heads, hands = [], {side: [] for side in SIDES}  # type: tuple[list[Pose], dict[str, list[Pose]]]
    used: dict[str, list[bool]] = {}
    profiles: dict[str, str] = {}
    for message in told:
        data = message.data["data"]
        head = _pose(message.at, data.get("headset"))
        heads += [head] if head is not None else []
        for side in SIDES:
            said = data.get(f"{side}_controller")
            pose = _pose(message.at, said)
            hands[side] += [pose] if pose is not None else []
            if isinstance(said, dict):
                profiles[side] = str(said.get("profile", ""))
                for name, down in _below(said, "buttons").items():
                    used.setdefault(f"{side} {name}", []).append(inputs.pressed(down))
    rates = [float(m.data["data"]["fps"]) for m in stream.events("fps") if number(_below(m.data, "data").get("fps"))]
    return Streamed(
        messages=len(told),
        head=heads,
        hands=hands,
        profiles=profiles,
        held=[name for name, downs in used.items() if len(downs) > 1 and all(downs)],
        rates=rates,
        alerts=[str(m.data.get("message", "")) for m in stream.of("alert")],
        events=[Happened(m.at, str(m.data.get("event")), _below(m.data, "data")) for m in stream.of("event")],
    )


def said_fps(performance: Mapping[str, Any]) -> float | None:
    """The frame rate that GET /performance tells, by either name of the field."""
    engine = performance.get("engine")
    found = performance.get("fps", engine.get("fps") if isinstance(engine, dict) else None)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def apart(left: Sequence[Pose], right: Sequence[Pose]) -> float | None:
    """The median distance (m) between two hands, which no choice of origin changes; None where one is not there."""
    count = min(len(left), len(right))
    if not count:
        return None
    import numpy as np

    return float(np.median([math.dist(a.position, b.position) for a, b in zip(left[:count], right[:count], strict=True)]))


def _pose(at: float, said: Any) -> Pose | None:
    if not isinstance(said, dict):
        return None
    place, turn = said.get("position"), said.get("rotation")
    if not (numbers(place, 3) and numbers(turn, 4)):
        return None
    flags = _FOLLOWED if said.get("tracked", True) else _GUESSED
    return Pose(at, flags, (place[0], place[1], place[2]), (turn[0], turn[1], turn[2], turn[3]))


def _below(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, dict) else {}
