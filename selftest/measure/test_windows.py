"""A window is complete by its scrapes; an outage is evidence and no gap."""

from __future__ import annotations

import numpy as np
import pytest

from preflight.measure.windows import judge_completeness, outside

TIMES = np.arange(15.0, 901.0, 15.0)


def judged(times=TIMES, up=None, values=None, interval=15.0):
    return judge_completeness(
        times,
        np.ones(len(times)) if up is None else up,
        times if values is None else values,
        start=0,
        end=900,
        interval_s=interval,
    )


def test_a_whole_window():
    found = judged()
    assert (found.enough, found.expected, found.scrapes, found.values, found.uptime) == (True, 60, 60, 60, 1.0)
    assert found.longest_gap_s == 15


@pytest.mark.parametrize(("kept", "enough"), [(54, True), (53, False)])
def test_nine_tenths_of_the_scrapes_are_needed(kept, enough):
    found = judged(TIMES[:kept])
    assert found.enough is enough
    assert ("expected scrapes" in found.why_not) is not enough


def test_an_outage_is_no_missing_data():
    up = np.where(np.arange(60) < 30, 0.0, 1.0)
    found = judged(up=up, values=TIMES[30:])
    assert found.enough
    assert found.uptime == 0.5
    assert found.valued == 1.0


def test_values_are_expected_only_while_it_was_up():
    up = np.where(np.arange(60) < 30, 0.0, 1.0)
    found = judged(up=up, values=TIMES[30:50])
    assert not found.enough
    assert "values for 20 of 30" in found.why_not


def test_doubled_scrapes_count_once():
    found = judged(np.sort(np.concatenate((TIMES[:40], TIMES[:40] + 1))))
    assert found.scrapes <= 41
    assert not found.enough


def test_a_gap_is_told():
    kept = np.concatenate((TIMES[:20], TIMES[25:]))
    assert judged(kept).longest_gap_s == pytest.approx(90)


def test_a_dead_target_has_all_its_scrapes():
    found = judged(up=np.zeros(60), values=[])
    assert found.enough
    assert found.uptime == 0


def test_own_footprint_is_left_out():
    assert outside([1, 5, 9], [(4, 6)]) == [True, False, True]


def test_windows_without_length_are_refused():
    with pytest.raises(ValueError, match="length"):
        judge_completeness([], [], [], start=5, end=5, interval_s=15)
    with pytest.raises(ValueError, match="its time"):
        judge_completeness([1], [], [], start=0, end=5, interval_s=15)
