"""Values over time, histograms over time, and the figures that are taken from them: arithmetic only."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from preflight.errors import Undecided
from preflight.outcome import Reason


@dataclass(frozen=True)
class Figure:
    """One figure of a window: the value, and what it stands on.

    `bounds`: of a value that is not known better than to lie between these two, above the first.
    """

    value: float
    samples: int
    scrapes: int = 0
    where: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    line: Line | None = None
    bounds: tuple[float, float] | None = None

    def times_of(self, usual: Figure) -> Figure:
        """The figure as a multiple of another one. Raises Undecided where that is zero."""
        if usual.value <= 0:
            raise Undecided(Reason.SAMPLES, "what it is compared with is zero")
        bounds = None
        if self.bounds and usual.bounds:
            bounds = (self.bounds[0] / usual.bounds[1], self.bounds[1] / usual.bounds[0] if usual.bounds[0] > 0 else math.inf)
        facts = {"now": str(self), "compared with": str(usual)}
        return Figure(self.value / usual.value, self.samples + usual.samples, facts=facts, bounds=bounds)

    def lowest_mean(self, seconds: float) -> Figure:
        """The lowest mean of `seconds` on end in the line that the figure was taken from."""
        if self.line is None:
            raise ValueError("the figure has no line")
        return replace(self, value=self.line.lowest_mean(seconds))

    def __str__(self) -> str:
        between = f" (between {self.bounds[0]:.4g} and {self.bounds[1]:.4g})" if self.bounds else ""
        return f"{self.value:.4g}{between}"


@dataclass(frozen=True)
class Line:
    """Values over time."""

    times: np.ndarray
    values: np.ndarray

    @property
    def median(self) -> float:
        """The median value. Raises Undecided where it is zero: nothing can be compared with it."""
        found = float(np.median(self.values))
        if found <= 0:
            raise Undecided(Reason.SAMPLES, "nothing happened for half of that window")
        return found

    def thinned(self, most: int) -> list[list[float]]:
        """Time (s) and value of at most `most` points, the highest of each stretch: a peak is never thinned away."""
        known = np.flatnonzero(np.isfinite(self.values))
        pieces = np.array_split(known, min(most, known.size)) if known.size else []
        highest = [int(piece[np.argmax(self.values[piece])]) for piece in pieces if piece.size]
        return [[round(float(self.times[i]), 1), round(float(self.values[i]), 3)] for i in highest]

    def lowest_mean(self, seconds: float) -> float:
        """The lowest mean of `seconds` on end."""
        return float(means(self, seconds).min())

    def highest_mean(self, seconds: float) -> float:
        """The highest mean of `seconds` on end."""
        return float(means(self, seconds).max())


def parts(bound: float, low: float, high: float) -> bool:
    """Whether a limit lies between two edges. At one of them it does not: no latency is of exactly that length."""
    return low < bound < high and not math.isclose(low, bound) and not math.isclose(high, bound)


@dataclass(frozen=True)
class Quantile:
    """Where a quantile (s) lies: above `low` and not above `high`, two edges of a histogram; NaN without requests.

    `value` is interpolated between them as Prometheus does: for people, since it decides nothing.
    """

    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Buckets:
    """A histogram over time: cumulative rates by upper edge (s), one row an edge, one column a moment."""

    times: np.ndarray
    edges: np.ndarray
    rates: np.ndarray

    def quantile(self, share: float, columns: slice | np.ndarray = slice(None)) -> Quantile:
        """A quantile of the requests of these columns."""
        counts = np.maximum.accumulate(self.rates[:, columns].sum(axis=1))
        if counts[-1] <= 0:
            return Quantile(math.nan, math.nan, math.nan)
        rank = share * counts[-1]
        at = int(np.searchsorted(counts, rank * (1 - 1e-9)))  # sums of rates are not exact
        low, high = float(self.edges[at - 1]) if at else 0.0, float(self.edges[at])
        if math.isinf(high):
            return Quantile(low, math.nextafter(low, math.inf), high)
        below = counts[at - 1] if at else 0.0
        value = low + (high - low) * (rank - below) / max(counts[at] - below, 1e-12)
        return Quantile(low, float(np.clip(value, math.nextafter(low, high), math.nextafter(high, low))), high)

    def worst(self, share: float, seconds: float) -> Quantile:
        """The highest quantile of `seconds` on end. Raises Undecided where none of them has requests."""
        ends = self.times[_whole(self.times, seconds)]
        found = [self.quantile(share, (self.times > t - seconds) & (self.times <= t)) for t in ends]
        asked = [one for one in found if not math.isnan(one.value)]
        if not asked:
            raise Undecided(Reason.SAMPLES, f"nobody asked anything in {seconds:.0f} s on end of that window")
        return Quantile(max(one.low for one in asked), max(one.value for one in asked), max(one.high for one in asked))

    def pieces(self, share: float, seconds: float) -> Line:
        """The interpolated quantile of each `seconds`, one after the other, by their middles; without requests left out."""
        starts = np.arange(self.times[0], self.times[-1], seconds)
        values = np.array([self.quantile(share, (self.times >= t) & (self.times < t + seconds)).value for t in starts])
        there = ~np.isnan(values)
        return Line((starts + seconds / 2)[there], values[there])


def _whole(times: np.ndarray, seconds: float) -> np.ndarray:
    """Which moments have so much before them; the last one alone where none has."""
    whole: np.ndarray = times - times[0] >= seconds - 1.5 * float(np.median(np.diff(times)) if times.size > 1 else 0)
    if not whole.any():
        whole[-1] = True
    return whole


def means(line: Line, seconds: float) -> np.ndarray:
    """Means of `seconds` on end, at every moment that has so much before it; of all where there is less."""
    if line.times.size == 0:
        raise Undecided(Reason.SAMPLES, "there are no samples in that window")
    total = np.concatenate(([0.0], np.cumsum(line.values)))
    starts = np.searchsorted(line.times, line.times - seconds, side="right")
    ends = np.arange(1, line.times.size + 1)
    means = (total[ends] - total[starts]) / (ends - starts)
    result: np.ndarray = means[_whole(line.times, seconds)]
    return result
