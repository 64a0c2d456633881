"""Whether latency rises while it is measured: Mann-Kendall's test with Theil-Sen's slope, over block means.

The test supposes independent values; latencies are not, and on raw ones its false alarms reach a third. So means are
taken over blocks longer than ten autocorrelation times, which are as good as independent. A trend counts when it is
significant *and* more than a share of the limit over the run: a long run makes any slope significant.

Sources: H. B. Mann, Econometrica 13 (1945) 245; M. G. Kendall, Rank Correlation Methods (variance with ties);
P. K. Sen, J. Am. Stat. Assoc. 63 (1968) 1379; A. Sokal, Monte Carlo Methods in Statistical Mechanics, 3 (window).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

FEWEST_BLOCKS = 10
ALPHA = 0.001
_NOUGHT = 1e-9
TOLERATED = 0.05
"""Rise over the run, as a share of the limit, that is no finding however significant."""


@dataclass(frozen=True)
class TrendJudgement:
    """What a run says of its trend.

    `rise`: Theil-Sen's slope times the length of the run, in the samples' unit; `low`, `high`: its 95 % interval;
    `p_value`: one-sided, for "it rises". `enough`: there were blocks enough to say anything.
    """

    rises: bool
    enough: bool
    rise: float
    low: float
    high: float
    share_of_limit: float
    p_value: float
    blocks: int
    block_length: int
    seconds: float


def autocorrelation_time(values: Sequence[float] | np.ndarray) -> float:
    """The integrated autocorrelation time tau = 1/2 + sum rho(t), in samples; 0.5 for independent values.

    Summed to the first lag beyond five times tau (Sokal's automatic window), by ranks, so that a few time-outs do not
    hide the correlation of all the others; a straight line is taken out first, since a trend is no correlation.
    """
    raw = np.asarray(values, dtype=float)
    if raw.size < 8:
        return 0.5
    ranks = np.empty(raw.size)
    ranks[np.argsort(raw, kind="stable")] = np.arange(raw.size)
    _, inverse, counts = np.unique(raw, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse]  # ties share their mean rank
    moments = np.arange(raw.size)
    ranks = ranks - np.polyval(np.polyfit(moments, ranks, 1), moments)
    size = 1 << (2 * raw.size - 1).bit_length()
    spectrum = np.fft.rfft(ranks, size)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), size)[: raw.size]
    if covariance[0] <= _NOUGHT:  # all the same, or a straight line
        return 0.5
    rho = covariance / covariance[0]
    tau = 0.5 + np.cumsum(rho[1:])
    beyond = np.flatnonzero(np.arange(1, raw.size) >= 5 * tau)
    return max(0.5, float(tau[beyond[0]]))  # there always is one: all lags together sum up to nought


def mann_kendall(values: Sequence[float] | np.ndarray) -> float:
    """The one-sided p-value of "it rises": S = sum sign(x_j - x_i), normal with variance corrected for ties.

    Raises ValueError with fewer than 8 values, where the normal approximation does not hold.
    """
    x = np.asarray(values, dtype=float)
    n = x.size
    if n < 8:
        raise ValueError("Mann-Kendall needs at least 8 values")
    s = float(np.sum(np.triu(np.sign(np.subtract.outer(x, x).T), 1)))
    _, ties = np.unique(x, return_counts=True)
    variance = (n * (n - 1) * (2 * n + 5) - float(np.sum(ties * (ties - 1) * (2 * ties + 5)))) / 18
    if variance == 0:
        return 1.0
    return float(special.ndtr(-(s - np.sign(s)) / np.sqrt(variance)))


def theil_sen(times: np.ndarray, values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """The median of all pairwise slopes with its interval (Sen 1968), in units of values over times."""
    i, j = np.triu_indices(values.size, 1)
    slopes = np.sort((values[j] - values[i]) / (times[j] - times[i]))
    n = values.size
    spread = float(special.ndtri(0.5 + confidence / 2)) * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    first = max(0, int(np.floor((slopes.size - spread) / 2)) - 1)
    return float(np.median(slopes)), float(slopes[first]), float(slopes[-1 - first])


def judge_trend(
    times: Sequence[float],
    samples: Sequence[float],
    limit: float,
    *,
    tolerated: float = TOLERATED,
    alpha: float = ALPHA,
) -> TrendJudgement:
    """Whether `samples` (ms) taken at `times` (s) rise by more than `tolerated` of `limit` (ms) over the run.

    Failed requests are left out by the caller: they are counted elsewhere, and a time-out is no slope.
    Raises ValueError when times and samples differ in number or are fewer than 20.
    """
    t, x = np.asarray(times, dtype=float), np.asarray(samples, dtype=float)
    if t.size != x.size or t.size < 20:
        raise ValueError("a trend needs at least 20 samples, each with its time")
    length = max(5, int(np.ceil(10 * autocorrelation_time(x))))
    blocks = x.size // length
    seconds = float(t[-1] - t[0])
    if blocks < FEWEST_BLOCKS:
        nan = float("nan")
        return TrendJudgement(
            rises=False,
            enough=False,
            rise=nan,
            low=nan,
            high=nan,
            share_of_limit=nan,
            p_value=nan,
            blocks=blocks,
            block_length=length,
            seconds=seconds,
        )
    used = slice(x.size - blocks * length, None)
    means = x[used].reshape(blocks, length).mean(axis=1)
    middles = t[used].reshape(blocks, length).mean(axis=1)
    slope, low, high = theil_sen(middles, means)
    p_value = mann_kendall(means)
    share = slope * seconds / limit
    return TrendJudgement(
        rises=p_value <= alpha and share > tolerated,
        enough=True,
        rise=slope * seconds,
        low=low * seconds,
        high=high * seconds,
        share_of_limit=share,
        p_value=p_value,
        blocks=blocks,
        block_length=length,
        seconds=seconds,
    )
