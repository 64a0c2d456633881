"""Whether something has become slower than its baseline: intervals, not point estimates, against a tolerance.

WORSE when the whole interval of the ratio lies beyond the tolerance, NOT WORSE when all of it lies inside,
else INCONCLUSIVE: a difference that may be chance is neither shown nor refuted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

RESAMPLES = 2000
_LARGEST = 800  # pairs grow with the square: 800 * 800 differences take 5 MB
_SEED = 20240229


class Change(StrEnum):
    """How two samples compare."""

    WORSE = "WORSE"
    NOT_WORSE = "NOT WORSE"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval, in the unit of what was estimated."""

    estimate: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.estimate:.3g} [{self.low:.3g}, {self.high:.3g}]"


@dataclass(frozen=True)
class ChangeJudgement:
    """Now against then: the ratio that decides (dimensionless), and the shift of the medians (ms)."""

    change: Change
    ratio: Interval
    shift: Interval


def hodges_lehmann(before: Sequence[float], now: Sequence[float], confidence: float = 0.95) -> Interval:
    """The shift from `before` to `now` (median of all pairwise differences) with its distribution-free interval.

    The interval's ends are the differences number C and mn + 1 - C in order, C = mn/2 - z sqrt(mn(m + n + 1)/12)
    (Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., 4.2 and 4.3, normal approximation).
    Long samples are thinned evenly to 800 each. Raises ValueError with fewer than 5 on a side.
    """
    from scipy.special import ndtri

    x, y = _thinned(before), _thinned(now)
    differences = np.sort(np.subtract.outer(y, x), axis=None)
    m, n = x.size, y.size
    spread = float(ndtri(0.5 + confidence / 2)) * np.sqrt(m * n * (m + n + 1) / 12)
    first = max(0, int(np.floor(m * n / 2 - spread)) - 1)
    return Interval(float(np.median(differences)), float(differences[first]), float(differences[-1 - first]))


def quantile_ratio(before: Sequence[float], now: Sequence[float], quantile: float, confidence: float = 0.95) -> Interval:
    """The ratio of the quantiles now/before with its bootstrap interval (percentile method, scipy.stats.bootstrap).

    The percentile method, since the accelerated one (BCa) needs a jackknife, which does not work for quantiles
    (Efron & Tibshirani, An Introduction to the Bootstrap, 11.6). Latency comes in clusters: what is resampled are blocks
    of consecutive samples as long as the autocorrelation asks for, else the interval is too narrow.
    Raises ValueError with fewer than 5 samples on a side or a baseline of zero.
    """
    from scipy.stats import bootstrap

    x, y = _checked(before), _checked(now)
    base = _higher(x, quantile)
    if base <= 0:
        raise ValueError("the baseline's quantile is zero; there is no ratio to it")
    blocks_x, blocks_y = _blocks(x), _blocks(y)

    def ratio(chosen_x: np.ndarray, chosen_y: np.ndarray, axis: int = -1) -> np.ndarray:
        then = _joined(blocks_x, chosen_x)
        after = _joined(blocks_y, chosen_y)
        result: np.ndarray = _higher(after, quantile, axis) / np.maximum(_higher(then, quantile, axis), 1e-9)
        return result

    result: Any = bootstrap(
        (np.arange(len(blocks_x)), np.arange(len(blocks_y))),
        ratio,
        n_resamples=RESAMPLES,
        confidence_level=confidence,
        method="percentile",
        vectorized=True,
        batch=200,
        rng=np.random.default_rng(_SEED),
    )
    interval = result.confidence_interval
    return Interval(float(_higher(y, quantile) / base), float(interval.low), float(interval.high))


def judge_change(before: Sequence[float], now: Sequence[float], tolerance: float, quantile: float = 0.95) -> ChangeJudgement:
    """Whether `now` has become worse than `tolerance` times `before` at the quantile (0.5: the median).

    Latencies in ms, in the order measured; failed requests as any large number. Raises ValueError as `quantile_ratio`.
    """
    ratio = quantile_ratio(before, now, quantile)
    change = Change.INCONCLUSIVE
    if ratio.low > tolerance:
        change = Change.WORSE
    elif ratio.high <= tolerance:
        change = Change.NOT_WORSE
    return ChangeJudgement(change, ratio, hodges_lehmann(before, now))


def _checked(samples: Sequence[float]) -> np.ndarray:
    values = np.asarray(samples, dtype=float)
    if values.size < 5:
        raise ValueError("a comparison needs at least 5 samples on each side")
    return values


def _thinned(samples: Sequence[float]) -> np.ndarray:
    values = _checked(samples)
    return values if values.size <= _LARGEST else values[np.linspace(0, values.size - 1, _LARGEST).astype(int)]


def _higher(values: np.ndarray, quantile: float, axis: int = -1) -> Any:
    """The order statistic number ceil(q n), as everywhere in this package."""
    at = max(0, int(np.ceil(quantile * values.shape[axis] - 1e-9)) - 1)
    return np.take(np.partition(values, at, axis=axis), at, axis=axis)


def _blocks(values: np.ndarray) -> np.ndarray:
    """Consecutive samples in rows; a remainder is left out at the start."""
    from preflight.measure.trend import autocorrelation_time

    length = int(np.clip(np.ceil(2 * autocorrelation_time(values)), 1, values.size // 10 or 1))
    count = values.size // length
    return values[values.size - count * length :].reshape(count, length)


def _joined(blocks: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    picked = blocks[chosen.astype(int)]
    joined: np.ndarray = picked.reshape(*chosen.shape[:-1], -1)
    return joined
