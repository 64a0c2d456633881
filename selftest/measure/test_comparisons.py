"""Change against a baseline, trend, stability: the interval decides, at the stated error rates."""

from __future__ import annotations

import numpy as np
import pytest

from preflight.measure.change import Change, hodges_lehmann, judge_change, quantile_ratio
from preflight.measure.stable import Stability, judge_stability
from preflight.measure.trend import autocorrelation_time, judge_trend, mann_kendall, theil_sen
from selftest.measure.simulate import change_rates, stable_rates, trend_rates


def test_a_change_at_the_tolerance_is_inconclusive():
    rates = change_rates(1.5, 1.5, runs=60, n=200)
    assert rates["WORSE"] <= 0.025 + 3 * 0.02
    assert rates["NOT WORSE"] <= 0.025 + 3 * 0.02


@pytest.mark.parametrize(
    ("factor", "tolerance", "change"),
    [(1.0, 1.5, Change.NOT_WORSE), (1.1, 1.5, Change.NOT_WORSE), (2.2, 1.5, Change.WORSE), (3.0, 2.0, Change.WORSE)],
)
def test_clear_changes_are_seen(factor, tolerance, change):
    assert change_rates(factor, tolerance, runs=20, n=460)[change] >= 0.9


def test_shift_of_medians():
    rng = np.random.default_rng(1)
    before, now = rng.lognormal(3, 0.3, 300), rng.lognormal(3, 0.3, 2000) + 5
    shift = hodges_lehmann(before, now)
    assert shift.low < 5 < shift.high
    assert shift.high - shift.low < 3


def test_ratio_covers_the_truth():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(40):
        ratio = quantile_ratio(rng.lognormal(3, 0.3, 200).tolist(), (1.7 * rng.lognormal(3, 0.3, 200)).tolist(), 0.95)
        inside += ratio.low <= 1.7 <= ratio.high
    assert inside >= 34


def test_too_little_to_compare():
    with pytest.raises(ValueError, match="at least 5"):
        judge_change([1.0] * 4, [1.0] * 90, 2.0)
    with pytest.raises(ValueError, match="zero"):
        judge_change([0.0] * 90, [1.0] * 90, 2.0)


def test_no_trend_is_rarely_seen_as_one():
    assert trend_rates(0.0, runs=200)["RISES"] <= 0.01
    assert trend_rates(0.0, runs=200, rho=0.7)["RISES"] <= 0.02, "correlated samples make no trend"


def test_a_trend_is_seen():
    assert trend_rates(0.3, runs=100)["RISES"] >= 0.8


def test_a_significant_trend_too_small_to_matter_is_none():
    rng = np.random.default_rng(5)
    times = np.arange(2000) / 25
    samples = 20 + 0.01 * times + rng.normal(0, 0.1, 2000)
    found = judge_trend(times, samples, 40.0)
    assert found.p_value < 1e-6
    assert not found.rises
    assert found.rise == pytest.approx(0.8, abs=0.05)


def test_too_strongly_correlated_samples_are_not_enough():
    rng = np.random.default_rng(6)
    walk = 20 + np.cumsum(rng.normal(0, 0.1, 300))
    assert not judge_trend(np.arange(300.0), walk, 40.0).enough


def test_autocorrelation_time():
    rng = np.random.default_rng(7)
    noise = rng.normal(size=20000)
    for i in range(1, noise.size):
        noise[i] += 0.8 * noise[i - 1]
    assert autocorrelation_time(noise) == pytest.approx((1 + 0.8) / (1 - 0.8) / 2, rel=0.2)
    assert autocorrelation_time(rng.normal(size=5000)) == pytest.approx(0.5, abs=0.15)
    assert autocorrelation_time([3.0] * 100) == 0.5


def test_mann_kendall_agrees_with_scipy():
    from scipy.stats import kendalltau, theilslopes

    rng = np.random.default_rng(8)
    values = np.round(rng.normal(size=40) + 0.04 * np.arange(40), 1)
    assert mann_kendall(values) == pytest.approx(
        kendalltau(np.arange(40), values, method="asymptotic", alternative="greater").pvalue, rel=0.15
    )
    slope, low, high = theil_sen(np.arange(40.0), values)
    reference = theilslopes(values, np.arange(40.0), 0.95)
    assert slope == pytest.approx(reference.slope)
    assert low == pytest.approx(reference.low_slope, abs=0.003)
    assert high == pytest.approx(reference.high_slope, abs=0.003)
    assert mann_kendall([1.0] * 20) == 1.0
    with pytest.raises(ValueError, match="at least 8"):
        mann_kendall([1, 2, 3])


def test_stability_is_proven_or_not():
    assert stable_rates(0.0, runs=30)["STABLE"] >= 0.9
    assert stable_rates(100.0, runs=30)["GROWING"] >= 0.9
    at_bound = stable_rates(40.5, runs=150)
    assert at_bound["STABLE"] <= 0.025 + 0.06
    assert at_bound["GROWING"] <= 0.025 + 0.06


def test_nothing_is_extrapolated_too_far():
    times = np.arange(0.0, 3600.0, 15.0)
    flat = np.full(times.size, 600.0) + np.sin(times)
    assert judge_stability(times, flat, 810, 3 * 3585).stability is Stability.STABLE
    assert judge_stability(times, flat, 810, 4 * 3600).stability is Stability.UNPROVEN
    assert judge_stability(times[:20], flat[:20], 810, 300).stability is Stability.UNPROVEN, "20 values are too few"


def test_a_fall_is_no_growth():
    times = np.arange(0.0, 3600.0, 15.0)
    falling = 600 - 0.05 * times + np.random.default_rng(9).normal(0, 3, times.size)
    assert judge_stability(times, falling, 810, 3600).stability is Stability.STABLE
