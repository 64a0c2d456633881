"""Values over time, histograms over time, and the figures that are taken from them: arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from preflight.errors import Undecided
from preflight.outcome import Reason


@dataclass(frozen=True)
class Figure:
    """One figure of a window: the value, and what it stands on."""

    value: float
    samples: int
    scrapes: int = 0
    where: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    line: Line | None = None

    def times_of(self, usual: Figure) -> Figure:
        """The figure as a multiple of another one. Raises Undecided where that is zero."""
        if usual.value <= 0:
            raise Undecided(Reason.SAMPLES, "what it is compared with is zero")
        facts = {"now": f"{self.value:.4g}", "compared with": f"{usual.value:.4g}"}
        return Figure(self.value / usual.value, self.samples + usual.samples, facts=facts)


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


@dataclass(frozen=True)
class Buckets:
    """A histogram over time: cumulative rates by upper edge (s), one row an edge, one column a moment."""

    times: np.ndarray
    edges: np.ndarray
    rates: np.ndarray

    def quantile(self, share: float, columns: slice | np.ndarray = slice(None)) -> float:
        """A quantile in seconds, interpolated within its bucket as Prometheus does; NaN without requests."""
        counts = np.maximum.accumulate(self.rates[:, columns].sum(axis=1))
        if counts[-1] <= 0:
            return float("nan")
        rank = share * counts[-1]
        at = int(np.searchsorted(counts, rank))
        if at >= self.edges.size - 1:
            return float(self.edges[-2])
        below = counts[at - 1] if at else 0.0
        low = self.edges[at - 1] if at else 0.0
        return float(low + (self.edges[at] - low) * (rank - below) / max(counts[at] - below, 1e-12))

    def rolling(self, share: float, seconds: float) -> Line:
        """The quantile of each `seconds` on end, by their ends; moments without requests are left out."""
        return self._over([(self.times > t - seconds) & (self.times <= t) for t in self.times], self.times, share)

    def pieces(self, share: float, seconds: float) -> Line:
        """The quantile of each `seconds`, one after the other, by their middles."""
        starts = np.arange(self.times[0], self.times[-1], seconds)
        chosen = [(self.times >= t) & (self.times < t + seconds) for t in starts]
        return self._over(chosen, starts + seconds / 2, share)

    def _over(self, chosen: Sequence[np.ndarray], times: np.ndarray, share: float) -> Line:
        values = np.array([self.quantile(share, columns) for columns in chosen])
        there = ~np.isnan(values)
        return Line(times[there], values[there])


def means(line: Line, seconds: float) -> np.ndarray:
    """Means of `seconds` on end, at every moment that has so much before it; of all where there is less."""
    if line.times.size == 0:
        raise Undecided(Reason.SAMPLES, "there are no samples in that window")
    total = np.concatenate(([0.0], np.cumsum(line.values)))
    starts = np.searchsorted(line.times, line.times - seconds, side="right")
    ends = np.arange(1, line.times.size + 1)
    means = (total[ends] - total[starts]) / (ends - starts)
    whole = line.times - line.times[0] >= seconds - 1.5 * float(np.median(np.diff(line.times)) if line.times.size > 1 else 0)
    result: np.ndarray = means[whole] if whole.any() else means[-1:]
    return result
