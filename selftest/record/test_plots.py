"""Plots say in words what they draw, stay inside their frame, and never take a sample for markup."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from preflight.outcome import Status
from preflight.record import plots
from selftest.record.conftest import entry, looked

P95 = {"name": "p95", "unit": "ms", "below": 18, "severity": "mandatory"}


def drawn(
    limits: list[dict[str, object]], samples: dict[str, object], before: dict[str, list[float]] | None = None
) -> list[plots.Plot]:
    return plots.of_item(looked(entry("PERF-01", limits=limits), samples=samples), before or {})


def inside(plot: plots.Plot) -> None:
    """Every number of the drawing is one, and lies in or near its frame."""
    root = ET.fromstring(str(plot.svg))
    height = float(root.attrib["viewBox"].split()[3])
    for element in root.iter():
        for name, value in element.attrib.items():
            if name in ("x", "x1", "x2", "y", "y1", "y2", "width", "height"):
                assert -20 <= float(value) <= 700, (element.tag, name, value)
        for pair in element.attrib.get("points", "").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= 700
            assert -10 <= y <= height + 10


def test_a_distribution_stands_against_its_limit_and_baseline() -> None:
    (plot,) = drawn([P95], {"GET /health": [float(ms) for ms in range(1, 101)]}, {"GET /health": [10.0] * 100})
    inside(plot)
    for words in ("100 samples", "median 50 ms", "P95 95 ms", "limit of P95 < 18 ms", "P95 of the baseline 10 ms"):
        assert words in plot.alt
    assert f'aria-label="{plot.alt.replace("<", "&lt;")}"' in plot.svg


def test_a_time_out_does_not_squeeze_the_others() -> None:
    (plot,) = drawn([P95], {"GET /health": [5.0] * 99 + [10_000.0]})
    inside(plot)
    assert "1 beyond the drawing" in plot.alt
    assert "longest 1e+04 ms" in plot.alt or "longest 10000 ms" in plot.alt


@pytest.mark.parametrize(
    "samples", [[0.0] * 90, [7.0] * 90, [1e-9] * 90, [-1.0, 2.0] * 45, [1e9] * 90, [float("nan"), float("inf")] * 45]
)
def test_odd_samples_are_drawn(samples: list[float]) -> None:
    for plot in drawn([P95], {"GET /health": samples, "trend of GET /health": [[i, ms] for i, ms in enumerate(samples)]}):
        inside(plot)


@pytest.mark.parametrize("samples", [[], [1.0], "text", None, [[1, 2], "x"], {"points": 3}])
def test_what_is_no_sample_is_not_drawn(samples: object) -> None:
    assert drawn([P95], {"GET /health": samples, "trend of GET /health": samples, "memory over time": samples}) == []


def test_a_window_has_clock_times_and_its_limits() -> None:
    limits = [{"name": "memory", "unit": "MB", "at_most": bound, "severity": kind} for bound, kind in ((810, "warning"), (1500, "red_flag"))]  # fmt: skip
    points = [[1.7e9 + 60 * i, 600.0 + i % 7] for i in range(500)]
    (plot,) = drawn(limits, {"memory over time": {"unit": "MB", "points": points}})
    inside(plot)
    assert "Memory over time: 500 values from 600 to 606 MB" in plot.alt
    assert "limit ≤ 810 MB, limit ≤ 1500 MB" in plot.alt
    assert re.search(r">\d\d:\d\d<", plot.svg)
    assert plot.svg.count(",") < 400, "500 points are thinned"


def test_a_peak_is_never_thinned_away() -> None:
    points = [[i, 900.0 if i == 777 else 100.0] for i in range(5000)]
    (plot,) = drawn([], {"frames over time": {"unit": "FPS", "points": points, "phases": [[0, "start-up"], [9, "steady"]]}})
    inside(plot)
    heights = [float(pair.split(",")[1]) for pair in re.search(r'points="([^"]*)"', plot.svg)[1].split()]
    assert min(heights) < 40
    assert "phase steady from 9 s" in plot.alt


def test_what_the_target_says_is_no_markup() -> None:
    evil = "<script>alert(1)</script>"
    points = {"unit": evil, "points": [[0, 1], [1, 2]], "phases": [[0, evil]]}
    (plot,) = drawn([], {f"{evil} over time": points})
    assert "<script" not in plot.svg


def test_the_scorecard_says_which_way_a_limit_goes() -> None:
    least = entry("HLT-CARD-08", limits=[{"name": "uptime", "unit": "%", "at_least": 100, "severity": "mandatory"}])
    value = {"name": "uptime", "value": 99.0, "unit": "%", "limit": ">= 100 %", "severity": "mandatory", "kept": False}
    plot = plots.scorecard([looked(least, Status.FAIL, judgements=[value])])
    assert plot is not None
    inside(plot)
    assert "99 %, at least 100, FAIL" in plot.alt
    assert plots.scorecard([]) is None
