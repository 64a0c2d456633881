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

    Expected are floor((end - start)/interval) scrapes; those that fall into the same slot of the interval count once.
    `value_times`: times of samples of the metric that will be judged; those that belong to no scrape with `up = 1` do not
    count. Raises ValueError for a window without length, an interval that is not positive, or `up` without times.
    """
    if end <= start or interval_s <= 0:
        raise ValueError("a window needs a length and a scrape interval")
    if len(up_times) != len(up):
        raise ValueError("each sample of up has its time")
    expected = max(1, int((end - start) / interval_s + 1e-9))
    times = np.asarray(up_times, dtype=float)
    states = np.asarray(up, dtype=float)
    inside = (times >= start - 1e-6) & (times <= end + 1e-6)
    times, states = times[inside], states[inside]
    slots = _slots(times, start, interval_s, expected)
    was_up = set(slots[states > 0.5].tolist())
    scraped = set(slots.tolist())
    values = np.asarray(value_times, dtype=float)
    valued = set(_slots(values[(values >= start - 1e-6) & (values <= end + 1e-6)], start, interval_s, expected).tolist()) & was_up
    edges = np.concatenate(([start], np.sort(times), [end]))
    share = len(scraped) / expected
    share_valued = len(valued) / len(was_up) if was_up else 0.0
    why = ""
    if share < LEAST:
        why = f"{len(scraped)} of {expected} expected scrapes ({share:.1%}) are there; {LEAST:.0%} are needed"
    elif was_up and share_valued < LEAST:
        why = f"values for {len(valued)} of {len(was_up)} scrapes that found the target up; {LEAST:.0%} are needed"
    return Completeness(
        expected=expected,
        scrapes=len(scraped),
        up=len(was_up),
        values=len(valued),
        scraped=share,
        uptime=len(was_up) / len(scraped) if scraped else 0.0,
        valued=share_valued,
        longest_gap_s=float(np.diff(edges).max()),
        enough=not why,
        why_not=why,
    )


def outside(times: Sequence[float], footprint: Sequence[tuple[float, float]]) -> list[bool]:
    """Which of `times` lie in none of the intervals of `footprint`: those in which the suite itself was busy."""
    return [not any(low <= moment <= high for low, high in footprint) for moment in times]


def _slots(times: np.ndarray, start: float, interval_s: float, expected: int) -> np.ndarray:
    """The number of the interval each time falls into, the last one included."""
    return np.asarray(np.clip(((times - start) / interval_s + 1e-9).astype(int), 0, expected - 1))
