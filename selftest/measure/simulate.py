"""Simulations of the judging: how often it says what, of servers whose truth is known."""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np

from preflight.measure.change import Change, judge_change
from preflight.measure.percentile import LOOKS, judge_percentile, next_look
from preflight.measure.stable import judge_stability
from preflight.measure.trend import judge_trend
from selftest.measure.servers import LIMIT, Server, clustered

CLUSTERS = (2.0, 4.0, 10.0)
_CHUNK = 500


def percentile_rates(
    server: Server, quantile: float, over: float, *, runs: int, alpha_fail: float = 0.001, seed: int = 1
) -> dict[str, float]:
    """How often a server with a share `over` beyond the limit is PASS, FAIL, UNDECIDED, and the mean n of a decision."""
    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    asked = 0
    for first in range(0, runs, _CHUNK):
        for row in server(rng, min(_CHUNK, runs - first), LOOKS[quantile][-1], over):
            found = judge_percentile(row, quantile, LIMIT, inclusive=True, alpha_fail=alpha_fail)
            counts[found.decision] += 1
            asked += found.n
    return {name: counts[name] / runs for name in ("PASS", "FAIL", "UNDECIDED")} | {"n": asked / runs}


def change_rates(factor: float, tolerance: float, *, runs: int, n: int = 90, seed: int = 2, rho: float = 0.0) -> dict[str, float]:
    """How often a server that became `factor` times slower is WORSE, NOT WORSE, INCONCLUSIVE than `tolerance` allows."""
    rng = np.random.default_rng(seed)
    counts: Counter[str] = Counter()
    for _ in range(runs):
        before, now = _correlated(rng, n, rho), factor * _correlated(rng, n, rho)
        counts[judge_change(before.tolist(), now.tolist(), tolerance).change] += 1
    return {str(name): counts[name] / runs for name in Change}


def trend_rates(growth: float, *, runs: int, n: int = 460, rho: float = 0.0, seed: int = 3) -> dict[str, float]:
    """How often a run whose latency grows by `growth` of itself "rises"; correlation `rho` between neighbours."""
    rng = np.random.default_rng(seed)
    times = np.arange(n) / 25.0
    counts: Counter[str] = Counter()
    for _ in range(runs):
        samples = _correlated(rng, n, rho) * (1 + growth * np.arange(n) / n)
        found = judge_trend(times.tolist(), samples.tolist(), 40.0)
        counts[
            "RISES"
            if found.rises
            else "significant, small"
            if found.enough and found.p_value <= 0.001
            else ""
            if found.enough
            else "too few blocks"
        ] += 1
    return {name: counts[name] / runs for name in ("RISES", "too few blocks")}


def stable_rates(growth: float, *, runs: int, n: int = 240, rho: float = 0.6, seed: int = 4) -> dict[str, float]:
    """How often memory around 600 MB that grows by `growth` MB in the window (limit 810) is judged which way."""
    rng = np.random.default_rng(seed)
    times = 15.0 * np.arange(n)
    counts: Counter[str] = Counter()
    for _ in range(runs):
        noise = np.empty(n)
        noise[0] = rng.normal()
        for i in range(1, n):
            noise[i] = rho * noise[i - 1] + np.sqrt(1 - rho**2) * rng.normal()
        values = 600 + 8 * noise + growth * times / times[-1]
        counts[judge_stability(times.tolist(), values.tolist(), 810.0, float(times[-1])).stability] += 1
    return {name: counts[name] / runs for name in ("STABLE", "GROWING", "UNPROVEN")}


def clustered_servers() -> dict[str, Server]:
    """Hitches of several mean lengths (requests)."""
    return {f"hitches of {length:g}": partial(clustered, mean_length=length) for length in CLUSTERS}


def _correlated(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    """Lognormal latencies around 20 ms (sigma 0.3) whose neighbours are correlated."""
    noise = rng.normal(size=n)
    if rho:
        for i in range(1, n):
            noise[i] = rho * noise[i - 1] + np.sqrt(1 - rho**2) * noise[i]
    return 20 * np.exp(0.3 * noise)


def least_samples(quantile: float) -> int:
    """The first look."""
    look = next_look(0, quantile)
    assert look is not None
    return look
