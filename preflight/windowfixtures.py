"""What tests ask for of windows of time: figures of Prometheus, judged for the item under test."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from preflight.errors import LookError, Undecided
from preflight.evidence import Evidence
from preflight.outcome import Reason
from preflight.probes import spans, yamlfiles
from preflight.probes.gamejob import game_job
from preflight.probes.prometheus import Prometheus
from preflight.probes.spans import Span
from preflight.session import Session, now
from preflight.target import Target

if TYPE_CHECKING:  # these need numpy, and the checklist is collected without it
    from preflight.probes.lines import Figure, Line
    from preflight.probes.windows import View

_PLANNED_MB = 810.0
"""What memory growth is a share of: checklist.md lines 99 and 105."""
_USUAL_INTERVAL_S = 15.0
_DRAWN_POINTS = 160
_DRAWN_IN = {"memory_growth": "MB", "request_rate_change": "requests/s", "rise": "ms", "peak_to_median": "requests/s"}
"""The unit of the line behind a figure that is itself a ratio."""


@dataclass
class Windows:
    """The views of the run, each asked once."""

    prometheus: Prometheus
    target: Target
    session: Session
    file: yamlfiles.Prometheus | None
    _views: dict[Span, View] = field(default_factory=dict)

    @cached_property
    def job(self) -> str:
        """The job that scrapes the game. Raises LookError when nothing does."""
        return game_job(self.prometheus, self.target)

    @cached_property
    def interval(self) -> float:
        """Seconds between its scrapes as prometheus.yml says; where that can't be read, as Prometheus says."""
        with contextlib.suppress(LookError):  # the file is judged by its own items
            job = self.file.job(self.job) if self.file else None
            if job is not None:
                return job.interval
        said = [yamlfiles.seconds(one.interval) for one in self.prometheus.targets() if one.job == self.job]
        return next((one for one in said if one), _USUAL_INTERVAL_S)

    def view(self, span: Span) -> View:
        """A window of time."""
        from preflight.probes.windows import View

        if span not in self._views:
            footprint = [(self.session.started.timestamp(), time.time())]
            self._views[span] = View(
                self.prometheus, self.job, span, interval=self.interval, footprint=footprint, target=self.target
            )
        return self._views[span]


@pytest.fixture(scope="session")
def windows_of_the_run(prometheus: Prometheus, target: Target, session: Session, request: pytest.FixtureRequest) -> Windows:
    """Windows of time, at the pace at which the game is scraped."""
    file = None
    if target.facts.host is not None:
        with contextlib.suppress(LookError, Undecided):
            file = request.getfixturevalue("prometheus_file")
    return Windows(prometheus, target, session, file)


@pytest.fixture(scope="session")
def host_memory(target: Target, request: pytest.FixtureRequest) -> float | None:
    """MB of memory of the game's host, as Prometheus has it; None where nobody tells."""
    if target.facts.prometheus is None:
        return None
    with contextlib.suppress(LookError, Undecided):
        found: float | None = request.getfixturevalue("windows_of_the_run").view((time.time() - 300, time.time())).host_memory()
        return found
    return None


def judge_share(evidence: Evidence, megabytes: float, host: float | None, where: str = "") -> None:
    """Hold the game's share of its host's memory against the limit; where nobody knows the host's, the record says so."""
    if host is None:
        evidence.fact("memory of the host", "not known: 80 % is the 810 MB of the checklist alone")
        return
    evidence.fact("memory of the host", f"{host:.0f} MB")
    evidence.judge("memory_share", 100 * megabytes / host, where=where)


