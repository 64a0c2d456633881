"""What tests ask for of the monitoring: Prometheus and its rules, Alertmanager, and figures over windows of time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from preflight.errors import LookError, NotApplicable, Undecided
from preflight.evidence import Evidence
from preflight.outcome import Reason
from preflight.probes import alertmanager, gathered, placeholders, servercounters, spans, yamlfiles
from preflight.probes import grafana as grafana_client
from preflight.probes import prometheus as client
from preflight.probes.alertmanager import Alertmanager, Configuration
from preflight.probes.gathered import GatheredFile, Loki
from preflight.probes.grafana import Grafana
from preflight.probes.host import Host
from preflight.probes.http import Answer
from preflight.probes.prometheus import Prometheus, Rule
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


@pytest.fixture(scope="session")
def prometheus(target: Target, session: Session) -> Prometheus:
    """The target's Prometheus."""
    return client.connect(target, session.user_agent)


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
        return client.game_job(self.prometheus, self.target)

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


class Metrics:
    """Which metrics Prometheus has of late."""

    def __init__(self, prometheus: Prometheus, target: Target, evidence: Evidence) -> None:
        self._prometheus, self._target, self._evidence = prometheus, target, evidence

    def missing(self, *wanted: tuple[str, ...]) -> list[str]:
        """The groups of names of which none exists, by their first; names that the target declares absent don't count.

        Raises NotApplicable when all of them are.
        """
        groups = [kept for group in wanted if (kept := [name for name in group if not self._declared_absent(name)])]
        if not groups:
            raise NotApplicable("the target declares all of these metrics absent")
        there = {name for group in groups for name in group if self._has(name)}
        self._evidence.saw("series", len(there) + len(wanted) - len(groups))
        return [group[0] for group in groups if there.isdisjoint(group)]

    def _declared_absent(self, name: str) -> bool:
        return name in self._target.facts.absent_metrics or _bare(name) in self._target.facts.absent_metrics

    def _has(self, name: str) -> bool:
        client = self._prometheus
        return client.had(name, "5m") or client.had(f"{name}_bucket", "5m") or client.declares(name)


def _bare(name: str) -> str:
    return name.removesuffix("_total").removesuffix("_bucket")


@pytest.fixture
def scraped_metrics(prometheus: Prometheus, target: Target, evidence: Evidence) -> Metrics:
    """Which metrics Prometheus has of late."""
    return Metrics(prometheus, target, evidence)


@pytest.fixture
def failures_since(evidence: Evidence, request: pytest.FixtureRequest) -> Callable[[Answer, str, float], float]:
    """How much a counter of failures on a server's own /metrics has grown since a moment; one that is not there is no evidence."""

    def count(page: Answer, name: str, since: float) -> float:
        grown = servercounters.growth(page, name, since, lambda: request.getfixturevalue("prometheus"))
        evidence.saw("samples", grown is not None)
        if grown is None:
            evidence.fact(name, f"not on {page.url}")
        return grown or 0.0

    return count


@pytest.fixture(scope="session")
def rules(prometheus: Prometheus) -> list[Rule]:
    """The alerting rules that Prometheus has loaded."""
    return prometheus.rules()


@pytest.fixture(scope="session")
def alerts(target: Target, session: Session) -> Alertmanager:
    """The target's Alertmanager. In a rehearsal both servers are started with the run: once Prometheus has scraped, it is ready."""
    if target.facts.rehearsal and target.facts.prometheus is not None:
        client.connect(target, session.user_agent).settle()
    return alertmanager.connect(target, session.user_agent)


@pytest.fixture(scope="session")
def alert_routes(alerts: Alertmanager) -> Configuration:
    """Alertmanager's configuration in force."""
    return alerts.configuration()


@dataclass(frozen=True)
class Warned:
    """A test alert on its way: by which integrations it is to be delivered, and what becomes of it."""

    alert: alertmanager.TestAlert
    integrations: set[str]
    delivery: Future[alertmanager.Delivery]


@pytest.fixture(scope="session")
def postman() -> Iterator[ThreadPoolExecutor]:
    """Who follows test alerts, one after the other: counters do not say which alert they counted."""
    with ThreadPoolExecutor(1, "test alerts") as pool:
        yield pool


@pytest.fixture(scope="session")
def warning(alerts: Alertmanager, alert_routes: Configuration, session: Session, postman: ThreadPoolExecutor) -> Warned:
    """A test alert of severity warning, followed in the background: groups of alerts wait before anybody is told."""
    labels = alertmanager.marked("warning", session.run_id)
    reached = alertmanager.receivers_of(alert_routes, **labels)
    wanted = {kind for receiver in reached for kind in alert_routes.integrations(receiver)}
    alert = alertmanager.alarm(alerts, labels, group_wait=alert_routes.group_wait(labels))
    return Warned(alert, wanted, postman.submit(alert.followed, wanted))


@pytest.fixture(scope="session")
def delivered(warning: Warned) -> alertmanager.Delivery:
    """What became of the test alert; it is waited for."""
    return warning.delivery.result()


class AlertFile:
    """alertmanager.yml on the host, where its secrets can be seen; nothing where the host is out of reach."""

    def __init__(self, target: Target, host: Host | None) -> None:
        self._said: dict[str, object] = {}
        if host is not None and host.facts(target.facts.paths.alertmanager) is not None:
            self._said = yamlfiles.load(host, target.facts.paths.alertmanager, target)

    def placeholders(self, part: str) -> list[str]:
        """Keys of the mail settings ("smtp") or of the receivers whose value is a placeholder."""
        found = self._said.get("global" if part == "smtp" else part)
        return sorted({key for key, value in _texts(found) if any(placeholders.in_text(value))})


def _texts(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from _texts(entry, str(name))
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry, key)
    elif isinstance(value, str):
        yield key, value


@pytest.fixture(scope="session")
def alert_file(target: Target, request: pytest.FixtureRequest) -> AlertFile:
    """alertmanager.yml, as far as it can be read."""
    return AlertFile(target, request.getfixturevalue("host") if target.facts.host is not None else None)


@pytest.fixture(scope="session")
def gathered_logs(target: Target, session: Session, request: pytest.FixtureRequest) -> Loki | GatheredFile:
    """Where the target's logs are gathered."""
    return gathered.place(target, request.getfixturevalue("host") if target.facts.host else None, session.user_agent)


@pytest.fixture(scope="session")
def grafana(target: Target, session: Session) -> Grafana:
    """The target's Grafana."""
    return grafana_client.connect(target, session.user_agent)
