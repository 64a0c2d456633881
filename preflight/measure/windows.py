"""Whether a window of monitoring data is complete enough to be judged.

Three questions in this order: did Prometheus scrape (samples of `up`, whatever their value), was the target up, and
are the values there for the time it was up. A scrape that saw `up = 0` is evidence of an outage, not missing data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST = 0.90
"""The share of the expected scrapes, and of the expected values, under which a window can't be judged."""


@dataclass(frozen=True)
class Completeness:
    """What a window holds; shares are of 1, `longest_gap_s` is the longest time without a scrape."""

    expected: int
    scrapes: int
    up: int
    values: int
    scraped: float
    uptime: float
    valued: float
    longest_gap_s: float
    enough: bool
    why_not: str


def judge_completeness(
    up_times: Sequence[float],
    up: Sequence[float],
    value_times: Sequence[float],
    *,
    start: float,
    end: float,
    interval_s: float,
) -> Completeness:
    """Whether the window [start, end] (s) holds enough: scrapes of `up` each `interval_s`, and a value for each that was up.

    Expected are floor((end - start)/interval) scrapes; what lies within half an interval of the scrape before is the same
    one (two servers of a pair, a retry). `value_times`: times of samples of the metric that will be judged; those
    that are not within half an interval of a scrape with `up = 1` do not count.
    Raises ValueError for a window without length, an interval that is not positive, or `up` without times.
    """
    if end <= start or interval_s <= 0:
        raise ValueError("a window needs a length and a scrape interval")
    if len(up_times) != len(up):
        raise ValueError("each sample of up has its time")
    expected = max(1, int((end - start) / interval_s + 1e-9))
    times, states = np.asarray(up_times, dtype=float), np.asarray(up, dtype=float)
    order = np.argsort(times, kind="stable")
    times, states = times[order], states[order]
    inside = (times >= start - 1e-6) & (times <= end + 1e-6)
    times, states = times[inside], states[inside]
    single = _apart(times, interval_s / 2)
    times, states = times[single], states[single]
    was_up = times[states > 0.5]
    found = _near(was_up, np.sort(np.asarray(value_times, dtype=float)), interval_s / 2)
    scrapes = min(expected, times.size)
    edges = np.concatenate(([start], times, [end]))
    share, share_valued = scrapes / expected, found / was_up.size if was_up.size else 0.0
    why = ""
    if share < LEAST:
        why = f"{scrapes} of {expected} expected scrapes ({share:.1%}) are there; {LEAST:.0%} are needed"
    elif was_up.size and share_valued < LEAST:
        why = f"values for {found} of {was_up.size} scrapes that found the target up; {LEAST:.0%} are needed"
    return Completeness(
        expected=expected,
        scrapes=scrapes,
        up=int(was_up.size),
        values=found,
        scraped=share,
        uptime=was_up.size / times.size if times.size else 0.0,
        valued=share_valued,
        longest_gap_s=float(np.diff(edges).max()),
        enough=not why,
        why_not=why,
    )


def outside(times: Sequence[float], footprint: Sequence[tuple[float, float]]) -> list[bool]:
    """Which of `times` lie in none of the intervals of `footprint`: those in which the suite itself was busy."""
    return [not any(low <= moment <= high for low, high in footprint) for moment in times]


def _apart(times: np.ndarray, least: float) -> list[int]:
    """The positions of those times that are at least `least` after the one kept before."""
    kept: list[int] = []
    for position, moment in enumerate(times.tolist()):
        if not kept or moment - times[kept[-1]] >= least:
            kept.append(position)
    return kept


def _near(wanted: np.ndarray, there: np.ndarray, most: float) -> int:
    """How many of `wanted` have one of the (ascending) times `there` within `most`."""
    if not there.size:
        return 0
    after = np.clip(np.searchsorted(there, wanted), 0, there.size - 1)
    before = np.clip(after - 1, 0, there.size - 1)
    return int(np.sum(np.minimum(np.abs(there[after] - wanted), np.abs(wanted - there[before])) <= most))
