"""Recordings are read as their tools wrote them, and judged as an independent count would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from preflight.errors import LookError, Undecided
from preflight.openxr import comfort, frames_file, inputs, live, rehearsed
from preflight.openxr.figures import of_recording
from preflight.openxr.recording import Happened
from preflight.openxr.streamed import said_fps
from preflight.probes.telemetry import Listening, Message

DATA = Path(__file__).parent / "data"


def _rehearsed(tmp_path: Path, kind: str = "") -> frames_file.Recording:
    return frames_file.read(rehearsed.write(tmp_path / "session.json", kind, "1.0"))


def test_own_recording_is_read():
    recording = frames_file.read(DATA / "session.json")

    assert (recording.hz, recording.simulated, recording.first_frame_s) == (90.0, False, 1.8)
    assert [frame.phase for frame in recording.frames] == ["start-up"] * 2 + ["steady"] * 10
    assert comfort.turns(recording.telemetry)[0].degrees == pytest.approx(30, abs=0.01)
    assert inputs.slowest(recording) == (pytest.approx(12, abs=0.1), "left trigger")


@pytest.mark.parametrize(("name", "missed"), [("presentmon-1.csv", 1), ("presentmon-2.csv", 1)])
def test_presentmon_is_read(name, missed):
    recording = frames_file.read(DATA / name)
    found = of_recording(recording)

    assert recording.facts["application"] == "vrcompositor.exe"
    assert recording.facts["frames never shown"] == "1"
    assert recording.hz is None
    assert found.of("mean_fps") == pytest.approx(90 * 299 / 300, rel=0.001)
    assert found.of("missed_share") == pytest.approx(100 * missed / 300, rel=0.01)
    with pytest.raises(Undecided):
        found.of("refresh_rate")


def test_ovr_metrics_is_read_and_says_nothing_of_single_frames():
    found = of_recording(frames_file.read(DATA / "ovr-metrics.csv"))

    assert (found.of("refresh_rate"), found.of("min_fps"), found.of("sustained_fps")) == (90, 83, 90)
    assert found.of("missed_share") == pytest.approx(100 * 7 / (29 * 90 + 83 + 7))
    for name in ("longest_frame", "p999_frame_time"):
        with pytest.raises(Undecided):
            found.of(name)
    with pytest.raises(Undecided):
        _ = found.halved


@pytest.mark.parametrize(("stamps", "lowest"), [((1000, 2000, 3000), 90), ((1000, 2000, 5010), 0), (("", "", ""), 90)])
def test_seconds_that_ovr_metrics_left_out_showed_no_frame(tmp_path, stamps, lowest):
    rows = "".join(f"{stamp},90,90,0\n" for stamp in stamps)
    (tmp_path / "ovr.csv").write_text(f"Time Stamp,average_frame_rate,display_refresh_rate,stale_frame_count\n{rows}")
    found = frames_file.read(tmp_path / "ovr.csv")

    assert min(second.fps for second in found.seconds) == lowest
    assert len(found.seconds) == (5 if lowest == 0 else 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "neither"),
        ("a,b\n1,2\n", "neither"),
        ("{", "no whole"),
        ('{"schema": "other/9"}', "other/9"),
        ('{"schema": "preflight-session/1"}', "KeyError"),
        ("average_frame_rate,display_refresh_rate\nfast,90\n", "no number"),
        ("average_frame_rate,display_refresh_rate\n,90\n", "no second"),
        ("Application,SwapChainAddress,DisplayedTime\na,1,-4\n", "DisplayedTime"),
        ("Application,SwapChainAddress,DisplayedTime\na,1,nan\n", "DisplayedTime"),
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path, text, words):
    path = tmp_path / "recording"
    path.write_text(text)

    with pytest.raises(LookError, match=words):
        frames_file.read(path)


def test_input_seen_before_it_changed_is_refused(tmp_path):
    path = tmp_path / "session.json"
    path.write_text(json.dumps({**rehearsed.session(), "inputs": [["left", "trigger", 2.0, 1.9]]}))

    with pytest.raises(LookError, match="before it changed"):
        frames_file.read(path)


@pytest.mark.parametrize("strength", ["much", None, True, float("nan")])
def test_strength_of_a_vignette_that_is_no_number_is_none(strength):
    told = [
        frames_file.Happened(1.0, "locomotion", {"active": True}),
        frames_file.Happened(1.1, "vignette", {"strength": strength}),
        frames_file.Happened(5.0, "locomotion", {"active": False}),
    ]

    assert comfort.without_vignette(told) == [(1.0, 5.0)]


def test_missing_recording_is_refused(tmp_path):
    with pytest.raises(LookError, match="can't be read"):
        frames_file.read(tmp_path / "none.json")


def test_recording_without_two_frames_can_not_be_judged(tmp_path):
    said = {**rehearsed.session(), "frames": {"display_time_s": [1.0]}}
    path = tmp_path / "short.json"
    path.write_text(json.dumps(said))

    with pytest.raises(LookError, match="nothing to judge"):
        of_recording(frames_file.read(path))


@pytest.mark.parametrize("kind", [kind for kind in rehearsed.KINDS if kind])
def test_statistics_agree_with_an_independent_count(tmp_path, kind):
    """Within 1 %, counted here without the suite's arithmetic."""
    said = rehearsed.session(kind)
    times, phases = said["frames"]["display_time_s"], said["frames"]["phases"]

    def phase(index: int) -> str:
        return next(name for first, name in reversed(phases) if index >= first)

    steps = [1000 * (times[i + 1] - times[i]) for i in range(len(times) - 1) if phase(i) == "steady" and phase(i + 1) == "steady"]
    period = 1000 / said["hz"]
    missed = sum(max(0, round(step / period) - 1) for step in steps)
    found = of_recording(_rehearsed(tmp_path, kind))

    assert found.frames == len(steps)
    assert found.of("mean_fps") == pytest.approx(1000 * len(steps) / sum(steps), rel=0.01)
    assert found.of("longest_frame") == pytest.approx(max(steps), rel=0.01)
    assert found.of("missed_share") == pytest.approx(100 * missed / (len(steps) + missed), rel=0.01, abs=1e-9)


