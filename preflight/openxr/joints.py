"""Both hands' joints, where the runtime follows hands (XR_EXT_hand_tracking). For the child process alone."""

from __future__ import annotations

import ctypes
from typing import Any

import xr

from preflight.openxr.binding import Trouble, function

_JOINTS = 26


class Joints:
    """Trackers of both hands. Raises Trouble when the runtime promised them and gives none."""

    def __init__(self, instance: Any, session: Any) -> None:
        create = function(instance, "xrCreateHandTrackerEXT", xr.Session, ctypes.c_void_p, ctypes.c_void_p)
        self._locate = function(instance, "xrLocateHandJointsEXT", xr.HandTrackerEXT, ctypes.c_void_p, ctypes.c_void_p)
        self._trackers = []
        for hand in (xr.HandEXT.LEFT, xr.HandEXT.RIGHT):
            made = xr.HandTrackerEXT()
            if create(session, ctypes.byref(xr.HandTrackerCreateInfoEXT(hand=hand)), ctypes.byref(made)) != 0:
                raise Trouble("error", "the runtime says that it follows hands, and gives no tracker for them")
            self._trackers.append(made)

    def found(self, base: Any, at: int) -> list[bool]:
        """Whether the left and the right hand are followed at that time (XrTime, ns)."""
        active = []
        for tracker in self._trackers:
            joints = (xr.HandJointLocationEXT * _JOINTS)()
            told = xr.HandJointLocationsEXT(joint_count=_JOINTS, joint_locations=joints)
            asked = xr.HandJointsLocateInfoEXT(base_space=base, time=at)
            result = self._locate(tracker, ctypes.byref(asked), ctypes.byref(told))
            active.append(result == 0 and bool(told.is_active))
        return active
