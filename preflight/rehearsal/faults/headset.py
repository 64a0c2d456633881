"""Faults of the simulated headset, of a session on it, and of the recorded session."""

from __future__ import annotations

import dataclasses
from typing import Any

from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.faults.model import Change, Fault, themed


def _headset(**settings: Any) -> Change:
    """Another headset: fields of `preflight.openxr.service.Headset`."""
    return _with("headset", settings)


def _disturbed(**settings: Any) -> Change:
    """A session that is disturbed: fields of `preflight.openxr.disturb.Disturbance`."""
    return _with("disturbance", settings)


def _recorded(kind: str) -> Change:
    """Another recorded session: a kind of `preflight.openxr.rehearsed`."""
    return _with("headset", {"recording": kind})


def _with(part: str, settings: dict[str, Any]) -> Change:
    def change(deployment: Deployment) -> Deployment:
        worn: Any = deployment
        kept = {**worn.headset.get(part, {}), **settings}
        changed: Deployment = dataclasses.replace(worn, headset={**worn.headset, part: kept})
        return changed

    return change


FAULTS = themed(
    "headset",
    Fault("headset_no_runtime", "There is no OpenXR runtime.", _headset(state="gone")),
    Fault("headset_no_service", "The runtime is installed, its service does not run.", _headset(state="stopped")),
    Fault("headset_not_found", "The runtime finds no headset.", _disturbed(no_headset=True)),
    Fault("headset_one_eye", "The headset shows one picture for both eyes.", _headset(views=1)),
    Fault("headset_never_focused", "The session is never shown.", _disturbed(no_focus=True)),
    Fault("headset_runtime_dies", "The runtime dies in the middle of the session.", _headset(state="killed")),
    Fault("headset_runtime_hangs", "The runtime hangs in the middle of the session.", _headset(state="frozen")),
    Fault("headset_starts_late", "The first frame appears after more than six seconds.", _headset(state="asleep", after_s=8.0)),
    Fault("headset_48_hz", "The headset runs at 48 Hz where 60 is asked of it (72 for 90).", _headset(hz=48)),
    Fault(
        "headset_slow_frames",
        "The runtime holds each frame for 20 ms more.",
        _headset(client=[["OXR_DEBUG_WAIT_FRAME_EXTRA_SLEEP_MS", "20"]]),
    ),
    Fault("headset_head_frozen", "The runtime's head pose never moves.", _disturbed(head_pose="frozen")),
    Fault("headset_head_jumps", "The runtime's head pose jumps half a metre.", _disturbed(head_pose="jumps")),
    Fault("headset_head_untracked", "The runtime guesses the head's pose.", _disturbed(head_pose="untracked")),
    Fault("headset_left_missing", "The left controller is not there.", _headset(left="")),
    Fault("headset_right_lost", "The right controller is never tracked.", _disturbed(hand_lost="right")),
    Fault("headset_simple_controllers", "The controllers have two buttons.", _headset(left="simple", right="simple")),
    Fault("headset_controllers_drift", "Controllers at rest slide by 5 cm a second.", _disturbed(drift=0.05)),
    Fault("headset_haptics_refused", "Controllers do not vibrate.", _disturbed(refuse_haptics="FeatureUnsupportedError")),
    Fault("headset_button_stuck", "The trigger is always pressed.", _disturbed(stuck="trigger")),
    Fault("recorded_72_hz", "The session was recorded at 72 Hz.", _recorded("72 hz")),
    Fault("recorded_below_85", "The game shows 84 frames a second.", _recorded("below 85")),
    Fault("recorded_late_frames", "One frame of nine comes a refresh late.", _recorded("late frames")),
    Fault("recorded_freeze", "The picture freezes for two seconds, once.", _recorded("freeze")),
    Fault("recorded_unpaced", "1520 frames a second: nobody paces them.", _recorded("unpaced")),
    Fault("recorded_reprojected", "Every second frame is made up by the compositor.", _recorded("reprojected")),
    Fault("recorded_first_frame_late", "The game's first frame appears after six seconds.", _recorded("first frame late")),
    Fault("recorded_turns_of_45", "Turns snap by 45 degrees.", _recorded("turns of 45")),
    Fault("recorded_smooth_turning", "Turns are smooth.", _recorded("smooth turning")),
    Fault("recorded_no_vignette", "No vignette appears during movement.", _recorded("no vignette")),
    Fault("recorded_teleport_misses", "Teleports end 60 cm beside their target.", _recorded("teleport misses")),
    Fault("recorded_camera_jumps", "The camera jumps by itself.", _recorded("camera jumps")),
    Fault("recorded_button_stuck", "The trigger is pressed and never let go.", _recorded("button stuck")),
    Fault("recorded_button_late", "Buttons respond after 150 ms.", _recorded("button late")),
)
LOOK_ALIKES = themed(
    "headset",
    Fault("recorded_loading_hitch", "One long frame while a scene loads, and said so.", _recorded("loading hitch")),
)
