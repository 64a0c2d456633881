"""What a look tells is read right, and a child that dies or hangs costs little."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import pytest

from preflight.errors import LookError, Undecided
from preflight.openxr import headsets, station
from preflight.openxr.look import Look, Pose, drift, longest_step, meanwhile, share, travel
from preflight.openxr.streamed import apart, of_stream
from preflight.outcome import Reason
from preflight.probes.telemetry import Listening, Message

STILL = (0.0, 0.0, 0.0, 1.0)


def _poses(*places: tuple[float, float, float], flags: int = 15, step: float = 0.1) -> list[Pose]:
    return [Pose(index * step, flags, place, STILL) for index, place in enumerate(places)]


def test_share_counts_what_is_followed_now():
    poses = _poses((0, 0, 0), (0, 0, 0)) + _poses((0, 0, 0), flags=7) + _poses((0, 0, 0), flags=3)

    assert share(poses) == 0.5
    assert share(poses, position=False) == 0.75
    assert share([]) == 0.0


def test_frozen_pose_has_not_travelled_at_all():
    assert travel(_poses((1, 1, 1), (1, 1, 1))) == 0
    assert travel(_poses((1, 1, 1), (1, 1, 1.01))) == pytest.approx(0.01)


def test_longest_step_is_found_where_it_is():
    assert longest_step(_poses((0, 0, 0), (0.01, 0, 0), (0.51, 0, 0), (0.52, 0, 0))) == (pytest.approx(0.5), pytest.approx(0.2))


def test_drift_is_the_slope_of_a_hand_that_does_not_turn():
    assert drift(_poses(*((0.005 * i, 0, 0) for i in range(50)))) == pytest.approx(0.05)
    turned = [*_poses((0, 0, 0)), Pose(1.0, 15, (0, 0, 0), (0.0, 0.38, 0.0, 0.92))]
    assert drift(turned) is None


def test_simulated_headsets_are_named_as_such():
    assert Look({"system": "Monado: Simulated HMD", "runtime": "Monado"}).headset.startswith("SIMULATED")
    assert not Look({"system": "Oculus Quest2", "runtime": "Oculus"}).simulated


@pytest.mark.parametrize(
    ("look", "reason", "words"),
    [
        (Look({}, "no runtime", "none is active"), Reason.PROGRAM, "preflight headset install"),
        (Look({}, "no headset", "none is found"), Reason.PROGRAM, "switch the headset on"),
        (Look({"system": "Monado: Simulated HMD"}), Reason.OPERATOR, "simulated"),
        (Look({"system": "Simulated HMD"}, "lost", "gone"), Reason.OPERATOR, "simulated"),
        (Look({"system": "Oculus Quest2"}, "no focus", "stays VISIBLE"), Reason.PERSON, "put the headset on"),
    ],
)
def test_what_can_not_speak_for_a_deployment_is_undecided(look, reason, words):
    with pytest.raises(Undecided, match=words) as raised:
        station.admit(look)
    assert raised.value.reason is reason


@pytest.mark.parametrize("trouble", ["", "lost", "hangs", "crashed"])
def test_real_headset_speaks_whatever_became_of_its_session(trouble):
    assert station.admit(Look({"system": "Oculus Quest2"}, trouble)).trouble == trouble


@pytest.mark.parametrize(
    ("game", "runtime", "same"),
    [
        ("Quest 2", "Oculus Quest2", True),
        ("Meta Quest 3", "Oculus Quest", True),
        ("Quest 2", "Oculus Quest 3", False),
        ("Valve Index", "SteamVR/OpenXR : lighthouse Index", True),
        ("Vive Pro", "Valve Index", False),
        ("", "Quest 2", False),
    ],
)
def test_names_of_headsets_are_compared_by_family(game, runtime, same):
    assert headsets.alike(game, runtime) is same


def test_stream_is_read():
    def event(at: float, name: str, data: object) -> Message:
        return Message("event", at, {"type": "event", "event": name, "data": data})

    hand = {"position": [0.2, 1, 0], "rotation": [0, 0, 0, 1], "tracked": True, "profile": "p", "buttons": {"trigger": True}}
    tracking = {"headset": {"position": [0, 1.6, 0], "rotation": [0, 0, 0, 1], "tracked": False}, "right_controller": hand}
    heard = Listening(
        messages=[
            event(0, "vr_tracking", tracking),
            event(1, "vr_tracking", {**tracking, "headset": {"position": ["x", 0, 0]}}),
            event(2, "fps", {"fps": 90.0}),
            event(2, "fps", {"fps": True}),
            Message("alert", 1, {"type": "alert", "message": "FPS below 85"}),
        ]
    )

    found = of_stream(heard)

    assert (len(found.head), share(found.head), found.fps) == (1, 0.0, 90.0)
    assert (len(found.hands["left"]), len(found.hands["right"]), found.profiles) == (0, 2, {"right": "p"})
    assert (list(found.held), list(found.alerts)) == (["right trigger"], ["FPS below 85"])
    assert apart(found.hands["left"], found.hands["right"]) is None


def _child(tmp_path, text: str) -> list[str]:
    """A stand-in for the child's Python: it takes the words that follow and does what `text` says."""
    script = tmp_path / "child.py"
    script.write_text(text)
    return [sys.executable, str(script)]


