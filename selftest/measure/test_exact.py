"""Figures to the last digit and edges to the last sample, on recordings small enough to work out by hand."""

from __future__ import annotations

import math
import re
from dataclasses import asdict

import numpy as np
import pytest

from preflight.measure.frames import Frame, Low, judge_frames, lows, one_second_rates, steps_ms
from preflight.measure.windows import judge_completeness, outside
from preflight.measure.witness import judge_witness


def complete(up_times: list[float], up: list[float], values: list[float], **fields: float) -> dict[str, object]:
    return asdict(judge_completeness(up_times, up, values, **{"start": 100.0, "end": 200.0, "interval_s": 10.0, **fields}))


TEN = [110.0 + 10 * n for n in range(10)]


def test_a_window_to_the_last_digit() -> None:
    assert complete(TEN, [1] * 9 + [0], TEN[:9]) == {
        "expected": 10,
        "scrapes": 10,
        "up": 9,
        "values": 9,
        "scraped": 1.0,
        "uptime": 0.9,
        "valued": 1.0,
        "longest_gap_s": 10.0,
        "enough": True,
        "why_not": "",
    }
    nothing = complete([], [], [])
    assert (nothing["scraped"], nothing["uptime"], nothing["valued"], nothing["longest_gap_s"]) == (0, 0, 0, 100)
    down = complete(TEN, [0] * 10, [])
    assert (down["up"], down["uptime"], down["valued"], down["enough"]) == (0, 0, 0, True)


def test_the_edges_of_a_window() -> None:
    assert complete([99.9999995, *TEN[:-1], 200.0000005], [1] * 11, TEN)["scrapes"] == 10
    assert complete([100.0, 200.0], [1, 1], [100.0, 200.0], interval_s=100.0)["up"] == 2
    assert complete([99.5, 200.5], [1, 1], [])["up"] == 0
    assert complete([], [], [], start=0.0, end=0.5, interval_s=1.0)["expected"] == 1
    assert complete([0.25], [1], [0.25], start=0.0, end=0.5, interval_s=0.5)["enough"]
    assert complete([0.25], [1], [0.25], start=0.0, end=1.9, interval_s=1.0)["scraped"] == 1.0


def test_order_doubles_and_halves() -> None:
    shuffled = complete(TEN[::-1], [0] + [1] * 9, TEN[::-1])
    assert (shuffled["up"], shuffled["scrapes"], shuffled["longest_gap_s"]) == (9, 10, 10.0)
    assert complete([110.0, 114.0, 115.0], [1, 1, 1], [])["up"] == 2, "half an interval on is another scrape, less is the same"
    assert complete([110.0, 114.0], [1, 1], [])["up"] == 1
    assert complete([110.0], [0.5], [])["up"] == 0
    assert complete([110.0], [1], [])["values"] == 0
    assert complete([110, 120], [True, True], [111])["values"] == 1