def test_sound_session_is_sound(tmp_path):
    recording = _rehearsed(tmp_path)
    told = recording.telemetry

    assert [round(turn.degrees) for turn in comfort.turns(told)] == [30] * 4
    assert all(turn.snapped for turn in comfort.turns(told))
    assert max(error for _, error in comfort.teleport_errors(told)) < 0.1
    assert (len(comfort.moves(told)), comfort.without_vignette(told)) == (2, [])
    assert comfort.worst_jump(told)[0] < 0.05
    assert (inputs.silent(recording), inputs.stuck(recording)) == ([], [])
    assert len(comfort.cameras(told)) >= 900


def test_what_is_wrong_with_a_session_is_found(tmp_path):
    def told(kind: str) -> frames_file.Recording:
        return _rehearsed(tmp_path, kind)

    assert round(comfort.turns(told("turns of 45").telemetry)[0].degrees) == 45
    assert not any(turn.snapped for turn in comfort.turns(told("smooth turning").telemetry))
    assert len(comfort.without_vignette(told("no vignette").telemetry)) == 2
    assert max(error for _, error in comfort.teleport_errors(told("teleport misses").telemetry)) > 0.5
    assert comfort.worst_jump(told("camera jumps").telemetry)[0] == pytest.approx(0.5, abs=0.02)
    assert inputs.stuck(told("button stuck")) == ["right trigger"]
    assert inputs.slowest(told("button late"))[0] == pytest.approx(150, abs=1)
    assert of_recording(told("reprojected")).halved


def test_vignette_that_ends_too_early_is_no_vignette():
    told = [
        frames_file.Happened(at, event, data)
        for at, event, data in (
            (1.0, "locomotion", {"active": True}),
            (1.1, "vignette", {"strength": 0.5}),
            (2.0, "vignette", {"strength": 0.0}),
            (5.0, "locomotion", {"active": False}),
        )
    ]

    assert comfort.without_vignette(told) == [(1.0, 5.0)]


def test_frame_rate_is_found_by_either_name():
    assert said_fps({"fps": 90.1}) == 90.1
    assert said_fps({"engine": {"fps": 88}}) == 88
    assert said_fps({"fps": True}) is None
    assert said_fps({}) is None


