"""The live session with a person, as data: what is done for how long, what telemetry should show, who says what.

Checklist lines 673-674 and 698-785: preparation, four scenarios of five minutes, twenty minutes of play, the features.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """One part of the live session. `minutes` as the checklist asks; 0 has no clock and nothing is recorded.

    `looks`: names of `preflight.openxr.live.LOOKS`; `asks`: items that the person attests after it; `by_the_clock`: those of
    them that name its minutes, so that a shortened session says nothing of them.
    """

    name: str
    minutes: float
    steps: tuple[str, ...]
    asks: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    by_the_clock: tuple[str, ...] = ()


SCENARIOS = (
    Scenario(
        "preparation",
        0,
        (
            "Clear two metres by two, and draw the play space in the runtime's room set-up.",
            "Charge both controllers, or put in fresh batteries.",
            "Start the game, then switch on its frame-rate overlay and Godot's profiler.",
            "Put the headset on, wait for the first picture, open the runtime's menu and close it again.",
            "If PresentMon or OVR Metrics Tool is at hand, start it now and give its file with --frames.",
        ),
        asks=("VR-PREP-01", "VR-PREP-03", "VR-RUN-04", "VR-RUN-05"),
    ),
    Scenario(
        "standing still",
        5,
        ("Stand in the middle of the play space and look straight ahead.",),
        looks=("frame rate", "camera"),
    ),
    Scenario(
        "head movement",
        5,
        ("Turn the head left and right, nod, lean forward and back; slowly, then fast.",),
        asks=("VR-TRACK-03",),
        looks=("frame rate", "head", "camera"),
    ),
    Scenario(
        "controllers",
        5,
        (
            "Press and release every button, trigger and grip, and move both sticks; the left hand first, then the right.",
            "Feel whether both controllers vibrate. Point at near and far targets with the laser.",
            "Hold nothing pressed when the clock runs out.",
        ),
        asks=("VR-CTRL-05", "VR-CTRL-06"),
        looks=("frame rate", "buttons", "camera"),
    ),
    Scenario(
        "locomotion",
        5,
        (
            "Turn by the stick, four times or more to each side, with the head held still.",
            "Teleport near and far.",
            "Move by the stick, stop, and move again; stand still when the clock runs out.",
        ),
        looks=("frame rate", "turns", "teleports", "vignette", "camera"),
    ),
    Scenario(
        "comfort",
        20,
        (
            "Play without a break: walk about, handle objects, use every way to move and all of the user interface.",
            "Stop at once if anybody feels unwell (Ctrl-C): that is a result too.",
        ),
        asks=("VR-COMF-05", "VR-COMF-06", "VR-COMF-07", "VR-COMF-08", "VR-COMF-09", "VR-COMF-10"),
        looks=("frame rate", "camera"),
        by_the_clock=("VR-COMF-07", "VR-COMF-08", "VR-COMF-09"),
    ),
    Scenario(
        "features",
        0,
        (
            "Grab an object and let it go, with each hand.",
            "Use the user interface: buttons, sliders, text.",
            "Open the menu, go through it, close it.",
            "Change a setting, leave the menu, and see that it stayed changed.",
        ),
        asks=("VR-FEAT-01", "VR-FEAT-02", "VR-FEAT-03", "VR-FEAT-04", "VR-FEAT-05", "VR-FEAT-06"),
    ),
)
