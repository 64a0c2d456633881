"""Faults of the figures that the game gives of VR."""

from __future__ import annotations

from preflight.rehearsal.faults.model import Fault, at, both, overridden, themed

FAULTS = themed(
    "vr telemetry",
    Fault("telemetry_fps_72", "The game runs at 72 Hz where 90 is asked.", both(at("telemetry", fps=72.0), at("api", fps=72.0))),
    Fault(
        "telemetry_fps_84",
        "The game runs at 84 FPS, one under the minimum.",
        both(at("telemetry", fps=84.0), at("api", fps=84.0)),
    ),
    Fault("telemetry_fps_58", "The game runs at 58 FPS: a red flag.", both(at("telemetry", fps=58.0), at("api", fps=58.0))),
    Fault("telemetry_fps_disagrees", "Telemetry says 90 FPS where /performance says 61.", at("api", fps=61.0)),
    Fault("telemetry_fps_unsteady", "The frame rate swings by 15 FPS.", at("telemetry", fps=82.0, fps_jitter=15.0)),
    Fault("telemetry_fps_unpaced", "Frames are not paced: 1520 FPS.", both(at("telemetry", fps=1520.0), at("api", fps=1520.0))),
    Fault("head_pose_frozen", "The head pose never moves.", at("telemetry", head="frozen")),
    Fault("head_pose_jumps", "The head jumps half a metre between samples.", at("telemetry", head="jumping")),
    Fault("head_untracked", "The headset is not tracked.", at("telemetry", head="untracked")),
    Fault("left_controller_missing", "The left controller is missing.", at("telemetry", controllers=("right",))),
    Fault("controllers_missing", "No controller is there.", at("telemetry", controllers=())),
    Fault("controller_drifts", "Controllers drift by 20 cm a second.", at("telemetry", controller_drift_m_per_s=0.2)),
    Fault(
        "controller_wrong_profile",
        "Controllers speak the simple profile only.",
        at("telemetry", controller_profile="/interaction_profiles/khr/simple_controller"),
    ),
    Fault("button_stuck", "The trigger is always pressed.", at("telemetry", stuck_button="trigger")),
    Fault("telemetry_alert", "Telemetry raises an alert of low frame rate.", at("telemetry", alerts=("FPS below 85 for 10 s",))),
    Fault("no_headset", "/performance knows no headset.", overridden("GET /performance", vr_active=False, headset="")),
)
