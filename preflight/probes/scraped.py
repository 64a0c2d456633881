"""What Prometheus scraped of one job in one window of time, and whether that is enough to judge it.

What the suite itself caused is left out: samples within its footprint don't count. A window is judged only when 90 % of
its scrapes are there (preflight/measure/windows.py).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from preflight.errors import LookError, NotApplicable, Undecided
from preflight.measure.windows import Completeness, judge_completeness, outside
from preflight.outcome import Reason
from preflight.probes.lines import Buckets, Line
from preflight.probes.promanswers import Series
from preflight.probes.prometheus import Prometheus
from preflight.probes.spans import Span, clock
from preflight.target import Target

BUCKETS = "http_request_duration_seconds_bucket"
_MOST_SAMPLES = 1500


class Scraped:
    """One window of one job. `interval`: seconds between scrapes. `absent`: metrics that the target declares absent."""

    def __init__(
        self, client: Prometheus, job: str, span: Span, *, interval: float, footprint: Sequence[Span], target: Target
    ) -> None:
        self._client, self._job, self._footprint, self._target = client, job, list(footprint), target
        self._judged: dict[str, Completeness] = {}
        self.start, self.end = span
        self.interval = interval
        self.step = interval * max(1, round((self.end - self.start) / _MOST_SAMPLES / interval))
        self._rate = f"{max(4 * interval, self.step):.0f}s"

    @property
    def seconds(self) -> float:
        """The length of the window."""
        return self.end - self.start

    def complete(self, metric: str = "") -> Completeness:
        """What the window holds of scrapes, and of the metric. Raises LookError under 90 % of either."""
        if metric not in self._judged:
            self._judged[metric] = self._complete(metric)
        return self._judged[metric]

    def _complete(self, metric: str) -> Completeness:
        # of a histogram the last bucket is enough: they are written together
        last = ',le="+Inf"' if metric.endswith("_bucket") else ""
        times = self._moments(f'{metric}{{job="{self._job}"{last}}}') if metric else self._up[0]
        up = self._up
        judged = judge_completeness(up[0], up[1], times, start=self.start, end=self.end, interval_s=self.interval)
        if not judged.enough:
            raise LookError(f"the window since {clock(self.start)} can't be judged: {judged.why_not}")
        return judged

    def scrapes(self) -> Completeness:
        """What the window holds, enough or not."""
        return judge_completeness(self._up[0], self._up[1], self._up[0], start=self.start, end=self.end, interval_s=self.interval)

    @cached_property
    def _stamps(self) -> list[float]:
        """When `up` was written, of all instances."""
        found = self._client.samples(f'up{{job="{self._job}"}}', self.start, self.end)
        return sorted(stamp for one in found for stamp in one.times)

    @cached_property
    def _between(self) -> float:
        """The first moment half-way between two scrapes: there nothing is ambiguous, though scrapes shake a little."""
        turns = np.exp(2j * np.pi * np.array(self._stamps) / self.interval)  # where in its interval a scrape lies
        phase = (float(np.angle(turns.mean())) / (2 * np.pi) + 0.5) * self.interval
        return phase + math.ceil((self.start - phase) / self.interval) * self.interval

    @cached_property
    def _up(self) -> tuple[list[float], list[float]]:
        """When `up` was written, once an interval at most, and what it said; the worst of several instances."""
        if not self._stamps:
            return [], []
        states = self._client.range(f'min(up{{job="{self._job}"}})', self._between, self.end + self.interval, self.interval)
        once: dict[float, float] = {}
        for moment, state in zip(states[0].times, states[0].values, strict=True) if states else ():
            before = bisect_right(self._stamps, moment)
            if before:
                once.setdefault(self._stamps[before - 1], state)
        return list(once), list(once.values())

    @cached_property
    def _starts(self) -> list[tuple[float, float]]:
        """When the process before was started, and when the next, for each change of the start time in the window."""
        name = "process_start_time_seconds"
        found = self._client.range(f'max({name}{{job="{self._job}"}})', self.start, self.end, self.step)
        if not found:
            self._absent(name)
        values = found[0].values
        return [(before, after) for before, after in pairwise(values) if after - before > 5.0]

    @cached_property
    def _buckets(self) -> Buckets:
        found = self._client.range(
            f'sum by (le) (rate({BUCKETS}{{job="{self._job}"}}[{self._rate}]))', self._first, self.end, self.step
        )
        if not found:
            self._absent("http_request_duration_seconds")
        times = sorted({moment for one in found for moment in one.times})
        kept = [moment for moment, free in zip(times, outside(times, self._footprint), strict=True) if free]
        rows = sorted((float(one.labels["le"]), dict(zip(one.times, one.values, strict=True))) for one in found)
        table = np.array([[row.get(moment, 0.0) for moment in kept] for _, row in rows])
        buckets = Buckets(np.array(kept), np.array([edge for edge, _ in rows]), table)
        if not kept or buckets.rates[-1].sum() <= 0:
            raise Undecided(Reason.SAMPLES, "nobody asked anything in that window: there is no latency")
        return buckets

    @property
    def _first(self) -> float:
        """The first moment whose rate lies in the window altogether."""
        return self.start + max(4 * self.interval, self.step)

    def _rates(self, metric: str, matchers: str = "", *, empty: bool = False) -> Line:
        """Growth per second of all series of a counter together, what they are born with included."""
        series = f'{metric}{{job="{self._job}"' + (f",{matchers}}}" if matchers else "}")
        born = self._born(series, metric)
        line = self._line(f"sum(rate({series}[{self._rate}]))", metric, empty=empty or born.times.size > 0, first=self._first)
        if not born.times.size:
            return line
        grown = dict(zip(line.times.tolist(), line.values.tolist(), strict=True))
        for moment, value in zip(np.maximum(born.times, self._first).tolist(), born.values.tolist(), strict=True):
            grown[moment] = grown.get(moment, 0.0) + value / self.step
        return Line(np.array(sorted(grown)), np.array([grown[moment] for moment in sorted(grown)]))

    def _born(self, series: str, metric: str) -> Line:
        """First values of series that began in the window, by the step in which they did: `rate` sees only what follows.

        A series is born where a scrape of the same instance went well before and did not have it; what the first scrape
        of an instance finds, or the first after an outage, may have been counted at any time.
        """
        step, past = f"{self.step:.0f}s", f"[{self._rate}] offset {self.step:.0f}s"
        new = f"min_over_time({series}[{step}]) unless count_over_time({series}{past})"
        known = f'max_over_time(up{{job="{self._job}"}}{past}) == 1'
        # on the grid of the rates, but from the first step of the window on
        first = self._first - self.step * ((self._first - self.start) // self.step - 1)
        return self._line(f"sum(({new}) and on (instance) ({known}))", metric, empty=True, first=first)

    def _gauge(self, metric: str, how: str = "max") -> Line:
        return self._line(f'{how}({metric}{{job="{self._job}"}})', metric)

    def _line(self, expression: str, metric: str, *, empty: bool = False, first: float | None = None) -> Line:
        found = self._client.range(expression, self.start if first is None else first, self.end, self.step)
        if not found:
            if not empty:
                self._absent(metric)
            return Line(np.array([]), np.array([]))
        free = outside(found[0].times, self._footprint)
        pairs = [pair for pair, kept in zip(zip(found[0].times, found[0].values, strict=True), free, strict=True) if kept]
        if not pairs and not empty:
            raise Undecided(Reason.WINDOW, "the suite itself was busy in all of that window")
        return Line(np.array([t for t, _ in pairs]), np.array([v for _, v in pairs]))

    def _aligned(self, to: Line, line: Line) -> np.ndarray:
        said = dict(zip(line.times.tolist(), line.values.tolist(), strict=True))
        return np.array([said.get(moment, 0.0) for moment in to.times.tolist()])

    def _moments(self, selector: str) -> list[float]:
        """When there were samples, to half an interval.

        They are counted between the scrapes, which `up` knows: `timestamp` of a day costs Prometheus seconds.
        """
        if not self._stamps:
            return []
        counted = f"max(count_over_time({selector}[{1000 * self.interval:.0f}ms]))"
        found = self._client.range(counted, self._between, self.end + self.interval, self.interval)
        return [moment - self.interval / 2 for one in found for moment in one.times]

    @cached_property
    def _hosts(self) -> set[str]:
        """The hosts that the game runs on, by the addresses it is scraped at."""
        return {one.host for one in self._client.query(f'count by (instance) (up{{job="{self._job}"}})')}

    def _of_the_game(self, found: Sequence[Series]) -> list[Series]:
        """Those of the host's series that are of a host of the game, whatever port they are scraped at; none where none is."""
        return [one for one in found if one.values and one.host in self._hosts]

    def _absent(self, metric: str) -> None:
        declared = self._target.facts.absent_metrics
        for name in (metric, metric.removesuffix("_total"), metric.removesuffix("_bucket")):
            if name in declared:
                raise NotApplicable(f"{name}: {declared[name]}")
        raise LookError(f"Prometheus has no {metric} of the job {self._job} since {clock(self.start)}")
