"""The server's own histogram as a second witness of what was measured from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_FEW = 0.02
_FACTOR = 2.0
_SLACK_MS = 5.0


@dataclass(frozen=True)
class WitnessJudgement:
    """Whether both witnesses agree. Times in ms; `inside_low`, `inside_high`: edges of the bucket of the quantile."""

    agrees: bool
    outside: float
    inside_low: float
    inside_high: float
    counted: int
    text: str


def judge_witness(buckets: Sequence[tuple[float, float]], samples: Sequence[float], quantile: float = 0.95) -> WitnessJudgement:
    """Compare cumulative `buckets` (upper edge in s, count; the growth over the run) with `samples` (ms) of that run.

    An answer takes longer outside than inside. So they disagree when the server counted fewer requests than were made,
    when it counts fewer below an edge than were seen below it outside (by more than 2 % of the requests), or when the
    quantile outside is more than twice the upper edge of its bucket and 5 ms beyond it: then time is lost on the way.
    A histogram without a method as label holds others' requests too; `counted` above `asked` says so.
    Raises ValueError without samples or without buckets.
    """
    if not samples or not buckets:
        raise ValueError("both witnesses are needed")
    edges = np.array([edge * 1000 for edge, _ in buckets])
    counts = np.array([count for _, count in buckets])
    values = np.sort(np.asarray(samples, dtype=float))
    asked, counted = values.size, int(counts[-1])
    outside = float(values[int(np.ceil(quantile * asked - 1e-9)) - 1])
    text = ""
    low = high = float("nan")
    if counted:
        at = int(np.searchsorted(counts, np.ceil(quantile * counted - 1e-9)))
        low, high = float(edges[at - 1]) if at else 0.0, float(edges[at])
        below_outside = np.searchsorted(values, edges, side="right") / asked
        short = below_outside - counts / counted
        worst = int(np.argmax(np.where(np.isfinite(edges), short, -1.0)))
        if short[worst] > _FEW:
            text = (
                f"inside {counts[worst] / counted:.0%} were answered within {edges[worst]:g} ms, outside "
                f"{below_outside[worst]:.0%}: an answer can't take longer inside, so the histogram counts something else"
            )
        elif outside > _FACTOR * high and outside > high + _SLACK_MS:
            text = f"P{100 * quantile:g} is {outside:.1f} ms outside and at most {high:g} ms inside: the time is lost on the way"
    if counted < asked:
        text = f"the histogram counted {counted} of {asked} requests"
    return WitnessJudgement(not text, outside, low, high, counted, text)
