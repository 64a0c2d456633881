"""A session played for some seconds, and everything it tells. For the child process alone.

With graphics every frame is paced by the runtime and counted; headless (XR_MND_headless) there are states, poses and
input, but no frames.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import xr

from preflight.openxr import binding
from preflight.openxr.binding import Clock, Life, Trouble
from preflight.openxr.controllers import Controllers, located
from preflight.openxr.disturb import Disturbance, Disturbed
from preflight.openxr.joints import Joints
from preflight.openxr.recording import SIDES

FOCUS_S = 8.0
_WANTED = ("XR_FB_display_refresh_rate", "XR_EXT_hand_tracking", "XR_KHR_convert_timespec_time")
_HEADLESS = "XR_MND_headless"
_KINDS = {
    "win32": ((frozenset({"XR_KHR_opengl_enable"}), "preflight.openxr.wgl"),),
    "linux": (
        (frozenset({"XR_MNDX_egl_enable", "XR_KHR_opengl_enable"}), "preflight.openxr.egl"),
        (frozenset({"XR_KHR_vulkan_enable2"}), "preflight.openxr.vk"),
    ),
}
"""By system: the extensions a kind of graphics needs, and the module that has it, the first choice first."""
_HEADLESS_STEP_S = 0.011
_BEAT_S = 0.5
_KNOWN_EARLY = ("runtime", "runtime_version", "system", "mode", "refresh_rate", "views", "states", "first_frame_s")


class Play:
    """One session. `told` fills as it goes on, so that what was seen before an end is kept."""

    def __init__(self, told: dict[str, Any], beat: Callable[[str, dict[str, Any]], None], disturbance: Disturbance) -> None:
        self.told, self._beat, self._disturb = told, beat, Disturbed(disturbance)
        self._began = time.monotonic()
        self._last_beat = 0.0
        self._graphics: Any = None
        self._swapchains: list[tuple[Any, Any, int, int]] = []
        told.update(states=[], frames=[], head=[], hands=[[], []], controls=[{}, {}], profiles=["", ""])

    def run(self, seconds: float, samples: int, *, focuses: int = 1, graphics: bool = True) -> None:
        """Start, come into focus, play for `seconds`, until so many `samples` are there and focus came so often, end.

        A headset so slow that they do not come is left after three times as long. Raises Trouble or an exception of xr's.
        """
        self._beat("asking for a session", {})
        self._open(graphics=graphics)
        self._await_focus()
        # told at once, so that it is known even when the runtime never answers again
        self._beat("playing", {name: self.told.get(name) for name in _KNOWN_EARLY})
        self._play(seconds, samples, focuses)
        self.told["finished"] = True
        self._close()

    def _open(self, *, graphics: bool) -> None:
        offered = binding.extensions()
        self.told["extensions"] = sorted(offered)
        enabled = [name for name in _WANTED if name in offered]
        self._graphics, self.told["no_graphics"] = _graphics(offered) if graphics else (None, "none was asked for")
        if self._graphics is not None:
            enabled += self._graphics.extensions
        elif _HEADLESS in offered:
            enabled.append(_HEADLESS)
        else:
            raise Trouble("no graphics", f"the runtime offers no headless session, and for frames {self.told['no_graphics']}")
        self._instance = binding.instance(enabled)
        self.told.update(binding.runtime_facts(self._instance))
        if self._disturb.hides_headset:
            raise xr.FormFactorUnavailableError
        self._system = xr.get_system(self._instance, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
        self.told.update(binding.system_facts(self._instance, self._system))
        self.told["mode"] = "headless" if self._graphics is None else "graphics"
        self.told["renderer"] = "" if self._graphics is None else self._graphics.renderer
        chain = self._graphics.binding(self._instance, self._system) if self._graphics is not None else None
        self._session = xr.create_session(self._instance, xr.SessionCreateInfo(system_id=self._system, next=chain))
        if _WANTED[0] in enabled and self._graphics is not None:
            self.told["refresh_rate"] = binding.refresh_rate(self._instance, self._session)
        self._clock = Clock(self._instance) if Clock.EXTENSION in enabled else None
        self._controllers = Controllers(self._instance, self._session)
        kinds = xr.ReferenceSpaceType
        self._local, self._view = (
            xr.create_reference_space(self._session, xr.ReferenceSpaceCreateInfo(reference_space_type=kind))
            for kind in (kinds.LOCAL, kinds.VIEW)
        )
        self.told["bounds"] = binding.bounds(self._session)
        self._joints = Joints(self._instance, self._session) if self.told["hand_tracking"] else None
        self.told["joints"] = []
        self._make_pictures()
        self._life = Life(self._instance, self._session, self._began, self._disturb.hides)
        self.told["states"] = self._life.log

    def _make_pictures(self) -> None:
        if self._graphics is None:
            return
        if "PRIMARY_STEREO" not in self.told["views"]:
            raise Trouble("no stereo", f"the headset shows {', '.join(self.told['views'])} and no picture for each eye")
        offered = list(xr.enumerate_swapchain_formats(self._session))
        wanted = next((known for known in self._graphics.formats if known in offered), offered[0])
        for width, height in self.told["views"]["PRIMARY_STEREO"]:
            flags = xr.SwapchainUsageFlags.COLOR_ATTACHMENT_BIT | xr.SwapchainUsageFlags.SAMPLED_BIT
            about = xr.SwapchainCreateInfo(
                usage_flags=flags,
                format=wanted,
                sample_count=1,
                width=width,
                height=height,
                face_count=1,
                array_size=1,
                mip_count=1,
            )
            chain = xr.create_swapchain(self._session, about)
            self._swapchains.append((chain, xr.enumerate_swapchain_images(chain, self._graphics.image_type), width, height))

    def _await_focus(self) -> None:
        until = time.monotonic() + FOCUS_S
        while self._life.poll() != "FOCUSED":
            self._alive("put the headset on" if self._life.running else "waiting for the session")
            if time.monotonic() > until:
                raise Trouble("no focus", f"the session stays {self._life.state} for {FOCUS_S:.0f} s")
            if self._graphics is not None and self._life.running:
                self._frame()
            else:
                time.sleep(0.005)

    def _play(self, seconds: float, samples: int, focuses: int) -> None:
        self.told["frames"].clear()
        began = time.monotonic()
        vibrated = False
        while self._life.running:
            played = time.monotonic() - began
            seen = len(self.told["head"]) >= samples and self._life.entered("FOCUSED") >= focuses
            if played > 3 * seconds or (played > seconds and seen):
                break
            self._life.poll()
            at = self._frame() if self._graphics is not None else self._wait()
            self._controllers.sync()
            self._sample(at)
            if not vibrated and played > seconds / 2:
                vibrated = True
                self.told["profiles"] = [self._controllers.profile(index) for index in (0, 1)]
                self.told["haptics"] = [self._disturb.haptics(self._controllers.vibrate(index)) for index in (0, 1)]
            self._alive("playing")
        if not self._life.running:
            raise Trouble("lost", "the runtime ended the session")

    def _wait(self) -> int:
        time.sleep(_HEADLESS_STEP_S)
        if self._clock is None:
            raise Trouble("no clock", "the runtime does not tell its time to a headless session")
        return self._clock.now()

    def _frame(self) -> int:
        """Wait for, fill and hand over one frame; returns its predicted display time (XrTime, ns)."""
        state = xr.wait_frame(self._session, xr.FrameWaitInfo())
        try:
            xr.begin_frame(self._session, xr.FrameBeginInfo())
        except xr.FrameDiscarded:
            self.told["discarded"] = self.told.get("discarded", 0) + 1
        at = int(state.predicted_display_time)
        layers = [ctypes.pointer(self._layer(at))] if state.should_render else []
        opaque = xr.EnvironmentBlendMode.OPAQUE
        about = xr.FrameEndInfo(display_time=at, environment_blend_mode=opaque, layers=layers)
        xr.end_frame(self._session, about)
        if state.should_render and "first_frame_s" not in self.told and self._tracked(at):
            self.told["first_frame_s"] = round(time.monotonic() - self._began, 4)
        self.told["frames"].append([at, int(state.predicted_display_period), bool(state.should_render)])
        return at

    def _layer(self, at: int) -> Any:
        stereo = xr.ViewConfigurationType.PRIMARY_STEREO
        asked = xr.ViewLocateInfo(view_configuration_type=stereo, display_time=at, space=self._local)
        _, views = xr.locate_views(self._session, asked)
        shown = []
        for (chain, images, width, height), view in zip(self._swapchains, views, strict=True):
            index = xr.acquire_swapchain_image(chain, xr.SwapchainImageAcquireInfo())
            xr.wait_swapchain_image(chain, xr.SwapchainImageWaitInfo(timeout=xr.INFINITE_DURATION))
            self._graphics.draw(images[index], len(self.told["frames"]) % 60 / 60)
            xr.release_swapchain_image(chain, xr.SwapchainImageReleaseInfo())
            whole = xr.Rect2Di(offset=xr.Offset2Di(0, 0), extent=xr.Extent2Di(width, height))
            part = xr.SwapchainSubImage(swapchain=chain, image_rect=whole)
            shown.append(xr.CompositionLayerProjectionView(pose=view.pose, fov=view.fov, sub_image=part))
        self._graphics.done()
        return xr.CompositionLayerProjection(space=self._local, views=shown)

    def _tracked(self, at: int) -> bool:
        flags = int(xr.locate_space(self._view, self._local, at).location_flags)
        return bool(flags & xr.SpaceLocationFlags.ORIENTATION_TRACKED_BIT.value)

    def _sample(self, at: int) -> None:
        seconds = at / 1e9
        self.told["head"].append([seconds, *self._disturb.head(seconds, located(self._view, self._local, at))])
        for index in range(len(SIDES)):
            found = self._controllers.locate(index, self._local, at)
            self.told["hands"][index].append([seconds, *self._disturb.hand(index, seconds, found)])
            self._note_controls(index, at)
        if self._joints is not None:
            self.told["joints"].append(self._joints.found(self._local, at))

    def _note_controls(self, index: int, at: int) -> None:
        seen = self.told["controls"][index]
        now = self._clock.now() if self._clock is not None else at
        for name, (active, value, changed) in self._controllers.controls(index).items():
            level = self._disturb.control(name, value)
            kept = seen.setdefault(name, {"active": False, "samples": 0, "pressed": 0, "changes": []})
            kept["active"] |= active
            kept["samples"] += 1
            kept["pressed"] += level > 0.5
            if changed and kept.get("last", changed) != changed and len(kept["changes"]) < 200:
                kept["changes"].append([changed / 1e9, now / 1e9])
            kept["last"] = changed

    def _alive(self, doing: str) -> None:
        if time.monotonic() - self._last_beat > _BEAT_S:
            self._last_beat = time.monotonic()
            self._beat(doing, {})

    def _close(self) -> None:
        xr.request_exit_session(self._session)
        until = time.monotonic() + 3.0
        while self._life.state != "EXITING" and time.monotonic() < until:
            self._life.poll()
            if self._life.running and self._graphics is not None:
                self._frame()
            time.sleep(0.002)
        xr.destroy_session(self._session)
        xr.destroy_instance(self._instance)


def _graphics(offered: set[str]) -> tuple[Any, str]:
    """Graphics that the runtime takes and this machine has, the first that works; or None, and why not."""
    why = "the runtime takes no graphics this suite can offer"
    for needs, module in _KINDS.get(sys.platform, ()):
        if not needs <= offered:
            continue
        try:
            return import_module(module).Graphics(), ""
        except ImportError as error:
            why = f"{error.name or error} is not installed"
        except (Trouble, OSError) as error:
            why = str(error)
    return None, why
