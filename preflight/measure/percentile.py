"""Whether a percentile keeps its limit, decided by counting.

The q-quantile is within the limit exactly when a sample exceeds the limit with probability at most p = 1 - q. So k, the
number of exceedances among n samples, decides, whatever the shape of the latencies: a binomial test in both directions.
Samples are looked at only at fixed n (`LOOKS`), with the error split equally over the looks (Bonferroni), so that
sampling on until it suits is not possible.

    PASS  when P(Bin(n, p) <= k) <= alpha_pass / looks      a server at its limit passes with probability <= alpha_pass
    FAIL  when P(Bin(n, p) >= k) <= alpha_fail / looks      a server at its limit fails with probability <= alpha_fail
    else  sample on; at the last look: UNDECIDED

Exceedances come in clusters, since one hitch delays several requests. Consecutive ones are one episode; n and k are
divided by the design effect D before they decide (`design_effect`). D is known only from exceedances that were seen:
where none is, PASS holds its error for hitches shorter than the distance of two requests (docs/measuring.md has figures).

Sources: W. J. Conover, Practical Nonparametric Statistics, 3rd ed., 3.2 (quantile test) and 3.1 (order-statistic
interval); L. Kish, Survey Sampling, 8.2 (design effect).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy import special

ALPHA_PASS = 0.05
"""Of an item: how often a server exactly at its limit passes, at most."""
ALPHA_FAIL = 0.001
"""Of a run, over all its percentile decisions: how often a server exactly at its limits fails anywhere, at most."""

LOOKS: dict[float, tuple[int, ...]] = {0.95: (90, 200, 500), 0.99: (460, 1000, 3000)}
"""Numbers of samples at which a decision may fall, by quantile. The first is the least that can pass: none over."""


class Decision(StrEnum):
    """What counting says of a limit."""

    PASS = "PASS"  # noqa: S105 - a decision, no password
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True)
class PercentileJudgement:
    """What `n` samples say of one percentile and its limit; values are in the unit of the samples.

    `value` is the order statistic number ceil(q n), `low` and `high` its distribution-free interval of 95 %.
    `n` is the look that decided, or all samples when none did.
    """

    decision: Decision
    quantile: float
    n: int
    k: int
    design_effect: float
    value: float
    low: float
    high: float
    quantised_at: float | None

    @property
    def text(self) -> str:
        """One line for people."""
        words = f"P{100 * self.quantile:g} {self.value:.2f} [{self.low:.2f}, {self.high:.2f}], n = {self.n}, k = {self.k}"
        words += f", D = {self.design_effect:.2f}" if self.design_effect > 1 else ""
        return words + (f", in steps of {self.quantised_at:.2f}" if self.quantised_at else "")


def at_most(k: float, n: float, p: float) -> float:
    """P(Bin(n, p) <= k), continued to real n and k by the incomplete beta function: I_{1-p}(n - k, k + 1)."""
    return 1.0 if k >= n else float(special.betainc(n - k, k + 1, 1 - p))


def at_least(k: float, n: float, p: float) -> float:
    """P(Bin(n, p) >= k), continued to real n and k: I_p(k, n - k + 1)."""
    return 1.0 if k <= 0 else float(special.betainc(min(k, n), max(n - k, 0.0) + 1, p))


def decide(k: float, n: float, quantile: float, *, looks: int, alpha_pass: float, alpha_fail: float) -> Decision:
    """The decision at one look of `looks`; n and k are effective numbers (divided by the design effect)."""
    p = 1 - quantile
    if at_most(k, n, p) <= alpha_pass / looks:
        return Decision.PASS
    if at_least(k, n, p) <= alpha_fail / looks:
        return Decision.FAIL
    return Decision.UNDECIDED


def design_effect(over: Sequence[bool] | np.ndarray) -> float:
    """D = the mean length of the episode that an exceedance belongs to, times (1 - k/n); at least 1, dimensionless.

    An episode is a run of consecutive exceedances of length l; D = sum l^2 / sum l is the ratio of the variance of k to
    that of independent samples (compound Poisson). The plain mean length, sum l / episodes, is too small when lengths
    differ: a server at its limit then fails 1.7 times as often as stated (simulated). The factor 1 - k/n makes up for the
    runs that independent samples have as well, so that a server that is always slow has D = 1, and not n.
    """
    marks = np.asarray(over, dtype=bool)
    k = int(marks.sum())
    if k == 0:
        return 1.0
    edges = np.diff(np.concatenate(([0], marks.astype(int), [0])))
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return max(1.0, float(np.sum(lengths**2)) / k * (1 - k / marks.size))


def order_statistic_interval(ordered: np.ndarray, quantile: float, confidence: float = 0.95) -> tuple[float, float]:
    """The distribution-free interval of a quantile, from samples in ascending order.

    [x_(r), x_(s)] with the largest r and smallest s for which P(Bin(n, q) <= r - 1) and P(Bin(n, q) >= s) are each at
    most (1 - confidence)/2. Where n is too small for the upper end it is infinite; the lower is then 0 likewise.
    """
    n, tail = ordered.size, (1 - confidence) / 2
    counts = np.arange(n + 1)
    below = special.bdtr(counts, n, quantile)  # P(Bin <= count)
    low = int(np.searchsorted(below, tail, side="right"))  # the number of counts whose tail is small enough: r
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1  # the first s with P(Bin <= s - 1) >= 1 - tail
    return (float(ordered[low - 1]) if low >= 1 else 0.0, float(ordered[high - 1]) if high <= n else float("inf"))


def order_statistic(samples: Sequence[float] | np.ndarray, quantile: float) -> float:
    """The sample number ceil(q n) in ascending order: the estimate of a quantile everywhere in this suite."""
    ordered = np.sort(np.asarray(samples, dtype=float))
    return float(ordered[max(0, int(np.ceil(quantile * ordered.size - 1e-9)) - 1)])


def quantum(samples: np.ndarray, steps: Sequence[float] = (1000 / 60, 1000 / 72, 1000 / 90, 1000 / 120)) -> float | None:
    """The frame time (ms) in whose steps the latencies come, or None.

    A game that answers once a frame gives latencies near multiples of the frame time when the asking is in step with the
    frames. Asked: that the resultant length |mean exp(2 pi i x/step)| is above 0.9 (scattered by less than 0.07
    of a step), and that a tenth of the samples lie on another multiple than most; one narrow peak is no row of steps.
    """
    if samples.size < 30:
        return None
    for step in steps:
        turns = (samples - np.median(samples)) / step
        elsewhere = float(np.mean(np.rint(turns) != 0))
        if elsewhere >= 0.1 and abs(complex(np.mean(np.exp(2j * np.pi * turns)))) > 0.9:
            return step
    return None


def judge_percentile(
    samples: Sequence[float] | np.ndarray,
    quantile: float,
    limit: float,
    *,
    inclusive: bool,
    decisions_in_run: int = 1,
    alpha_fail: float = ALPHA_FAIL,
) -> PercentileJudgement:
    """Judge latencies, in the order they were asked for, against the limit of a percentile.

    `inclusive`: a sample equal to the limit keeps it ("at most"; otherwise "below"). A request that got no good answer
    is infinite, or any number above every limit. `decisions_in_run`: how many percentiles are judged in the run; the
    error of FAIL is shared by them. The first look that decides counts; later samples are for other items.
    Raises ValueError without samples or for a quantile without looks.
    """
    values = np.asarray(samples, dtype=float)
    if values.size == 0 or quantile not in LOOKS:
        raise ValueError("a percentile needs samples, and a quantile that has looks (0.95, 0.99)")
    over = values > limit if inclusive else values >= limit
    looks = LOOKS[quantile]
    n, decision = int(values.size), Decision.UNDECIDED
    for look in (look for look in looks if look <= values.size):
        marks = over[:look]
        effect = design_effect(marks)
        decision = decide(
            float(marks.sum()) / effect,
            look / effect,
            quantile,
            looks=len(looks),
            alpha_pass=ALPHA_PASS,
            alpha_fail=alpha_fail / max(1, decisions_in_run),
        )
        if decision is not Decision.UNDECIDED:
            n = look
            break
    kept = values[:n]
    ordered = np.sort(kept)
    low, high = order_statistic_interval(ordered, quantile)
    return PercentileJudgement(
        decision=decision,
        quantile=quantile,
        n=n,
        k=int(over[:n].sum()),
        design_effect=design_effect(over[:n]),
        value=order_statistic(ordered, quantile),
        low=low,
        high=high,
        quantised_at=quantum(kept[np.isfinite(kept)]),
    )


def next_look(n: int, quantile: float) -> int | None:
    """The next number of samples at which a decision may fall, or None after the last."""
    return next((look for look in LOOKS[quantile] if look > n), None)
