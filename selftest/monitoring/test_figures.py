"""Figures of a window are computed as Prometheus would, and only for windows that are over."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from preflight import checklist
from preflight.errors import Undecided
from preflight.evidence import Evidence, LimitBroken
from preflight.outcome import Reason
from preflight.probes import spans
from preflight.probes.alertrouting import Configuration
from preflight.probes.lines import Buckets, Figure, Line
from preflight.probes.promanswers import Series, _moment
from preflight.probes.windows import View, _latency
from preflight.windowfixtures import Watched

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)


def deployed(hours_ago: float | None) -> Any:
    at = None if hours_ago is None else NOW - dt.timedelta(hours=hours_ago)
    return SimpleNamespace(facts=SimpleNamespace(times=SimpleNamespace(deployed_at=at, rolled_back_at=None), absent_metrics={}))


def test_window_that_is_not_over_says_when_it_will_be() -> None:
    with pytest.raises(Undecided, match="over at 2026-03-01 15:00 UTC") as found:
        spans.since_deployment(deployed(1), spans.FOUR_HOURS, NOW)
    assert found.value.reason is Reason.WINDOW


def test_window_begins_with_the_deployment() -> None:
    start, end = spans.since_deployment(deployed(5), spans.FOUR_HOURS, NOW)

    assert (start, end) == ((NOW - dt.timedelta(hours=5)).timestamp(), (NOW - dt.timedelta(hours=1)).timestamp())


def test_without_a_time_of_deployment_the_operator_is_asked() -> None:
    with pytest.raises(Undecided) as found:
        spans.since_deployment(deployed(None), spans.HOUR, NOW)
    assert found.value.reason is Reason.OPERATOR


@pytest.mark.parametrize(
    ("seconds", "step", "least"), [(900.0, 15.0, 10), (3600.0, 15.0, 100), (14400.0, 15.0, 400), (86400.0, 60.0, 1000)]
)
def test_there_are_samples_enough_for_the_items(seconds: float, step: float, least: int) -> None:
    view = View(None, "job", (0.0, seconds), interval=15.0, footprint=[], target=deployed(5))  # type: ignore[arg-type]

    assert view.step == step
    assert (seconds - 60) / view.step > least


def buckets(*rows: tuple[float, float]) -> Buckets:
    return Buckets(np.array([0.0]), np.array([edge for edge, _ in rows]), np.array([[count] for _, count in rows]))


def test_quantile_is_interpolated_in_its_bucket() -> None:
    found = buckets((0.1, 50.0), (0.2, 100.0), (math.inf, 100.0)).quantile(0.95)

    assert (found.low, found.high) == (0.1, 0.2)
    assert found.value == pytest.approx(0.19)


def test_quantile_beyond_the_last_edge_is_that_edge() -> None:
    found = buckets((0.1, 50.0), (0.2, 90.0), (math.inf, 100.0)).quantile(0.95)

    assert (found.low, found.high) == (0.2, math.inf)
    assert found.value == pytest.approx(0.2)


def test_quantile_at_an_edge_lies_below_it() -> None:
    assert buckets((0.1, 50.0), (0.2, 95.0), (math.inf, 100.0)).quantile(0.95).high == 0.2
    assert buckets((0.1, 0.95 / 3), (0.2, 1 / 3), (math.inf, 1 / 3)).quantile(0.95).high == 0.1


def test_quantile_without_requests_is_none() -> None:
    assert math.isnan(buckets((0.1, 0.0), (math.inf, 0.0)).quantile(0.95).value)


def test_worst_quantile_is_one_of_a_whole_stretch() -> None:
    times = np.arange(0.0, 3600.0, 15.0)
    fast = np.where(times < 60, 0.8, 1.0)  # every fifth request of the first minute is slow
    rates = np.vstack((fast, np.ones(times.size), np.ones(times.size)))
    found = Buckets(times, np.array([0.05, 1.0, math.inf]), rates).worst(0.95, 600)

    assert (found.low, found.high) == (0.0, 0.05)


def judged(name: str, item: str, figure: Figure) -> Evidence:
    evidence = Evidence(checklist.load().by_id[item])
    Watched(None, evidence).judge(name, figure)  # type: ignore[arg-type]
    return evidence


def latency(*bounds: float) -> Figure:
    return Figure(sum(bounds) / 2 if math.isfinite(bounds[1]) else bounds[0] + 1, 100, bounds=(bounds[0], bounds[1]))


@pytest.mark.parametrize("bounds", [(100.0, 200.0), (0.0, 5.0)])
def test_p95_is_kept_where_the_upper_edge_keeps_the_limit(bounds: tuple[float, float]) -> None:
    assert judged("p95", "PERF-LAT-16", latency(*bounds)).judgements[0].kept


@pytest.mark.parametrize("bounds", [(200.0, 250.0), (500.0, 1000.0), (10_000.0, math.inf)])
def test_p95_is_too_high_where_the_lower_edge_is_at_the_limit(bounds: tuple[float, float]) -> None:
    with pytest.raises(LimitBroken):
        judged("p95", "PERF-LAT-16", latency(*bounds))


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param((0.0, 100.0), id="all at 110 ms"),
        pytest.param((93.0, 100.0), id="seven per cent at 240 ms"),
    ],
)
def test_histogram_without_an_edge_at_the_limit_decides_nothing(counts: tuple[float, float]) -> None:
    found = buckets((0.1, counts[0]), (0.25, counts[1]), (math.inf, 100.0)).quantile(0.95)
    with pytest.raises(Undecided, match=r'between 100 and 250 ms.*le="0.2"') as why:
        judged("p95", "PERF-LAT-16", _latency(found, 100))
    assert why.value.reason is Reason.OPERATOR


@pytest.mark.parametrize(
    ("now", "usual", "outcome"),
    [
        ((40.0, 50.0), (40.0, 50.0), "kept"),
        ((150.0, 200.0), (60.0, 80.0), "broken"),
        ((25.0, 50.0), (25.0, 50.0), "undecided"),
        ((0.0, 5.0), (0.0, 5.0), "undecided"),
        ((10.0, math.inf), (5.0, 10.0), "undecided"),
    ],
)
def test_ratio_is_known_by_the_edges_of_both(now: tuple[float, float], usual: tuple[float, float], outcome: str) -> None:
    expected = {"kept": contextlib.nullcontext(), "broken": pytest.raises(LimitBroken), "undecided": pytest.raises(Undecided)}
    with expected[outcome]:
        judged("p95_ratio", "PERF-BASE-06", latency(*now).times_of(latency(*usual)))


def test_means_are_taken_over_whole_stretches_only() -> None:
    times = np.arange(0.0, 600.0, 15.0)
    line = Line(times, np.where(times < 15, 100.0, 1.0))

    assert line.highest_mean(300) == pytest.approx((100 + 19) / 20)
    assert line.lowest_mean(300) == 1.0


@pytest.mark.parametrize(
    ("instance", "host"),
    [
        ("game:8080", "game"),
        ("Game.example", "game.example"),
        ("[2001:db8::1]:8080", "2001:db8::1"),
        ("127.0.0.1:9100", "localhost"),
        ("", ""),
    ],
)
def test_host_of_an_instance_has_no_port(instance: str, host: str) -> None:
    assert Series({"instance": instance}, (), ()).host == host


def test_go_zero_time_is_no_scrape() -> None:
    assert _moment("0001-01-01T00:00:00Z") == -math.inf
    assert _moment("2026-03-01T12:00:00.123456789Z") == pytest.approx(NOW.timestamp(), abs=1)
    assert _moment("2026-03-01T14:00:00.1+02:00") == pytest.approx(NOW.timestamp(), abs=1)


@pytest.mark.parametrize(
    ("rule", "critical", "warning"),
    [
        ({"target_match": {"severity": "warning"}}, False, True),
        ({"target_matchers": ['severity="warning"']}, False, True),
        ({"target_matchers": ["severity=~warning|info"]}, False, True),
        ({"target_matchers": ['severity!="critical"']}, False, True),
        ({"target_match_re": {"severity": ".*"}}, True, True),
        ({"target_match": {"environment": "production"}}, True, True),
        ({}, True, True),
    ],
)
def test_what_an_inhibition_may_silence(rule: dict[str, Any], critical: bool, warning: bool) -> None:
    found = Configuration({"inhibit_rules": [rule]}, "").inhibitions()[0]

    assert found.may_silence("critical") is critical
    assert found.may_silence("warning") is warning
