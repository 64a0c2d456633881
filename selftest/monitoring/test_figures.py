"""Figures of a window are computed as Prometheus would, and only for windows that are over."""

from __future__ import annotations

import datetime as dt
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from preflight.errors import Undecided
from preflight.outcome import Reason
from preflight.probes import spans
from preflight.probes.alertmanager import Configuration
from preflight.probes.lines import Buckets, Line
from preflight.probes.prometheus import _moment
from preflight.probes.windows import View

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
    assert buckets((0.1, 50.0), (0.2, 100.0), (math.inf, 100.0)).quantile(0.95) == pytest.approx(0.19)


def test_quantile_beyond_the_last_edge_is_that_edge() -> None:
    assert buckets((0.1, 50.0), (0.2, 90.0), (math.inf, 100.0)).quantile(0.95) == 0.2


def test_quantile_without_requests_is_none() -> None:
    assert math.isnan(buckets((0.1, 0.0), (math.inf, 0.0)).quantile(0.95))


def test_means_are_taken_over_whole_stretches_only() -> None:
    times = np.arange(0.0, 600.0, 15.0)
    line = Line(times, np.where(times < 15, 100.0, 1.0))

    assert line.highest_mean(300) == pytest.approx((100 + 19) / 20)
    assert line.lowest_mean(300) == 1.0


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
