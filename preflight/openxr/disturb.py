"""What goes wrong between a sound simulated headset and the session: the faults Monado has no setting for.

It stands where an API layer would: what the runtime says is changed on its way to the suite. Only a rehearsal uses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_TRACKED = 0b1100
"""XR_SPACE_LOCATION_ORIENTATION_TRACKED_BIT and POSITION_TRACKED_BIT (OpenXR 1.0, section 7.4)."""


@dataclass(frozen=True)
class Disturbance:
    """Changes of what a session sees; the default changes nothing.

    `head_pose`: "frozen", "jumps" (half a metre each second) or "untracked". `drift`: both hands slide by so many m/s.
    `hand_lost`: that hand's tracking ends. `stuck`: a control that is always pressed. `refuse_haptics`: the runtime answers
    so. `no_focus`: the session is never shown. `no_headset`: the runtime finds none.
    """

    head_pose: str = ""
    drift: float = 0.0
    hand_lost: str = ""
    stuck: str = ""
    refuse_haptics: str = ""
    no_focus: bool = False
    no_headset: bool = False


class Disturbed:
    """A session's view through a disturbance."""

    def __init__(self, by: Disturbance) -> None:
        self._by = by
        self._first: dict[str, Any] = {}

    def head(self, seconds: float, pose: list[Any]) -> list[Any]:
        """The head's [flags, x, y, z, qx, qy, qz, qw] as the session sees it."""
        first = self._first.setdefault("head", (seconds, pose))
        if self._by.head_pose == "frozen":
            return list(first[1])
        if self._by.head_pose == "untracked":
            return [pose[0] & ~_TRACKED, *pose[1:]]
        if self._by.head_pose == "jumps" and int(seconds - first[0]) % 2:
            return [pose[0], pose[1] + 0.5, *pose[2:]]
        return pose

    def hand(self, index: int, seconds: float, pose: list[Any]) -> list[Any]:
        """A hand's [active, flags, x, y, z, qx, qy, qz, qw] as the session sees it."""
        first = self._first.setdefault(f"hand{index}", (seconds, pose))
        if self._by.hand_lost == ("left", "right")[index]:
            return [False, 0, *pose[2:]]
        if self._by.drift:
            slid = first[1][2] + self._by.drift * (seconds - first[0])
            return [pose[0], pose[1], slid, *first[1][3:]]
        return pose

    def control(self, name: str, value: float) -> float:
        """A control's value as the session sees it."""
        return 1.0 if name == self._by.stuck else value

    def haptics(self, answer: str) -> str:
        """The answer to a vibration as the session sees it."""
        return self._by.refuse_haptics or answer

    @property
    def hides_headset(self) -> bool:
        """Whether the runtime finds no headset."""
        return self._by.no_headset

    def hides(self, state: str) -> bool:
        """Whether the session is not told that it came into this state."""
        return self._by.no_focus and state in ("VISIBLE", "FOCUSED")