def test_child_that_hangs_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(station, "SILENCE_S", 0.5)
    text = 'import time\nprint(\'{"doing": "playing", "known": {"system": "X"}}\', flush=True)\ntime.sleep(60)\n'
    began = time.monotonic()
    look = station._ask({}, _child(tmp_path, text), {})

    assert (look.trouble, look.told) == ("hangs", {"system": "X"})
    assert time.monotonic() - began < 10


def test_child_that_dies_is_a_trouble(tmp_path):
    look = station._ask({}, _child(tmp_path, "import os\nos.abort()\n"), {})

    assert (look.trouble, look.sentence) == ("crashed", "the session's process died while starting")


def test_child_tells_its_trouble(tmp_path):
    text = 'print(\'{"result": {"states": [], "trouble": {"code": "no runtime", "text": "none"}}}\')\n'
    look = station._ask({}, _child(tmp_path, text), {})

    assert (look.trouble, look.told) == ("no runtime", {"states": []})
    assert "preflight headset install" in station.remedy(look)


def test_simulation_is_read_from_its_line():
    line = '{"headset": {"hz": 72, "client": [["A", "1"]]}, "disturbance": {"drift": 0.1}}'

    assert station.simulation(line) == station.Simulation(
        station.Headset(hz=72, client=(("A", "1"),)), station.Disturbance(drift=0.1)
    )
    assert station.simulation("") == station.Simulation()


def test_simulation_that_lost_its_form_is_said_to_have():
    with pytest.raises(LookError, match="copy the line that `preflight rehearse` prints"):
        station.simulation("'{}'")


def test_pytest_itself_never_loads_openxr():
    modules = "preflight.vrfixtures, preflight.openxr.station, preflight.openxr.figures, preflight.openxr.comfort"
    code = f"import sys, {modules}, preflight.openxr.command\nsys.exit('xr' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(("before", "during"), [(0.0, 0.5), (0.0, 6.0), (15.0, 0.5), (15.0, 15.0), (3.0, 0.0)])
def test_the_load_of_a_look_is_not_that_of_the_minute_before_it(before: float, during: float) -> None:
    average = before
    for _ in range(6):  # as Linux counts: every five seconds
        average = average * math.exp(-5 / 60) + during * (1 - math.exp(-5 / 60))
    assert meanwhile(before, average, 30.0) == pytest.approx(during, abs=1e-6)


def test_the_load_of_a_short_look_is_that_of_its_last_minute() -> None:
    assert meanwhile(15.0, 14.0, 3.0) == 14.0
