"""pyopenxr, with what is particular about it in one place. For the child process alone: it imports `xr`.

Names come as bytes, qualified successes as exceptions, extension functions as bare addresses, and what is wrong with
the loader as anything at all. Whatever stops a look becomes a `Trouble` with a code and a sentence.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterable
from typing import Any

import xr
from xr import raw_functions as raw

STATES = {state.value: state.name for state in xr.SessionState}

_SAYS: dict[str, tuple[str, str]] = {
    "RuntimeUnavailableError": ("no runtime", "no OpenXR runtime is active on this machine"),
    "RuntimeFailureError": ("no service", "the OpenXR runtime is installed, but its service does not run"),
    "InstanceLostError": ("lost", "the runtime went away in the middle of the session"),
    "SessionLostError": ("lost", "the runtime gave the session up"),
    "SessionLossPending": ("lost", "the runtime is about to give the session up"),
    "FormFactorUnavailableError": ("no headset", "the runtime finds no headset; is it on and connected?"),
    "FormFactorUnsupportedError": ("no headset", "the runtime knows no headset at all"),
    "ApiVersionUnsupportedError": ("no runtime", "the runtime is older than OpenXR 1.0"),
    "GraphicsDeviceInvalidError": ("no graphics", "the runtime takes none of the graphics this suite can offer"),
    "FileAccessError": ("no runtime", "the OpenXR runtime's manifest can't be read"),
    "FileContentsInvalidError": ("no runtime", "the OpenXR runtime's manifest is broken"),
}


class Trouble(Exception):
    """What stopped the look; `code` is one of the words above, or "error"."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def trouble(error: BaseException) -> Trouble:
    """What `error` means."""
    if isinstance(error, Trouble):
        return error
    code, text = _SAYS.get(type(error).__name__, ("error", f"OpenXR answered {type(error).__name__}"))
    detail = str(error).strip().splitlines()
    return Trouble(code, f"{text} ({detail[0][:120]})" if code == "error" and detail else text)


def extensions() -> set[str]:
    """The extensions the active runtime offers."""
    return {entry.extension_name.decode() for entry in xr.enumerate_instance_extension_properties()}


def instance(enabled: Iterable[str]) -> Any:
    """An instance of OpenXR 1.0, which every runtime takes."""
    about = xr.ApplicationInfo(application_name="SpaceTime preflight", api_version=xr.Version(1, 0, 34))
    return xr.create_instance(xr.InstanceCreateInfo(application_info=about, enabled_extension_names=list(enabled)))


def function(of: Any, name: str, *arguments: Any) -> Callable[..., int]:
    """An extension's function, which pyopenxr does not wrap."""
    found: Callable[..., int] = ctypes.cast(xr.get_instance_proc_addr(of, name), ctypes.CFUNCTYPE(ctypes.c_int, *arguments))
    return found


def runtime_facts(of: Any) -> dict[str, Any]:
    """The runtime, as it names itself."""
    runtime = xr.get_instance_properties(of)
    return {
        "runtime": runtime.runtime_name.decode("utf-8", "replace"),
        "runtime_version": str(xr.Version(runtime.runtime_version)),
    }


def system_facts(of: Any, system: int) -> dict[str, Any]:
    """Headset and displays, as the runtime names them."""
    hands = xr.SystemHandTrackingPropertiesEXT()
    about = xr.SystemProperties(next=ctypes.cast(ctypes.pointer(hands), ctypes.c_void_p))
    # the wrapper takes no chain
    raw.xrGetSystemProperties(of, system, ctypes.byref(about))
    kinds = [xr.ViewConfigurationType(kind) for kind in xr.enumerate_view_configurations(of, system)]
    views = {kind.name: xr.enumerate_view_configuration_views(of, system, kind) for kind in kinds}
    return {
        "system": about.system_name.decode("utf-8", "replace"),
        "tracks_orientation": bool(about.tracking_properties.orientation_tracking),
        "tracks_position": bool(about.tracking_properties.position_tracking),
        "hand_tracking": bool(hands.supports_hand_tracking),
        "views": {
            name: [[v.recommended_image_rect_width, v.recommended_image_rect_height] for v in found]
            for name, found in views.items()
        },
    }


def refresh_rate(of: Any, session: Any) -> float | None:
    """The display's refresh rate (Hz) where the runtime offers XR_FB_display_refresh_rate and knows it."""
    rate = ctypes.c_float()
    result = function(of, "xrGetDisplayRefreshRateFB", xr.Session, ctypes.c_void_p)(session, ctypes.byref(rate))
    return float(rate.value) if result == 0 and rate.value > 0 else None


def bounds(session: Any) -> list[float] | None:
    """Width and depth (m) of the play space, None where the runtime knows none."""
    try:
        found = xr.get_reference_space_bounds_rect(session, xr.ReferenceSpaceType.STAGE)
    except xr.XrException:
        return None
    return [float(found.width), float(found.height)] if found.width > 0 and found.height > 0 else None


class Clock:
    """XrTime of now, through the clock that the runtime converts (Linux: XR_KHR_convert_timespec_time)."""

    EXTENSION = "XR_KHR_convert_timespec_time"

    def __init__(self, of: Any) -> None:
        from xr.platform import linux

        self._timespec = linux.timespec
        self._convert = function(
            of, "xrConvertTimespecTimeToTimeKHR", xr.Instance, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int64)
        )
        self._instance = of

    def now(self) -> int:
        """XrTime in nanoseconds. Raises Trouble when the runtime does not convert."""
        moment, told = time.monotonic_ns(), ctypes.c_int64()
        parts = self._timespec(moment // 10**9, moment % 10**9)
        if self._convert(self._instance, ctypes.byref(parts), ctypes.byref(told)) != 0:
            raise Trouble("error", "the runtime does not tell its time")
        return told.value


class Life:
    """A session through its states; `poll` must be called often. What `hides` says yes to is passed over."""

    def __init__(self, of: Any, session: Any, began: float, hides: Callable[[str], bool]) -> None:
        self._instance, self._session, self._began, self._hides = of, session, began, hides
        self.state = "UNKNOWN"
        self.running = False
        self.log: list[list[Any]] = []

    def poll(self) -> str:
        """Take what the runtime says; begin and end the session as it asks. Returns the state."""
        while True:
            try:
                event = xr.poll_event(self._instance)
            except xr.EventUnavailable:
                return self.state
            kind = xr.StructureType(event.type)
            if kind == xr.StructureType.EVENT_DATA_SESSION_STATE_CHANGED:
                told = ctypes.cast(ctypes.byref(event), ctypes.POINTER(xr.EventDataSessionStateChanged)).contents
                state = STATES[int(told.state)]
                if not self._hides(state):
                    self._enter(state)

    def entered(self, state: str) -> int:
        """How often the session came into a state."""
        return sum(one == state for _, one in self.log)

    def _enter(self, state: str) -> None:
        self.state = state
        self.log.append([round(time.monotonic() - self._began, 4), state])
        if state == "READY":
            xr.begin_session(self._session, xr.SessionBeginInfo(xr.ViewConfigurationType.PRIMARY_STEREO))
            self.running = True
        elif state == "STOPPING":
            xr.end_session(self._session)
            self.running = False
        elif state == "LOSS_PENDING":
            raise Trouble("lost", "the runtime is about to give the session up")
        elif state == "EXITING":
            self.running = False
