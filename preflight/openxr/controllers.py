"""Both controllers of a session: bound, located, read, vibrated. For the child process alone.

The bindings name what each kind of controller has, in the words the suite uses for all of them
(OpenXR 1.0, section 6.4, "Interaction Profile Paths").
"""

from __future__ import annotations

import ctypes
from typing import Any

import xr

from preflight.openxr.recording import SIDES

_PROFILES: dict[str, dict[str, tuple[str, str]]] = {
    "oculus/touch_controller": {
        "trigger": ("trigger/value",) * 2,
        "grip": ("squeeze/value",) * 2,
        "primary": ("x/click", "a/click"),
        "secondary": ("y/click", "b/click"),
        "thumbstick": ("thumbstick/click",) * 2,
        "stick": ("thumbstick",) * 2,
    },
    "valve/index_controller": {
        "trigger": ("trigger/value",) * 2,
        "grip": ("squeeze/value",) * 2,
        "primary": ("a/click",) * 2,
        "secondary": ("b/click",) * 2,
        "thumbstick": ("thumbstick/click",) * 2,
        "stick": ("thumbstick",) * 2,
    },
    "microsoft/motion_controller": {
        "trigger": ("trigger/value",) * 2,
        "grip": ("squeeze/click",) * 2,
        "primary": ("menu/click",) * 2,
        "secondary": ("trackpad/click",) * 2,
        "thumbstick": ("thumbstick/click",) * 2,
        "stick": ("thumbstick",) * 2,
    },
    "htc/vive_controller": {
        "trigger": ("trigger/value",) * 2,
        "grip": ("squeeze/click",) * 2,
        "primary": ("menu/click",) * 2,
        "thumbstick": ("trackpad/click",) * 2,
        "stick": ("trackpad",) * 2,
    },
    "khr/simple_controller": {"trigger": ("select/click",) * 2, "primary": ("menu/click",) * 2},
}
_KINDS = {
    "trigger": xr.ActionType.FLOAT_INPUT,
    "grip": xr.ActionType.FLOAT_INPUT,
    "primary": xr.ActionType.BOOLEAN_INPUT,
    "secondary": xr.ActionType.BOOLEAN_INPUT,
    "thumbstick": xr.ActionType.BOOLEAN_INPUT,
    "stick": xr.ActionType.VECTOR2F_INPUT,
    "hand": xr.ActionType.POSE_INPUT,
    "buzz": xr.ActionType.VIBRATION_OUTPUT,
}
_FIXED = {"hand": "input/grip/pose", "buzz": "output/haptic"}


class Controllers:
    """The two controllers of a session, which must not be running yet."""

    def __init__(self, instance: Any, session: Any) -> None:
        self._instance, self._session = instance, session
        self._hands = [xr.string_to_path(instance, f"/user/hand/{side}") for side in SIDES]
        about = xr.ActionSetCreateInfo(action_set_name="preflight", localized_action_set_name="Preflight", priority=0)
        self._set = xr.create_action_set(instance, about)
        self._actions = {
            name: xr.create_action(
                self._set,
                xr.ActionCreateInfo(
                    action_name=name, localized_action_name=name.title(), action_type=kind, subaction_paths=self._hands
                ),
            )
            for name, kind in _KINDS.items()
        }
        for profile, controls in _PROFILES.items():
            self._bind(profile, controls)
        xr.attach_session_action_sets(session, xr.SessionActionSetsAttachInfo(action_sets=[self._set]))
        self._spaces = [
            xr.create_action_space(session, xr.ActionSpaceCreateInfo(action=self._actions["hand"], subaction_path=hand))
            for hand in self._hands
        ]

    def _bind(self, profile: str, controls: dict[str, tuple[str, str]]) -> None:
        wanted = []
        for index, side in enumerate(SIDES):
            paths = {name: f"input/{both[index]}" for name, both in controls.items()} | _FIXED
            wanted += [
                xr.ActionSuggestedBinding(self._actions[name], xr.string_to_path(self._instance, f"/user/hand/{side}/{path}"))
                for name, path in paths.items()
            ]
        whole = xr.string_to_path(self._instance, f"/interaction_profiles/{profile}")
        xr.suggest_interaction_profile_bindings(
            self._instance, xr.InteractionProfileSuggestedBinding(interaction_profile=whole, suggested_bindings=wanted)
        )

    def sync(self) -> bool:
        """Take the present state; False while the session is not in focus, when the runtime keeps it back."""
        try:
            active = [xr.ActiveActionSet(self._set, xr.NULL_PATH)]
            xr.sync_actions(self._session, xr.ActionsSyncInfo(active_action_sets=active))
        except xr.SessionNotFocused:
            return False
        return True

    def locate(self, index: int, base: Any, at: int) -> list[Any]:
        """Where a hand is: [active, location flags, x, y, z, qx, qy, qz, qw] (m, in `base`)."""
        info = xr.ActionStateGetInfo(action=self._actions["hand"], subaction_path=self._hands[index])
        active = bool(xr.get_action_state_pose(self._session, info).is_active)
        return [active, *located(self._spaces[index], base, at)]

    def controls(self, index: int) -> dict[str, list[Any]]:
        """Every control of a hand: [active, value, time of its last change (XrTime, ns)]."""
        found: dict[str, list[Any]] = {}
        for name, kind in _KINDS.items():
            if name in _FIXED:
                continue
            info = xr.ActionStateGetInfo(action=self._actions[name], subaction_path=self._hands[index])
            if kind == xr.ActionType.BOOLEAN_INPUT:
                state = xr.get_action_state_boolean(self._session, info)
                value = float(bool(state.current_state))
            elif kind == xr.ActionType.FLOAT_INPUT:
                state = xr.get_action_state_float(self._session, info)
                value = float(state.current_state)
            else:
                state = xr.get_action_state_vector2f(self._session, info)
                value = max(abs(float(state.current_state.x)), abs(float(state.current_state.y)))
            found[name] = [bool(state.is_active), value, int(state.last_change_time)]
        return found

    def profile(self, index: int) -> str:
        """The interaction profile of a hand, empty where it has none."""
        path = xr.get_current_interaction_profile(self._session, self._hands[index]).interaction_profile
        return str(xr.path_to_string(self._instance, path)) if path else ""

    def vibrate(self, index: int) -> str:
        """Vibrate shortly: "accepted", or what the runtime answered. A missing controller is accepted too."""
        pulse = xr.HapticVibration(duration=xr.MIN_HAPTIC_DURATION, frequency=0, amplitude=0.5)
        header = ctypes.cast(ctypes.pointer(pulse), ctypes.POINTER(xr.HapticBaseHeader)).contents
        info = xr.HapticActionInfo(action=self._actions["buzz"], subaction_path=self._hands[index])
        try:
            xr.apply_haptic_feedback(self._session, info, header)
        except xr.InstanceLostError:
            raise
        except xr.XrException as error:
            return type(error).__name__
        return "accepted"


def located(space: Any, base: Any, at: int) -> list[Any]:
    """Where a space is in `base`: [location flags, x, y, z, qx, qy, qz, qw]."""
    found = xr.locate_space(space, base, at)
    place, turn = found.pose.position, found.pose.orientation
    numbers = (place.x, place.y, place.z, turn.x, turn.y, turn.z, turn.w)
    return [int(found.location_flags), *(round(float(number), 5) for number in numbers)]
