"""Figures of the game over a window of time, from Prometheus by range queries: errors, latency, memory, CPU, logins, frames.

What the suite itself caused is left out: samples within its footprint don't count. A window is judged only when 90 % of
its scrapes are there (preflight/measure/windows.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise

import numpy as np

from preflight.errors import LookError, NotApplicable, Undecided
from preflight.measure.windows import Completeness, judge_completeness, outside
from preflight.outcome import Reason
from preflight.probes.prometheus import Prometheus, Series
from preflight.target import Target

QUARTER, HOUR, FOUR_HOURS, DAY = 900.0, 3600.0, 4 * 3600.0, 24 * 3600.0
_MOST_SAMPLES = 1500
_MB = 1_048_576

Span = tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """One figure of a window: the value, and what it stands on."""

    value: float
    samples: int
    series: int = 1
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
        return float(_means(self, seconds).min())

    def highest_mean(self, seconds: float) -> float:
        """The highest mean of `seconds` on end."""
        return float(_means(self, seconds).max())


def since_deployment(target: Target, seconds: float, now: datetime) -> Span:
    """The first `seconds` after the deployment.

    Raises Undecided when the target file says no time of the deployment, or the window is not over.
    """
    deployed = target.facts.times.deployed_at
    if deployed is None:
        raise Undecided(Reason.OPERATOR, "when was it deployed? give [times] deployed_at in the target file")
    return _span(deployed, seconds, now)


def since_rollback(target: Target, seconds: float, now: datetime) -> Span:
    """The first `seconds` after the rollback. Raises Undecided as `since_deployment`."""
    moment = target.facts.times.rolled_back_at
    if moment is None:
        raise Undecided(Reason.OPERATOR, "when was it rolled back? give [times] rolled_back_at in the target file")
    return _span(moment, seconds, now)


def _span(start: datetime, seconds: float, now: datetime) -> Span:
    due = start + timedelta(seconds=seconds)
    if now < due:
        raise Undecided(Reason.WINDOW, f"the window is over at {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    return start.timestamp(), due.timestamp()


class View:
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

    def error_rate(self) -> Figure:
        """Answers with 5xx, in percent of all."""
        every = self._rates("http_requests_total")
        failed = self._aligned(every, self._rates("http_requests_total", 'status=~"5.."', empty=True))
        total = float(every.values.sum())
        if total <= 0:
            raise Undecided(Reason.SAMPLES, "nobody asked anything in that window: there is no share of failures")
        return Figure(100 * float(failed.sum()) / total, every.times.size, scrapes=self.complete("http_requests_total").scrapes)

    def worst_error_rate(self, seconds: float) -> Figure:
        """The highest share of failures (%) in `seconds` on end."""
        every = self._rates("http_requests_total")
        failed = Line(every.times, self._aligned(every, self._rates("http_requests_total", 'status=~"5.."', empty=True)))
        self.complete("http_requests_total")
        asked = _means(every, seconds)
        share = np.divide(_means(failed, seconds), asked, out=np.zeros_like(asked), where=asked > 0)
        return Figure(100 * float(share.max()), every.times.size)

    def request_rate(self) -> Line:
        """Requests per second."""
        self.complete("http_requests_total")
        return self._rates("http_requests_total")

    def p95(self) -> Figure:
        """The latency that 95 of 100 requests keep, in ms."""
        buckets = self._buckets
        return Figure(buckets.quantile(0.95) * 1000, buckets.times.size, scrapes=self.complete(_BUCKETS).scrapes)

    def worst_p95(self, seconds: float) -> Figure:
        """The highest P95 (ms) in `seconds` on end."""
        self.complete(_BUCKETS)
        line = self._buckets.rolling(0.95, seconds)
        return Figure(1000 * float(line.values.max()), self._buckets.times.size)

    def p95_line(self, seconds: float) -> Line:
        """P95 (ms) of each `seconds`, one after the other."""
        self.complete(_BUCKETS)
        line = self._buckets.pieces(0.95, seconds)
        return Line(line.times, 1000 * line.values)

    def memory(self) -> Line:
        """Resident memory of the game, in MB."""
        self.complete("process_resident_memory_bytes")
        line = self._gauge("process_resident_memory_bytes")
        return Line(line.times, line.values / _MB)

    def frame_rate(self) -> Line:
        """Frames per second of the headset."""
        self.complete("vr_fps")
        return self._gauge("vr_fps", "min")

    def cpu(self) -> Figure:
        """CPU in percent of all cores that the process may use; of one core where no metric says how many there are."""
        line = self._rates("process_cpu_seconds_total")
        found = self._client.query("max(count by (instance) (count by (instance, cpu) (node_cpu_seconds_total)))")
        cores = found[0].values[0] if found and found[0].values else 0.0
        share = Line(line.times, 100 * line.values / (cores or 1.0))
        facts = {
            "cores": f"{cores:g}" if cores else "unknown: no node_cpu_seconds_total; in percent of one core",
            "busiest five minutes": f"{share.highest_mean(300):.1f} %",
        }
        scrapes = self.complete("process_cpu_seconds_total").scrapes
        return Figure(float(share.values.mean()), line.times.size, scrapes=scrapes, facts=facts, line=share)

    def logins(self) -> Figure:
        """Tokens that were taken, in percent of all that were presented."""
        every = self._rates("auth_attempts_total", 'result!="missing_token"')
        taken = self._aligned(every, self._rates("auth_attempts_total", 'result="success"', empty=True))
        total = float(every.values.sum())
        if total <= 0:
            raise Undecided(Reason.SAMPLES, "nobody presented a token in that window: there is no share of successes")
        self.complete("auth_attempts_total")
        return Figure(100 * float(taken.sum()) / total, every.times.size)

    def failed_logins(self) -> Figure:
        """Tokens refused, per minute, in the worst five minutes."""
        every = self._rates("auth_attempts_total", 'result!="missing_token"')
        refused = self._rates("auth_attempts_total", 'result!~"missing_token|success"', empty=True)
        self.complete("auth_attempts_total")
        worst = Line(every.times, self._aligned(every, refused)).highest_mean(300)
        return Figure(60 * worst, every.times.size)

    def uptime(self) -> Figure:
        """Scrapes that found the API up, in percent of all that were made."""
        whole = self.complete()
        down = [moment for moment, state in zip(*self._up, strict=True) if state < 0.5]
        return Figure(100 * whole.uptime, whole.scrapes, scrapes=whole.scrapes, where=_first(down, "down"))

    def healthy(self) -> Figure:
        """Moments at which the API was up and no health check failed, in percent."""
        whole = self.complete()
        sick = self._rates("http_requests_total", 'endpoint=~"/health.*",status!="200"', empty=True)
        bad = [moment for moment, state in zip(*self._up, strict=True) if state < 0.5]
        bad += [float(moment) for moment, value in zip(sick.times, sick.values, strict=True) if value > 0]
        hit = {int((moment - self.start) // self.step) for moment in bad}
        moments = max(1, int(self.seconds // self.step))
        return Figure(100 * (1 - len(hit) / moments), moments, scrapes=whole.scrapes, where=_first(bad, "not healthy"))

    def restarts(self) -> Figure:
        """How often the process was started anew, and when."""
        whole = self.complete()
        found = [moment for moment in self._starts if self.start < moment <= self.end]
        return Figure(len(found), len(self._up[0]), scrapes=whole.scrapes, where=_first(found, "restarted"))

    def stable_for(self) -> Figure:
        """Hours at the end of the window without an outage or a restart."""
        whole = self.complete()
        down = [moment for moment, state in zip(*self._up, strict=True) if state < 0.5]
        last = max([self.start, *down, *(moment for moment in self._starts if moment <= self.end)])
        return Figure((self.end - last) / 3600, len(self._up[0]), scrapes=whole.scrapes, where=_first([last], "since"))

    def disk(self) -> Line:
        """The fullest file system of the host, in percent."""
        real = 'fstype!~"tmpfs|overlay|squashfs|ramfs"'
        share = f"100 * max(1 - node_filesystem_avail_bytes{{{real}}} / node_filesystem_size_bytes{{{real}}})"
        return self._line(share, "node_filesystem_avail_bytes")

    def firing(self) -> list[Series]:
        """The alerts that fired, by name, with the moments at which they did."""
        return self._client.range('max by (alertname) (ALERTS{alertstate="firing"})', self.start, self.end, self.step)

    def security_alerts(self) -> Figure:
        """Alerts on logins, limits and intrusion that fired, and those that the game itself raised."""
        named = [one.labels.get("alertname", "") for one in self.firing() if one.values]
        fired = sorted(name for name in named if re.search(r"(?i)auth|login|ratelimit|intrusion|security", name))
        line = self._rates("intrusion_alerts_total", empty="intrusion_alerts" in str(self._target.facts.absent_metrics))
        raised = round(float(line.values.sum()) * self.step)
        where = ", ".join([*fired, *([f"{raised} by intrusion detection"] if raised else [])])
        return Figure(len(fired) + raised, line.times.size or self.complete().scrapes, where=where)

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
            raise LookError(f"the window since {_clock(self.start)} can't be judged: {judged.why_not}")
        return judged

    def scrapes(self) -> Completeness:
        """What the window holds, enough or not."""
        return judge_completeness(self._up[0], self._up[1], self._up[0], start=self.start, end=self.end, interval_s=self.interval)

    @cached_property
    def _up(self) -> tuple[list[float], list[float]]:
        """When `up` was written, and what it said; the worst of several instances."""
        selector = f'up{{job="{self._job}"}}'
        stamps = self._client.range(f"max(timestamp({selector}))", self.start, self.end, self.interval)
        states = self._client.range(f"min({selector})", self.start, self.end, self.interval)
        if not stamps or not states:
            return [], []
        said = dict(zip(states[0].times, states[0].values, strict=True))
        once: dict[float, float] = {}
        for moment, stamp in zip(stamps[0].times, stamps[0].values, strict=True):
            if stamp >= self.start and stamp not in once:
                once[stamp] = said.get(moment, 0.0)
        return list(once), list(once.values())

    @cached_property
    def _starts(self) -> list[float]:
        """When the process was started, as far as the window shows a change of its start time."""
        name = "process_start_time_seconds"
        found = self._client.range(f'max({name}{{job="{self._job}"}})', self.start, self.end, self.step)
        if not found:
            self._absent(name)
        values = found[0].values
        return [after for before, after in pairwise(values) if after - before > 5.0]

    @cached_property
    def _buckets(self) -> Buckets:
        found = self._client.range(
            f'sum by (le) (rate({_BUCKETS}{{job="{self._job}"}}[{self._rate}]))', self._first, self.end, self.step
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
        within = f'job="{self._job}"' + (f",{matchers}" if matchers else "")
        return self._line(f"sum(rate({metric}{{{within}}}[{self._rate}]))", metric, empty=empty, first=self._first)

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
        found = self._client.range(f"max(timestamp({selector}))", self.start, self.end, self.interval)
        return sorted({stamp for one in found for stamp in one.values})

    def _absent(self, metric: str) -> None:
        declared = self._target.facts.absent_metrics
        for name in (metric, metric.removesuffix("_total"), metric.removesuffix("_bucket")):
            if name in declared:
                raise NotApplicable(f"{name}: {declared[name]}")
        raise LookError(f"Prometheus has no {metric} of the job {self._job} since {_clock(self.start)}")


_BUCKETS = "http_request_duration_seconds_bucket"


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


def _means(line: Line, seconds: float) -> np.ndarray:
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


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


def _first(moments: Sequence[float], what: str) -> str:
    return f"{what} {_clock(min(moments))}" if moments else ""