def _walking(*times: float, speed: float = 0.8) -> list[Happened]:
    """A head that walks straight on at so many m/s, seen at those times (s)."""
    return [
        Happened(at, "vr_tracking", {"headset": {"position": [speed * at, 1.7, 0], "rotation": [0, 0, 0, 1]}}) for at in times
    ]


def test_messages_that_are_late_or_lost_are_no_movement_of_the_camera():
    lost = _walking(0.0, 0.1, 0.5, 0.6, 0.7, speed=3.0)
    assert comfort.worst_jump(lost)[0] == pytest.approx(0, abs=1e-9)

    late = [
        Happened(at, told.event, told.data)
        for at, told in zip((0.0, 0.1, 0.49, 0.5, 0.51), _walking(0, 0.1, 0.2, 0.3, 0.4), strict=True)
    ]
    assert comfort.worst_jump(late)[0] == pytest.approx(0, abs=1e-9)

    jumped = _walking(0.0, 0.1, 0.2, 0.3)
    jumped[2].data["headset"]["position"][2] = jumped[3].data["headset"]["position"][2] = 0.5
    assert comfort.worst_jump(jumped)[0] == pytest.approx(0.5)


def test_what_a_tool_does_not_tell_is_not_nought(tmp_path):
    path = tmp_path / "ovr.csv"
    path.write_text("Time Stamp,average_frame_rate,display_refresh_rate\n" + "".join(f"{n}000,90,90\n" for n in range(5)))

    with pytest.raises(Undecided, match="missed share"):
        of_recording(frames_file.read(path)).of("missed_share")


def test_pace_of_another_rate_is_scaled(tmp_path):
    path = tmp_path / "ovr.csv"
    path.write_text("average_frame_rate,display_refresh_rate,stale_frame_count\n" + "120,120,0\n" * 5)
    read = of_recording(frames_file.read(path))

    assert read.scaled("mean_frame_time") == pytest.approx(1000 / 90)
    assert "8.33 at 120 Hz" in read.unscaled("mean_frame_time")


def _listened(*messages: Message, seconds: float) -> Listening:
    return Listening(seconds=seconds, messages=list(messages))


def test_freeze_lasts_as_long_in_the_frame_rates_as_it_did():
    numbers = [Message("frame", at / 10, {"number": 9 * at}) for at in range(600)]
    frozen = numbers[:300] + [Message("frame", 20 + m.at, m.data) for m in numbers[300:]]
    found = live.rates(_listened(*frozen, seconds=80))
    assert len(found) == pytest.approx(80, abs=2)
    assert sum(rate < 10 for rate in found) >= 20

    ended = live.rates(_listened(*numbers, seconds=80))
    assert sum(rate == 0 for rate in ended) >= 18


def test_freeze_shows_in_the_rates_that_the_game_says():
    said = [Message("event", at / 2, {"event": "fps", "data": {"fps": 90}}) for at in range(120) if not 40 <= at < 80]
    found = live.rates(_listened(*said, seconds=60))
    assert (len(found), found.count(0.0)) == (60, 20)

    seldom = [Message("event", at, {"event": "fps", "data": {"fps": 90}}) for at in range(0, 60, 3)]
    assert live.rates(_listened(*seldom, seconds=60)) == [90.0] * 20
    assert live.rates(_listened(seconds=60)) == []


@pytest.mark.parametrize(
    ("value", "used"),
    [
        (0.003, False),
        ([0.0, -0.02], False),
        ({"x": 0.0, "y": -0.9}, True),
        (0.7, True),
        (1, True),
        (True, True),
        (False, False),
        ("down", True),
        (None, False),
    ],
)
def test_axis_at_rest_is_not_pressed(value, used):
    assert inputs.pressed(value) is used


def test_positions_far_apart_in_time_tell_no_jump():
    sparse = _walking(0.0, 3.0, 6.0, 9.0)
    sparse[2].data["headset"]["position"][2] += 0.4
    assert comfort.followed(sparse) == 0
    assert comfort.worst_jump(sparse) == (0.0, 0.0)
    assert comfort.followed(_walking(0.0, 0.1, 0.2, 0.3)) == 2
