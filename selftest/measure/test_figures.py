"""Judgements of fixed samples, every figure of them: a change of a formula shows, whatever its direction.

The figures are what the code gave when its statistics had been checked by simulation (test_percentile.py,
test_comparisons.py); the bootstrap's seed is fixed. A new numpy that draws other numbers changes the intervals by chance.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from preflight.measure.change import Change, Interval, hodges_lehmann, judge_change, quantile_ratio
from preflight.measure.percentile import (
    Decision,
    at_least,
    at_most,
    decide,
    judge_percentile,
    next_look,
    order_statistic,
    order_statistic_interval,
    quantum,
)
from preflight.measure.stable import Stability, judge_stability
from preflight.measure.trend import autocorrelation_time, judge_trend, mann_kendall, theil_sen

RISING = [10 + (n * 37 % 101) / 25 + 0.02 * n for n in range(400)]
SLOW = [50 + 5 * math.sin(n / 5) + n * 37 % 11 for n in range(400)]
TIMES = [5 + 0.5 * n for n in range(400)]
INF, NAN = math.inf, math.nan


def figures(judgement: Any, *words: str) -> list[Any]:
    """The fields in their order, but for those that are no number."""
    said = asdict(judgement)
    return [value for name, value in said.items() if name not in words]


def close(*values: Any) -> Any:
    return pytest.approx(list(values), rel=1e-6, nan_ok=True)


def test_a_trend() -> None:
    rises = judge_trend(TIMES, RISING, 50.0)
    assert figures(rises) == close(True, True, 8.0136, 7.7384432, 8.2746462, 0.160272, 6.0169503e-35, 80, 5, 199.5)
    still = judge_trend(TIMES, SLOW, 50.0)
    assert figures(still) == close(False, True, -0.2155878, -3.5205428, 3.5856968, -0.0043117560, 0.58923729, 22, 18, 199.5)
    few = judge_trend(TIMES[:20], RISING[:20], 50.0)
    assert figures(few) == close(False, False, NAN, NAN, NAN, NAN, NAN, 4, 5, 9.5)
    assert not judge_trend(TIMES, RISING, 50.0, tolerated=0.2).rises
    assert not judge_trend(TIMES, RISING, 50.0, alpha=1e-36).rises
    assert judge_trend(TIMES[:50], RISING[:50], 50.0).enough
    assert not judge_trend(TIMES[:49], RISING[:49], 50.0).enough
    for times, samples in ((TIMES[:19], RISING[:19]), (TIMES, RISING[:20])):
        with pytest.raises(ValueError, match=r"^a trend needs at least 20 samples, each with its time$"):
            judge_trend(times, samples, 50.0)


def test_what_a_trend_stands_on() -> None:
    assert autocorrelation_time(SLOW) == pytest.approx(1.70684710)
    assert autocorrelation_time([1.0] * 20) == autocorrelation_time([1, 5, 2, 4, 3, 6, 2]) == 0.5
    assert mann_kendall([1, 3, 2, 4, 5, 5, 7, 8]) == pytest.approx(0.00138479259)
    assert mann_kendall([8, 7, 6, 5, 4, 3, 2, 1]) == pytest.approx(0.99958168)
    assert mann_kendall([1] * 8) == 1.0
    with pytest.raises(ValueError, match=r"^Mann-Kendall needs at least 8 values$"):
        mann_kendall([1] * 7)
    assert theil_sen(np.arange(10.0), np.array([0, 2, 1, 4, 3, 6, 5, 8, 9, 7.0])) == pytest.approx((1.0, 0.6, 4 / 3))
    assert theil_sen(np.arange(4.0), np.array([0, 2, 1, 4.0]), 0.5) == pytest.approx((7 / 6, 0.5, 2.0))


def test_stability() -> None:
    grows = judge_stability(TIMES, RISING, 50.0, 300.0)
    assert grows.stability is Stability.GROWING
    assert figures(grows, "stability") == close(12.0291647, 11.7391584, 12.2917104, 400, 8)
    stable = judge_stability(TIMES, SLOW, 500.0, 300.0)
    assert stable.stability is Stability.STABLE
    assert figures(stable, "stability") == close(-0.43249296, -5.25736398, 4.65835126, 400, 14)
    few = judge_stability(TIMES[:29], RISING[:29], 50.0, 10.0)
    assert few.stability is Stability.UNPROVEN
    assert figures(few, "stability") == close(0.744827586, -INF, INF, 29, 0)
    assert judge_stability(TIMES, RISING, 50.0, 598.5).block_length == 8
    assert judge_stability(TIMES, RISING, 50.0, 598.6).block_length == 0
    assert judge_stability(TIMES[:30], RISING[:30], 50.0, 10.0).block_length == 4
    assert judge_stability([1.0] * 40, RISING[:40], 50.0, 10.0).growth == 0.0
    assert judge_stability([1.0, 2.0], [1.0, 3.0], 50.0, 10.0).growth == pytest.approx(20.0)
    for times, values, window in (([1.0], [1.0], 1.0), ([1.0, 2.0], [1.0], 1.0), ([1.0, 2.0], [1.0, 2.0], 0.0)):
        with pytest.raises(ValueError, match=r"^stability needs values with their times, and a window$"):
            judge_stability(times, values, 50.0, window)


def test_a_change() -> None:
    worse = judge_change(RISING[:200], RISING[200:], 1.1)
    assert worse.change is Change.WORSE
    assert list(asdict(worse.ratio).values()) == close(1.24043062, 1.20281360, 1.27472527)
    assert list(asdict(worse.shift).values()) == close(4.0, 3.64, 4.34)
    alike = judge_change(SLOW[:200], SLOW[200:], 1.1, 0.5)
    assert alike.change is Change.NOT_WORSE
    assert list(asdict(alike.ratio).values()) == close(0.998528542, 0.967975525, 1.02543949)
    assert judge_change(RISING[:200], RISING[200:], 1.25).change is Change.INCONCLUSIVE
    assert list(asdict(hodges_lehmann(RISING[:6], RISING[6:20], 0.9)).values()) == close(0.63, -0.7, 1.84)
    long = hodges_lehmann([float(n) for n in range(1000)], [float(2 * n) for n in range(900)])
    assert list(asdict(long).values()) == close(399.0, 348.0, 450.0)
    assert list(asdict(quantile_ratio([1, 2, 3, 4, 5], [2, 4, 6, 8, 10], 0.5, 0.8)).values()) == close(2.0, 1.0, 4.0)
    assert Interval(1.2345, 1, 2).text == "1.23 [1, 2]"
    with pytest.raises(ValueError, match=r"^the baseline's quantile is zero; there is no ratio to it$"):
        quantile_ratio([0.0] * 5, RISING[:5], 0.5)
    for before, now in ((RISING[:4], RISING), (RISING, RISING[:4])):
        with pytest.raises(ValueError, match=r"^a comparison needs at least 5 samples on each side$"):
            hodges_lehmann(before, now)


def test_a_percentile() -> None:
    judged = judge_percentile(RISING[:200], 0.95, 16.0, inclusive=True)
    assert judged.decision is Decision.PASS
    assert figures(judged, "decision", "quantised_at") == close(0.95, 90, 0, 1.0, 14.92, 14.58, 15.38)
    assert judged.text == "P95 14.92 [14.58, 15.38], n = 90, k = 0"
    stepped = judge_percentile([16.6667 * (1 + n % 3) for n in range(90)], 0.95, 16.0, inclusive=False)
    assert stepped.text == "P95 50.00 [50.00, 50.00], n = 90, k = 90, in steps of 16.67"
    clustered = judge_percentile([9.0] * 84 + [20.0] * 6, 0.95, 16.0, inclusive=True)
    assert clustered.text == "P95 20.00 [9.00, 20.00], n = 90, k = 6, D = 5.60"
    assert (next_look(0, 0.95), next_look(90, 0.95), next_look(499, 0.95), next_look(500, 0.95)) == (90, 200, 500, None)
    for samples, quantile in (([], 0.95), ([1.0], 0.9)):
        with pytest.raises(ValueError, match=r"^a percentile needs samples, and a quantile that has looks \(0\.95, 0\.99\)$"):
            judge_percentile(samples, quantile, 1.0, inclusive=True)


def test_correlation_where_it_hides() -> None:
    assert autocorrelation_time(range(400)) == autocorrelation_time([5.0 * n for n in range(8)]) == 0.5, "a straight line is none"
    assert autocorrelation_time([n // 6 % 4 for n in range(60)]) == pytest.approx(1.592824428866829)
    turns = [math.sin(n / 10) if n % 2 else math.cos(n / 10 + 0.1) for n in range(200)]
    assert autocorrelation_time(turns) == pytest.approx(3.8454190212886803), "each second value is like the next but one"


def test_edges_of_trend_and_stability() -> None:
    rises = judge_trend(TIMES, RISING, 50.0)
    assert judge_trend(TIMES, RISING, 50.0, alpha=rises.p_value).rises
    assert not judge_trend(TIMES, RISING, 50.0, tolerated=rises.share_of_limit).rises
    assert theil_sen(np.arange(4.0), np.array([0, 2, 1, 4.0])) == pytest.approx((7 / 6, -1.0, 3.0))
    found = judge_stability(TIMES, RISING, 50.0, 300.0)
    for bound in (found.low, found.high):
        assert judge_stability(TIMES, RISING, bound, 300.0, tolerated=1.0).stability is Stability.UNPROVEN
    assert judge_stability(TIMES, SLOW, 50.0, 300.0).stability is Stability.UNPROVEN
    assert judge_stability([1.0, 2.0], [1.0, 3.0], 50.0, 1.0).growth == pytest.approx(2.0)
    assert judge_stability([0.02 * n for n in range(40)], RISING[:40], 50.0, 1.0).block_length == 4
    slow = [math.sin(n / 20) for n in range(60)]
    assert judge_stability(TIMES[:60], slow, 50.0, 10.0).block_length == 10, "six blocks at least"


def test_edges_of_a_change() -> None:
    before, now = [(n * 37 % 101) / 7 + n * n / 50 for n in range(20)], [(n * 53 % 97) / 6 + n * n / 40 + 1 for n in range(20)]
    assert hodges_lehmann(before, now) == Interval(
        *map(pytest.approx, (1.8135714285714295, -1.8485714285714283, 5.751428571428571))
    )
    few = hodges_lehmann(before[:5], now[:5], 0.99999)
    assert (few.low, few.high) == (min(now[:5]) - max(before[:5]), max(now[:5]) - min(before[:5])), "all there is"
    assert quantile_ratio([0.5] * 90, [0.5] * 90, 0.95) == Interval(1.0, 1.0, 1.0)
    low = quantile_ratio([1, 2, 3, 4, 5, 6, 7], [2.5, 3, 4, 5, 7, 9, 11], 0.1)
    assert low == Interval(*map(pytest.approx, (2.5, 0.8333333333333334, 4.0)))
    rise = [1.0, 3, 4, 7, 9, 6, 8, 5, 2]
    assert quantile_ratio(rise, [2 * value for value in rise], 0.5) == Interval(*map(pytest.approx, (2.0, 0.8, 14 / 3)))
    arc = [50 + 20 * math.sin(n / 15) for n in range(60)]
    ratio = quantile_ratio(arc, [1.5 * value for value in reversed(arc)], 0.95)
    assert ratio == Interval(*map(pytest.approx, (1.5, 1.4469737449536955, 1.5532407161433068)))
    slower = [1.3 * value for value in RISING]
    found = judge_change(RISING, slower, 1.5).ratio
    assert judge_change(RISING, slower, found.high).change is Change.NOT_WORSE
    assert judge_change(RISING, slower, found.low).change is Change.INCONCLUSIVE


def test_edges_of_counting() -> None:
    assert at_most(6, 5, 0.1) == at_least(0, 5, 0.1) == at_least(-1, 5, 0.1) == 1.0
    assert at_least(1, 5, 0.1) == pytest.approx(1 - 0.9**5)
    exactly = {"looks": 1, "alpha_pass": at_most(0, 90, 1 - 0.95), "alpha_fail": at_least(20, 90, 1 - 0.95)}
    assert decide(0, 90, 0.95, **exactly) is Decision.PASS
    assert decide(20, 90, 0.95, **exactly) is Decision.FAIL
    one_hitch = [100.0] * 16 + [1.0] * 74
    assert judge_percentile(one_hitch, 0.95, 50.0, inclusive=True).decision is Decision.UNDECIDED, "an episode counts as one"
    scattered = [100.0 if n % 7 == 0 else 1.0 for n in range(90)]
    over = sum(value > 50 for value in scattered)
    enough = 1.5 * 3 * at_least(over, 90, 1 - 0.95)
    assert judge_percentile(scattered, 0.95, 50.0, inclusive=True, alpha_fail=enough).decision is Decision.FAIL


def test_edges_of_order_statistics() -> None:
    assert order_statistic([3, 1, 2], 0.1) == 1
    assert order_statistic(range(1, 21), 0.95) == 19
    ranks = np.arange(1.0, 501.0)
    assert [order_statistic_interval(ranks[:n], 0.95) for n in (90, 200, 500)] == [(81, 90), (184, 197), (465, 485)]
    assert order_statistic_interval(ranks[:10], 0.1)[0] == 0.0, "none is surely below"
    assert order_statistic_interval(ranks[:40], 0.1)[0] == 1.0
    steps = [1000 / 90 * (1 if n < 27 else 2) for n in range(30)]
    assert quantum(np.array(steps)) is not None
    assert quantum(np.array(steps[1:])) is None, "too few"