class Watched:
    """Figures of a window, judged for the item under test."""

    def __init__(self, made: Windows, evidence: Evidence) -> None:
        self._windows, self._evidence = made, evidence

    @property
    def recent(self) -> View:
        """The quarter of an hour before this run."""
        end = self._windows.session.started.timestamp()
        return self._windows.view((end - spans.QUARTER, end))

    @property
    def before(self) -> View:
        """The hour before the deployment. Raises Undecided when the target file says no time of it."""
        start, _ = spans.since_deployment(self._windows.target, 0.0, now())
        return self._windows.view((start - spans.HOUR, start))

    @property
    def so_far(self) -> View:
        """From the deployment to the beginning of this run."""
        start, _ = spans.since_deployment(self._windows.target, 0.0, now())
        end = self._windows.session.started.timestamp()
        if end - start < 60:
            raise Undecided(Reason.WINDOW, "the deployment is less than a minute old")
        return self._windows.view((start, end))

    def over(self, seconds: float) -> View:
        """The first `seconds` after the deployment. Raises Undecided while they are not over."""
        return self._windows.view(spans.since_deployment(self._windows.target, seconds, now()))

    def last(self, seconds: float, of: float) -> View:
        """The last `seconds` of the first `of` after the deployment. Raises Undecided while they are not over."""
        _, end = spans.since_deployment(self._windows.target, of, now())
        return self._windows.view((end - seconds, end))

    def after_rollback(self, seconds: float) -> View:
        """The first `seconds` after the rollback. Raises Undecided while they are not over."""
        return self._windows.view(spans.since_rollback(self._windows.target, seconds, now()))

    def judge(self, name: str, figure: Figure) -> None:
        """Hold a figure against the item's limit. Raises Undecided where the limit lies between its bounds."""
        self._saw(figure.samples)
        self._evidence.saw("scrapes", figure.scrapes)
        for fact, value in figure.facts.items():
            self._evidence.fact(fact, value)
        if figure.line is not None:
            self._draw(name, figure.line)
        if figure.bounds is not None:
            self._decide(name, *figure.bounds)
        self._evidence.judge(name, figure.value, n=figure.samples, where=figure.where)

    def judge_value(self, name: str, value: float, line: Line) -> None:
        """Hold a value that was taken from a line against the item's limit."""
        self._saw(line.times.size)
        self._draw(name, line)
        self._evidence.judge(name, value, n=line.times.size)

    def stable_memory(self, view: View) -> None:
        """Memory does not grow: proven, not just not seen."""
        self._stable("memory_growth", view.memory(), _PLANNED_MB, view.seconds)

    def stable_requests(self, view: View) -> None:
        """The request rate neither grows nor falls by more than the limit says."""
        from preflight.probes.lines import Line

        line = view.request_rate()
        mean = float(line.values.mean())
        if mean <= 0:
            raise Undecided(Reason.SAMPLES, "nobody asked anything in that window")
        tolerated = self._evidence.in_force("request_rate_change").bound / 100
        self._stable("request_rate_change", line, mean, view.seconds, tolerated)
        self._stable("request_rate_change", Line(line.times, -line.values), mean, view.seconds, tolerated)

    def stable_latency(self, view: View, limit_ms: float) -> None:
        """P95 does not rise over the window by more than the limit says: neither between its ends, nor as a trend."""
        self._saw(view.p95().samples)
        least, most = view.p95_rise(spans.HOUR)
        self._decide("rise", 100 * least / limit_ms, 100 * most / limit_ms)
        self._stable("rise", view.p95_line(300.0), limit_ms, view.seconds, self._evidence.in_force("rise").bound / 100)

    def _stable(self, name: str, line: Line, limit: float, seconds: float, tolerated: float | None = None) -> None:
        from preflight.measure.stable import TOLERATED, Stability, judge_stability

        within = TOLERATED if tolerated is None else tolerated
        self._saw(line.times.size)
        self._draw(name, line)
        found = judge_stability(line.times.tolist(), line.values.tolist(), limit, seconds, tolerated=within)
        low, high = 100 * found.low / limit, 100 * found.high / limit
        told = f"{100 * found.growth / limit:+.2f} % [{low:+.2f}, {high:+.2f}] in {seconds / 3600:g} h"
        self._evidence.fact(name, told)
        if found.stability is Stability.UNPROVEN:
            raise Undecided(Reason.SAMPLES, f"{name} can't be told from chance yet: {told}, bound {100 * within:g} %")
        self._evidence.judge(name, 100 * found.growth / limit, n=found.n, where=told)

    def _decide(self, name: str, low: float, high: float) -> None:
        """A value that is known by the edges of a histogram alone is judged where both are on one side of the limit."""
        from preflight.probes.lines import parts

        limit = self._evidence.in_force(name)
        if not parts(limit.bound, low, high):
            return
        edge = f'le="{limit.bound / 1000:g}"' if limit.unit == "ms" else "edges closer to each other there"
        raise Undecided(
            Reason.OPERATOR,
            f"{name} lies between {low:.4g} and {high:.4g} {limit.unit}, by the nearest edges of the histogram, and the limit "
            f"({limit}) lies between them too; give http_request_duration_seconds {edge} to have it decided",
        )

    def _draw(self, name: str, line: Line) -> None:
        """Keep the line for the record's plot; a falling request rate is judged as a mirrored one, and drawn once."""
        unit = _DRAWN_IN.get(name) or self._evidence.item.limit(name)[0].unit
        self._evidence.samples.setdefault(f"{name} over time", {"unit": unit, "points": line.thinned(_DRAWN_POINTS)})

    def _saw(self, samples: int) -> None:
        self._evidence.counts["samples"] = max(self._evidence.counts["samples"], samples)
        self._evidence.counts["series"] = max(self._evidence.counts["series"], 1)


@pytest.fixture
def watched(windows_of_the_run: Windows, evidence: Evidence) -> Watched:
    """Figures over windows of time, for the item under test."""
    return Watched(windows_of_the_run, evidence)
