"""Ninety frames a second, evenly.

Checklist lines 700-712, 737-739, 746-749, 785-786, 791-792, 985-991, 994-999, 1043-1044, 1046, 1194, 1266, 1284.

The game's own frames are judged, as they were recorded. In a rehearsal that is a session made by arithmetic, and this
suite's own frames on the simulated headset are judged beside it, by the limits scaled to its rate, where a busy
machine can't be taken for a fault: refresh rate, sustained rate, reprojection, pacing.
"""

from preflight.fixtures import item
from preflight.openxr.streamed import said_fps
from preflight.probes import health
from preflight.probes.spans import QUARTER

_RED_FPS = 60.0


@item("VR-FRAME-01")
def test_headset_runs_at_90_hertz(refresh_rates, evidence):
    """The headset runs at 90 Hz."""
    for source, rate in refresh_rates:
        evidence.saw("states")
        evidence.judge("refresh_rate", rate, where=source)


@item("VR-FRAME-02")
def test_mean_frame_rate(figures, evidence):
    """The game shows 90 frames a second on average."""
    evidence.judge("mean_fps", figures.of("mean_fps"), n=figures.frames, where=figures.source)


@item("VR-FRAME-03")
def test_worst_second(figures, evidence):
    """No second shows fewer than 85 frames."""
    evidence.judge("min_fps", figures.of("min_fps"), n=figures.frames, where=figures.source)


@item("VR-FRAME-04")
def test_frame_rate_never_stays_low(figures, live, evidence):
    """The frame rate never stays low: not below 85, least of all below 60, for three seconds."""
    evidence.judge("sustained_fps", figures.of("sustained_fps"), n=figures.frames, where=figures.worst or figures.source)
    if live is not None:
        # a busy machine costs a few frames and says nothing; the red flag it can't reach
        assert live.scaled("sustained_fps") >= _RED_FPS, f"the live session stays low: {live.unscaled('sustained_fps')}"


@item("VR-FRAME-05")
def test_mean_frame_time(figures, evidence):
    """The mean frame time fits the refresh rate."""
    evidence.judge("mean_frame_time", figures.of("mean_frame_time"), n=figures.frames, where=figures.source)


@item("VR-FRAME-06")
def test_no_frame_takes_too_long(figures, evidence):
    """No frame takes too long: 13 ms for all but one in a thousand, and no freeze over 100 ms."""
    evidence.judge("longest_frame", figures.of("longest_frame"), n=figures.frames, where=figures.source)
    evidence.judge("p999_frame_time", figures.of("p999_frame_time"), n=figures.frames, where=figures.source)


@item("VR-FRAME-07")
def test_picture_does_not_judder(figures, evidence):
    """The picture does not judder."""
    evidence.judge("late_share", figures.of("late_share"), n=figures.frames, where=figures.source)
    evidence.judge("frame_time_sd", figures.of("frame_time_sd"), n=figures.frames, where=figures.source)


@item("VR-FRAME-08")
def test_no_refresh_is_missed(figures, evidence):
    """No refresh of the display is missed."""
    evidence.judge("missed_share", figures.of("missed_share"), n=figures.frames, where=figures.source)


@item("VR-FRAME-09")
def test_frames_are_not_reprojected(figures, live, evidence):
    """The frames are real: no reprojection at half the rate stands in for them."""
    assert not figures.halved, f"{figures.source}: runs of frames at half the refresh rate"
    assert live is None or not live.halved, f"{live.source}: runs of frames at half the refresh rate"


@item("VR-FRAME-10")
def test_frames_are_paced(figures, live, engine, evidence):
    """Frames are paced by the headset, not drawn as fast as the machine can."""
    own = figures.scaled("mean_frame_time")
    evidence.judge("mean_frame_time", own, n=figures.frames, where=figures.unscaled("mean_frame_time"))
    if live is not None:
        evidence.judge("mean_frame_time", live.scaled("mean_frame_time"), n=live.frames, where=live.unscaled("mean_frame_time"))
    if engine is not None:
        # drawn in software it may well be too slow, which says nothing; too fast it is only without a runtime
        evidence.fact("engine", engine.words)
        evidence.judge("mean_frame_time", engine.frame_ms_at_90_hz, where=f"{engine.words}; scaled to 90 Hz")


@item("VR-FRAME-11")
def test_game_and_headset_agree_on_the_frame_rate(figures, streamed, performance, evidence):
    """The game's own frame rate agrees with the headset's."""
    headset = figures.of("mean_fps")
    evidence.saw("messages", streamed.messages)
    assert streamed.fps is not None, "the game's telemetry tells no frame rate"
    said = {"telemetry": streamed.fps, "GET /performance": said_fps(performance.object())}
    for source, fps in said.items():
        if fps is not None:
            evidence.judge(
                "fps_difference",
                100 * abs(fps - headset) / headset,
                where=f"{source} says {fps:.1f} FPS, {figures.source} {headset:.1f}",
            )

    alerts = [text for text in streamed.alerts if "fps" in text.lower() or "frame" in text.lower()]
    assert not alerts, f"the game raises an alert about its frames: {alerts[0]}"


@item("VR-FRAME-12")
def test_memory_of_the_session(performance, game_health, evidence):
    """The VR session uses no more memory than planned."""
    found = health.memory_mb(game_health, None, performance.object(), None)
    evidence.saw("samples", len(found))
    source = max(found, key=found.__getitem__, default="")
    assert source, "neither GET /performance nor GET /health tells the memory of the game"

    evidence.judge("memory", found[source], n=len(found), where=source)


@item("VR-AFTER-02")
def test_mean_frame_rate_after_the_deployment(watched):
    """The deployed version shows 90 frames a second on average."""
    watched.judge("mean_fps", watched.over(QUARTER).frame_rate())


@item("VR-AFTER-03")
def test_frame_rate_does_not_stay_low_after_the_deployment(watched):
    """The frame rate of the deployed version does not stay below 85, and never below 60."""
    watched.judge("sustained_fps", watched.over(QUARTER).frame_rate().lowest_mean(60))