def test_values_count_within_half_an_interval_of_a_scrape() -> None:
    for times, found in (([105.0], 1), ([104.9], 0), ([115.0], 1), ([115.1], 0), ([50.0, 108.0, 300.0], 1), ([50.0, 300.0], 0)):
        assert complete([110.0], [1], times)["values"] == found, times
    assert complete([110.0, 190.0], [1, 1], [112.0, 150.0, 188.0])["values"] == 2
    assert complete([110.0, 190.0], [1, 1], [50.0, 60.0, 114.0])["values"] == 1
    assert complete([110.0, 190.0], [1, 1], [186.0, 250.0, 260.0])["values"] == 1
    assert complete(TEN, [1] * 10, TEN[:9])["enough"], "nine of ten are enough"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"end": 100.0}, "a window needs a length and a scrape interval"),
        ({"interval_s": 0.0}, "a window needs a length and a scrape interval"),
    ],
)
def test_no_window(fields: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        complete(TEN, [1] * 10, [], **fields)
    with pytest.raises(ValueError, match=r"^each sample of up has its time$"):
        complete(TEN, [1], [])


def test_a_footprint_holds_its_ends() -> None:
    assert outside([1.0, 2.0, 2.5, 3.0, 3.1], [(2.0, 3.0), (9.0, 10.0)]) == [True, False, False, False, True]


def recording(*steps: float, phase: str = "steady") -> list[Frame]:
    """Frames with these times (ms) between them."""
    return [Frame(at, phase=phase) for at in np.concatenate(([0.0], np.cumsum(steps) / 1000)).tolist()]


def test_a_short_recording_to_the_last_digit() -> None:
    judged = judge_frames([*recording(8.0, 16.0, 15.0), Frame(1.0, phase="loading"), Frame(2.0, should_render=False)], 125.0)
    said = asdict(judged)
    assert said.pop("phases") == {"steady": 4, "loading": 1, "not to be rendered": 1}
    assert said == pytest.approx(
        {
            "hz": 125.0,
            "frames": 3,
            "seconds": 0.039,
            "missed": 2,
            "missed_share": 0.4,
            "mean_fps": 3 / 0.039,
            "min_fps": None,
            "sustained_fps": None,
            "low_1_percent": None,
            "mean_ms": 13.0,
            "p999_ms": 16.0,
            "longest_ms": 16.0,
            "sd_ms": 19**0.5,
            "late_share": 2 / 3,
            "reprojected_share": 2 / 3,
            "longest_reprojection": 2,
            "reprojected": False,
            "too_fast": False,
        }
    )


def test_edges_of_a_recording() -> None:
    assert judge_frames(recording(10.0), 100.0).sd_ms == 0.0
    assert judge_frames(recording(10.0, 12.0), 100.0).sd_ms == pytest.approx(2**0.5)
    assert judge_frames(recording(0.0, 0.0), 100.0).mean_fps == float("inf")
    assert judge_frames(recording(1000.0), 0.5).missed == 0
    assert judge_frames(recording(10.0), 100.0).longest_reprojection == 0
    assert [judge_frames(recording(*[16.0] * n), 125.0).reprojected for n in (9, 10)] == [False, True]
    assert judge_frames([Frame(n / 64) for n in range(3)], 32 * 0.9).too_fast, "half the period is too fast"
    assert not judge_frames([Frame(9 * n / 1024) for n in range(3)], 102.4).too_fast, "nine tenths to the last digit are not"
    ordered = [10.0 + n / 1000 for n in range(1000)]
    assert judge_frames(recording(*ordered), 90.0).low_1_percent == pytest.approx(1000 / ordered[989])
    assert judge_frames(recording(*ordered), 90.0).p999_ms == pytest.approx(ordered[998])
    assert judge_frames(recording(*ordered[:999]), 90.0).low_1_percent is None
    # binary fractions, so that an edge is met exactly: T = 8 ms, 12 ms is not late, 14 and 18 ms are not doubled
    frames = [Frame(at / 1024) for at in (0, 16, 40, 68)]
    exact = judge_frames(frames, 64.0)
    assert (exact.late_share, exact.reprojected_share) == (1 / 3, 0.0)


def test_a_second_is_counted_from_each_frame_and_the_last_one_in_part() -> None:
    assert one_second_rates(np.array([250.0] * 5)).tolist() == pytest.approx([4, 4])
    assert one_second_rates(np.array([250.0] * 4)).tolist() == pytest.approx([4])
    assert one_second_rates(np.array([400.0] * 4)).tolist() == pytest.approx([2.5, 2.5])
    assert one_second_rates(np.array([250.0] * 3)).size == 0
    assert judge_frames(recording(*[250.0] * 11), 90.0).sustained_fps is None
    assert judge_frames(recording(*[250.0] * 12), 90.0).sustained_fps == pytest.approx(4)
    # slow for three seconds after and before quick ones: only the stretch in the middle never sees a quick second
    slow = recording(*[125.0] * 8, *[250.0] * 12, *[125.0] * 8)
    assert judge_frames(slow, 90.0).sustained_fps == pytest.approx(4)
    assert judge_frames(recording(*[125.0] * 8, *[250.0] * 11, *[125.0] * 9), 90.0).sustained_fps == pytest.approx(4.5)
    assert judge_frames(recording(*[125.0] * 4, *[250.0] * 10), 90.0).sustained_fps == pytest.approx(6)
    assert judge_frames(recording(*[250.0] * 10, *[125.0] * 4), 90.0).sustained_fps == pytest.approx(6)


def test_lows_are_whole_stretches_longest_first() -> None:
    low = [250.0] * 12
    frames = recording(*[125.0] * 8, *low, *[125.0] * 16, *low, 250.0, *[125.0] * 8)
    assert lows(frames, 4.5) == [Low(pytest.approx(6.0), pytest.approx(3.25), pytest.approx(4.0)), Low(1.0, 3.0, 4.0)]
    assert lows(frames, 4.0) == []
    assert lows(recording(*[250.0] * 11), 5.0) == []
    assert lows(recording(200.0, *[250.0] * 12, 200.0), 9.0)[0].fps == pytest.approx(4.02)


def test_what_is_no_recording() -> None:
    assert steps_ms([]).tolist() == steps_ms([Frame(1.0)]).tolist() == []
    assert steps_ms([Frame(1.0), Frame(1.0), Frame(2.0)]).tolist() == [0.0, 1000.0]
    with pytest.raises(ValueError, match=r"^predicted display times go backwards$"):
        steps_ms([Frame(1.0), Frame(0.5)])
    for hz in (0.0, -1.0):
        with pytest.raises(ValueError, match=r"^a refresh rate is positive$"):
            judge_frames(recording(1.0, 1.0), hz)
    with pytest.raises(ValueError, match=f"^{re.escape('no two steady frames follow each other; there is nothing to judge')}$"):
        judge_frames([Frame(1.0), Frame(2.0, phase="loading")], 90.0)


def test_two_witnesses_to_the_last_digit() -> None:
    buckets = [(0.01, 50.0), (0.1, 96.0), (float("inf"), 100.0)]
    samples = [5.0] * 50 + [50.0] * 45 + [90.0] + [150.0] * 4
    both = judge_witness(buckets, samples)
    assert asdict(both) == pytest.approx(
        {"agrees": True, "outside": 50.0, "inside_low": 10.0, "inside_high": 100.0, "counted": 100, "text": ""}
    )
    assert judge_witness(buckets, samples, 0.5).inside_low == 0.0
    assert judge_witness(buckets, [*samples, 1.0]).text == "the histogram counted 100 of 101 requests"
    for one, other in (([], samples), (buckets, [])):
        with pytest.raises(ValueError, match=r"^both witnesses are needed$"):
            judge_witness(one, other)


@pytest.mark.parametrize(
    ("buckets", "samples", "text"),
    [
        ([(0.09, 94), (0.095, 95), (math.inf, 100)], [float(n) for n in range(1, 101)], ""),
        (
            [(0.001, 0), (0.01, 97), (math.inf, 100)],
            [10.0] * 100,
            "inside 97% were answered within 10 ms, outside 100%: an answer can't take longer inside, so the histogram counts something else",
        ),
        ([(0.001, 0), (0.2, 100)], [0.5] * 2 + [100.0] * 98, ""),
        ([(0.001, 100)], [4.0] * 100, ""),
        ([(0.1, 100)], [150.0] * 100, ""),
        ([(0.01, 100)], [20.0] * 100, ""),
        ([(0.004, 100)], [9.0] * 100, ""),
        ([(0.1, 100)], [300.0] * 100, "P95 is 300.0 ms outside and at most 100 ms inside: the time is lost on the way"),
    ],
)
def test_where_two_witnesses_part(buckets: list[tuple[float, float]], samples: list[float], text: str) -> None:
    assert judge_witness(buckets, samples).text == text


def test_the_quantile_of_each_witness() -> None:
    both = judge_witness([(0.09, 94), (0.095, 95), (math.inf, 100)], [float(n) for n in range(1, 101)])
    assert (both.outside, both.inside_low, both.inside_high) == (95.0, 90.0, 95.0)
    silent = judge_witness([(0.1, 0), (math.inf, 0)], [1.0])
    assert silent.text == "the histogram counted 0 of 1 requests"
    assert math.isnan(silent.inside_low)
    assert math.isnan(silent.inside_high)
