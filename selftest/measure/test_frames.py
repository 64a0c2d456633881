"""Frames: what predicted display times say of rate, misses, judder, reprojection, pacing."""

from __future__ import annotations

import numpy as np
import pytest

from preflight.measure.frames import Frame, judge_frames, lows, steps_ms

T = 1000 / 90


def recording(steps, phase="steady", start=0.0):
    times = start + np.concatenate(([0.0], np.cumsum(steps) / 1000))
    return [Frame(float(time), phase=phase) for time in times]


def even(seconds, hz=90.0):
    return [1000 / hz] * int(seconds * hz)


def test_ninety_even_frames():
    found = judge_frames(recording(even(20)), 90)
    assert found.mean_fps == pytest.approx(90)
    assert found.min_fps == pytest.approx(90)
    assert found.sustained_fps == pytest.approx(90)
    assert found.low_1_percent == pytest.approx(90)
    assert found.mean_ms == pytest.approx(T)
    assert (found.missed, found.late_share, found.reprojected, found.too_fast) == (0, 0, False, False)
    assert found.sd_ms == pytest.approx(0, abs=1e-6)
    assert found.p999_ms < 13


def test_checklists_numbers_hold_at_exactly_ninety():
    found = judge_frames(recording(even(20)), 90)
    assert found.mean_fps >= 89.5
    assert 10.0 <= found.mean_ms <= 1000 / 89.5
    assert found.min_fps >= 85


def test_a_missed_refresh_is_counted_and_hurts_nobody_else():
    steps = even(20)
    steps[900] = 2 * T
    found = judge_frames(recording(steps), 90)
    assert found.missed == 1
    assert found.missed_share == pytest.approx(1 / 1801)
    assert found.min_fps == pytest.approx(89, abs=0.01)
    assert found.longest_ms == pytest.approx(2 * T)
    assert not found.reprojected


def test_jitter_below_half_a_refresh_misses_nothing():
    steps = np.array(even(10)) + np.random.default_rng(1).uniform(-4, 4, 900)
    found = judge_frames(recording(steps), 90)
    assert found.missed == 0
    assert found.sd_ms > 2


def test_ten_percent_late():
    steps = [2 * T if i % 10 == 0 else T for i in range(1800)]
    found = judge_frames(recording(steps), 90)
    assert found.late_share == pytest.approx(0.1)
    assert found.missed_share == pytest.approx(180 / 1980)


def test_one_freeze_of_two_seconds():
    steps = [*even(10), 2000.0, *even(10)]
    found = judge_frames(recording(steps), 90)
    assert found.longest_ms == 2000
    assert found.min_fps == pytest.approx(0.5)
    assert found.missed == 179
    assert found.sustained_fps < 60, "three seconds without one good second in them"


def test_a_freeze_of_half_a_second_is_not_sustained():
    steps = [*even(10), 500.0, *even(10)]
    assert judge_frames(recording(steps), 90).sustained_fps >= 85
    assert not lows(recording(steps), 85)


def test_half_the_rate_is_reprojection():
    found = judge_frames(recording(even(20, 45)), 90)
    assert found.reprojected
    assert found.reprojected_share == 1
    assert found.sustained_fps == pytest.approx(45)
    assert found.missed_share == pytest.approx(0.5)


def test_frames_that_nobody_paces_are_too_fast():
    found = judge_frames(recording(even(5, 1520)), 90)
    assert found.too_fast
    assert found.missed == 0


def test_sustained_is_three_seconds():
    short = even(10) + even(1.8, 80) + even(10)
    long = even(10) + even(4, 80) + even(10)
    assert judge_frames(recording(short), 90).sustained_fps >= 85
    assert not lows(recording(short), 85)
    assert judge_frames(recording(long), 90).sustained_fps < 85
    (low,) = lows(recording(long), 85)
    assert low.start == pytest.approx(9.5, abs=0.6)
    assert low.seconds == pytest.approx(4.5, abs=0.7)
    assert low.fps == pytest.approx(80, abs=2)


def test_only_the_steady_phase_is_judged():
    loading = recording([200.0] * 10, phase="loading")
    steady = recording(even(15), start=loading[-1].display_time + 0.5)
    found = judge_frames([*loading, *steady], 90)
    assert found.longest_ms < 12
    assert found.phases == {"loading": 11, "steady": 1351}


def test_frames_that_need_not_be_rendered_do_not_count():
    frames = recording(even(15))
    hidden = [Frame(f.display_time + 16.0, should_render=False) for f in recording([500.0] * 4)]
    later = [Frame(f.display_time + 20.0) for f in recording(even(15))]
    found = judge_frames([*frames, *hidden, *later], 90)
    assert found.missed == 0
    assert found.longest_ms < 12
    assert found.phases["not to be rendered"] == 5


def test_one_percent_low_needs_a_thousand_frames():
    assert judge_frames(recording(even(5)), 90).low_1_percent is None
    assert judge_frames(recording([T] * 50), 90).min_fps is None
    steps = [2 * T if i % 50 == 0 else T for i in range(1500)]
    assert judge_frames(recording(steps), 90).low_1_percent == pytest.approx(45)


def test_recordings_that_say_nothing_are_refused():
    with pytest.raises(ValueError, match="nothing to judge"):
        judge_frames(recording(even(5), phase="loading"), 90)
    with pytest.raises(ValueError, match="backwards"):
        steps_ms([Frame(1.0), Frame(0.5)])
    with pytest.raises(ValueError, match="positive"):
        judge_frames(recording(even(5)), 0)
