"""What a look at OpenXR told, in the words of the tests: states, poses, controllers, frames."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from preflight.openxr.recording import SIDES

if TYPE_CHECKING:
    from preflight.measure.frames import Frame

WARM_UP_FRAMES = 30
"""The first half second: the runtime is still finding its pace."""

_VALID, _TRACKED = 0b0011, 0b1100
_ORIENTATION_TRACKED = 0b0100
_BUSY = 2.0
_SIMULATED = ("simulat", "remote hmd", "null", "dummy", "mock")


@dataclass(frozen=True)
class Pose:
    """A pose at a time (s): `flags` are OpenXR's location flags, position in m, orientation as x, y, z, w."""

    at: float
    flags: int
    position: tuple[float, float, float]
    orientation: tuple[float, float, float, float]
    active: bool = True

    @property
    def valid(self) -> bool:
        """Whether position and orientation mean something."""
        return self.active and self.flags & _VALID == _VALID

    def tracked(self, *, position: bool = True) -> bool:
        """Whether the runtime follows it now rather than guesses; without `position` the orientation is enough."""
        wanted = _TRACKED if position else _ORIENTATION_TRACKED
        return self.valid and self.flags & wanted == wanted


def meanwhile(before: float, after: float, seconds: float) -> float:
    """The mean load of a machine between two of its load averages (of one minute), `seconds` apart.

    A load average is a mean whose weights fall by e in a minute: what the first still counts for in the second is taken
    out. Over less than ten seconds that says nothing, and the second counts as it is.
    """
    kept = math.exp(-seconds / 60.0)
    return after if seconds < 10.0 else max(0.0, (after - before * kept) / (1.0 - kept))


@dataclass(frozen=True)
class Look:
    """One look. `trouble` is what ended it early: a code, and a sentence; empty codes mean that it went to its end.

    `load`: programs a processor of this machine had to run meanwhile; 0 where it is not told.
    """

    told: Mapping[str, Any]
    trouble: str = ""
    sentence: str = ""
    seconds: float = 0.0
    load: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether more than two programs waited for each processor: a headset drawn in software drops frames then."""
        return self.load > _BUSY

    @property
    def simulated(self) -> bool:
        """Whether the headset is made up by software."""
        named = f"{self.told.get('system', '')} {self.told.get('runtime', '')}".lower()
        return any(word in named for word in _SIMULATED)

    @property
    def headset(self) -> str:
        """Headset and runtime by name."""
        if "system" not in self.told:
            return "none"
        named = f"{self.told['system']} on {self.told['runtime']}"
        return f"SIMULATED: {named}" if self.simulated else named

    @property
    def states(self) -> list[str]:
        """The session's states in order."""
        return [str(state) for _, state in self.told.get("states", [])]

    @property
    def hz(self) -> float | None:
        """The refresh rate (Hz): the display's, else by the period that the runtime predicts."""
        said = self.told.get("refresh_rate")
        if said:
            return float(said)
        periods = [period for _, period, _ in self.told.get("frames", []) if period > 0]
        return 1e9 / float(statistics.median(periods)) if periods else None

    def frames(self) -> list[Frame]:
        """The frames, the first half second set apart."""
        from preflight.measure.frames import Frame

        told = self.told.get("frames", [])
        return [
            Frame(at / 1e9, bool(render), "steady" if index >= WARM_UP_FRAMES else "start-up")
            for index, (at, _, render) in enumerate(told)
        ]

    def head(self) -> list[Pose]:
        """The head, at each frame."""
        return [Pose(row[0], row[1], (*row[2:5],), (*row[5:9],)) for row in self.told.get("head", [])]

    def hand(self, side: str) -> list[Pose]:
        """A controller, at each frame."""
        rows = self.told.get("hands", [[], []])[SIDES.index(side)]
        return [Pose(row[0], row[2], (*row[3:6],), (*row[6:10],), active=bool(row[1])) for row in rows]

    def controls(self, side: str) -> dict[str, Any]:
        """The controls of a hand that the runtime serves: how often pressed, and when changed."""
        found: dict[str, Any] = self.told.get("controls", [{}, {}])[SIDES.index(side)]
        return {name: kept for name, kept in found.items() if kept["active"]}


def share(poses: Sequence[Pose], *, position: bool = True) -> float:
    """The share of poses that are tracked; 0 of none."""
    return sum(pose.tracked(position=position) for pose in poses) / len(poses) if poses else 0.0


def travel(poses: Sequence[Pose]) -> float:
    """How far (m) the farthest two corners of the space that the poses filled are apart, turning counted as 1 m a radian.

    Nought exactly is a pose that never changed.
    """
    import numpy as np

    if not poses:
        return 0.0
    places = np.array([pose.position for pose in poses])
    turns = np.array([pose.orientation for pose in poses])
    return float(np.linalg.norm(np.ptp(places, axis=0)) + np.linalg.norm(np.ptp(turns, axis=0)))


def longest_step(poses: Sequence[Pose]) -> tuple[float, float]:
    """The longest way (m) from one pose to the next, and its time (s) since the first."""
    import numpy as np

    if len(poses) < 2:
        return 0.0, 0.0
    steps = np.linalg.norm(np.diff(np.array([pose.position for pose in poses]), axis=0), axis=1)
    worst = int(steps.argmax())
    return float(steps[worst]), poses[worst + 1].at - poses[0].at


def drift(poses: Sequence[Pose], turned: float = math.radians(3)) -> float | None:
    """How fast (m/s) a hand slides while it does not turn: the slope of its position over the whole time.

    None when it turned by more than `turned` (rad): then it was held, and nothing can be said.
    """
    import numpy as np

    if len(poses) < 2:
        return None
    turns = np.array([pose.orientation for pose in poses])
    # between unit quaternions the angle is 2 acos |a.b|
    alike = np.clip(np.abs(turns @ turns[0]), 0, 1)
    if float(2 * np.arccos(alike.min())) > turned:
        return None
    times = np.array([pose.at for pose in poses])
    places = np.array([pose.position for pose in poses])
    times = times - times.mean()
    slopes = (times[:, None] * (places - places.mean(axis=0))).sum(axis=0) / (times**2).sum()
    return float(np.linalg.norm(slopes))
