"""Any server that speaks Prometheus's HTTP API (Thanos and Mimir do): queries, targets, rules, Alertmanagers."""

from __future__ import annotations

import base64
import contextlib
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from preflight.errors import BadAnswer, LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes import http
from preflight.probes.http import Answer
from preflight.redact import Secret, printable
from preflight.target import Target

JOB = "godot_http_api"
MOST_POINTS = 10_000
"""Of one range query; Prometheus refuses more than 11,000."""
_MOST_BYTES = 64 * 1024 * 1024
_SECONDS = 60.0
"""A question about a whole day may take its time."""
_SETTLE_SECONDS = 30.0
_COUNTING = ("counter", "histogram", "summary")
_OF_FAMILY = re.compile(r"_(total|bucket|sum|count)$")


@dataclass(frozen=True)
class Series:
    """One series: its labels, and its values with their times (seconds since the epoch)."""

    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def host(self) -> str:
        """The host of the instance, without its port; this machine has one name."""
        instance = self.labels.get("instance", "").lower()
        host, _, port = instance.rpartition(":")
        name = (host if port.isdigit() else instance).strip("[]")
        return "localhost" if name in ("127.0.0.1", "::1") else name


@dataclass(frozen=True)
class ScrapeTarget:
    """What Prometheus scrapes. `age` in seconds since the last scrape, infinite where there was none."""

    job: str
    url: str
    health: str
    error: str
    age: float
    interval: str

    @property
    def place(self) -> str:
        """Job and address, for people."""
        return f"{self.job} ({printable(self.url, 80)})"


@dataclass(frozen=True)
class Recording:
    """A recording rule as it is loaded: what its series are called, what they are made of, labels put on them, what breaks it."""

    name: str
    expression: str
    labels: Mapping[str, str]
    error: str = ""


@dataclass(frozen=True)
class Rule:
    """An alerting rule as it is loaded. `hold` is its `for`, in seconds; `recordings` are those loaded beside it."""

    name: str
    expression: str
    hold: float
    labels: Mapping[str, str]
    health: str
    state: str
    error: str
    recordings: tuple[Recording, ...] = field(default=(), repr=False)


class Prometheus:
    """A client that only reads.

    `young`: the server was started with this run, so that it is asked of the present only when it has scraped
    everything; its history is there as soon as it answers.
    """

    def __init__(self, url: str, credentials: Secret | None, user_agent: str, *, young: bool = False) -> None:
        self.url = url
        self._headers = {"User-Agent": user_agent, **_authorization(credentials)}
        self._young = young

    def ask(self, path: str, **parameters: str) -> Answer:
        """GET a path. Raises Unreachable."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return http.send("GET", f"{self.url}{path}{query}", headers=self._headers, most_bytes=_MOST_BYTES, total_seconds=_SECONDS)

    def data(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of the API. Raises BadAnswer when it is none, with what Prometheus says."""
        answer = self.ask(path, **parameters)
        if answer.status_code in (401, 403):
            raise LookError(f"{self.url}{path} answers {answer.status_code}: give [secrets] prometheus_password")
        said = answer.object()
        if said.get("status") != "success" or "data" not in said:
            why = printable(str(said.get("error", answer.status_code)), 160)
            raise BadAnswer(f"{self.url}{path} ({printable(parameters.get('query', ''), 120)}): {why}")
        return said["data"]

    def query(self, expression: str) -> list[Series]:
        """An instant query."""
        self.settle()
        return _series(self.data("/api/v1/query", query=expression), "value")

    def range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """A range query, in as many parts as its points need; the parts of one series are joined."""
        joined: dict[tuple[tuple[str, str], ...], tuple[list[float], list[float]]] = {}
        first = start
        while first <= end:
            last = min(end, first + (MOST_POINTS - 1) * step)
            bounds = {"start": f"{first:.3f}", "end": f"{last:.3f}", "step": f"{step:.3f}"}
            for one in _series(self.data("/api/v1/query_range", query=expression, **bounds), "values"):
                times, values = joined.setdefault(tuple(sorted(one.labels.items())), ([], []))
                times += one.times
                values += one.values
            first = last + step
        return [Series(dict(key), tuple(times), tuple(values)) for key, (times, values) in joined.items()]

    def samples(self, selector: str, start: float, end: float) -> list[Series]:
        """Every sample as it was stored in [start, end]: for one short series; of many this is a long answer."""
        past = f"{selector}[{math.ceil(end - start)}s]"
        found = _series(self.data("/api/v1/query", query=past, time=f"{end:.3f}"), "values")
        inside = [[pair for pair in zip(one.times, one.values, strict=True) if pair[0] >= start] for one in found]
        return [
            Series(one.labels, tuple(t for t, _ in pairs), tuple(v for _, v in pairs))
            for one, pairs in zip(found, inside, strict=True)
            if pairs
        ]

    @http.shaped("Prometheus")
    def targets(self) -> list[ScrapeTarget]:
        """The active targets."""
        self.settle()
        now = time.time()
        found = _mapping(self.data("/api/v1/targets", state="active")).get("activeTargets") or []
        return [
            ScrapeTarget(
                job=str(one.get("labels", {}).get("job", one.get("scrapePool", ""))),
                url=str(one.get("scrapeUrl", "")),
                health=str(one.get("health", "unknown")),
                error=printable(str(one.get("lastError", "")), 160),
                age=now - _moment(str(one.get("lastScrape", ""))),
                interval=str(one.get("scrapeInterval", "")),
            )
            for one in found
        ]

    @http.shaped("Prometheus")
    def rules(self) -> list[Rule]:
        """The alerting rules, each with the recording rules that are loaded."""
        self.settle()
        groups = _mapping(self.data("/api/v1/rules")).get("groups") or []
        loaded = [one for group in groups for one in group.get("rules") or []]
        recordings = tuple(
            Recording(
                name=str(one.get("name", "")),
                expression=str(one.get("query", "")),
                labels=_texts(one.get("labels")),
                error=_error(one),
            )
            for one in loaded
            if one.get("type") == "recording"
        )
        return [
            Rule(
                name=str(one.get("name", "")),
                expression=str(one.get("query", "")),
                hold=float(one.get("duration", 0.0)),
                labels=_texts(one.get("labels")),
                health=str(one.get("health", "unknown")),
                state=str(one.get("state", "")),
                error=_error(one),
                recordings=recordings,
            )
            for one in loaded
            if one.get("type") == "alerting"
        ]

    @http.shaped("Prometheus")
    def external_labels(self) -> dict[str, str]:
        """The labels that it puts on every alert it sends, by its configuration in force."""
        import yaml

        text = str(_mapping(self.data("/api/v1/status/config")).get("yaml", ""))
        try:
            said = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError) as error:
            raise BadAnswer(f"{self.url} shows a configuration that is no YAML") from error
        found = _mapping(_mapping(said).get("global") or {}).get("external_labels") or {}
        return {str(name): str(text) for name, text in found.items()}

    @http.shaped("Prometheus")
    def alertmanagers(self) -> list[str]:
        """The Alertmanagers that alerts are sent to."""
        self.settle()
        found = _mapping(self.data("/api/v1/alertmanagers")).get("activeAlertmanagers") or []
        return [str(one.get("url", "")) for one in found]

    def had(self, selector: str, lately: str) -> bool:
        """Whether there were samples of it in the time before now, a duration as `5m`."""
        return bool(self.query(f"count(last_over_time({selector}[{lately}]))"))

    @http.shaped("Prometheus")
    def declares(self, metric: str, job: str = "") -> bool:
        """Whether a target that is up (of that job) declares a metric that counts: with labels, it has no series before the first event."""
        up = {one.job for one in self.targets() if one.health == "up" and job in ("", one.job)}
        for family in {metric, _OF_FAMILY.sub("", metric)}:
            try:
                found = self.data("/api/v1/targets/metadata", metric=family) or []
            except BadAnswer:  # nothing declares it; or this is no Prometheus, and knows of no declarations
                continue
            if any(one.get("type") in _COUNTING and one.get("target", {}).get("job") in up for one in found):
                return True
        return False

    def version(self) -> str:
        """The server's version, empty where it does not say it."""
        try:
            return str(_mapping(self.data("/api/v1/status/buildinfo")).get("version", ""))
        except LookError:
            return ""

    def settle(self) -> None:
        """Wait, once, until a young server has scraped every target and evaluated every rule."""
        if self._young:
            self._young = False
            _until(self._knows_the_present)

    def answers(self) -> bool:
        """Whether it is ready."""
        return self.ask("/-/ready").status_code == 200

    def _knows_the_present(self) -> bool:
        if not self.answers():
            return False
        seen = self.targets()
        known = bool(seen) and all(one.health != "unknown" for one in seen)
        return known and all(rule.health != "unknown" for rule in self.rules())


def connect(target: Target, user_agent: str) -> Prometheus:
    """A client of the target's Prometheus. In a rehearsal it is young, and waited for until it answers.

    Raises Undecided where the target file names none.
    """
    part = target.facts.prometheus
    if part is None:
        raise Undecided(Reason.OPERATOR, 'no Prometheus: give [prometheus] url = "http://…" in the target file')
    client = Prometheus(part.url, target.secret("prometheus_password"), user_agent, young=target.facts.rehearsal)
    if target.facts.rehearsal:
        _until(client.answers)
    return client


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(Unreachable):
            if holds():
                return
        time.sleep(0.2)


def game_job(client: Prometheus, target: Target | None = None) -> str:
    """The job that scrapes the game, or did so lately. Raises LookError when nothing does.

    Where none is called as documented, one that brings http_requests_total: of several the one that is scraped at the
    target's own addresses, or shares a word with its name.
    """
    now = time.time()
    lately = {one.labels.get("job") for one in client.range("count by (job) (up)", now - 300, now, 60)}
    if JOB in lately or JOB in {one.job for one in client.targets()}:
        return JOB
    found = client.query("count by (job, instance) (http_requests_total)")
    if not found:
        raise LookError(f"Prometheus has no job {JOB}, and no job brings http_requests_total: nothing scrapes the game")
    hosts, words = _names(target) if target else (set(), set())

    def likely(one: Series) -> tuple[bool, bool, str]:
        job = one.labels.get("job", "")
        return one.host not in hosts, words.isdisjoint(_words(job)), job

    return min(found, key=likely).labels.get("job", "")


def _names(target: Target) -> tuple[set[str], set[str]]:
    """The game's hosts, and the words that a job of it may be called by."""
    facts = target.facts
    hosts = {urlsplit(url).hostname or "" for url in (facts.api.internal_url, facts.api.url) if url}
    hosts |= {facts.host.address} if facts.host and facts.host.address else set()
    return {Series({"instance": host}, (), ()).host for host in hosts}, _words(f"{facts.name} {JOB} spacetime game")


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text.lower())) - {"http", "api"}


def counter(page: Answer, name: str) -> float | None:
    """The sum of a server's own counter over its labels, from its /metrics; None where it has none of that name."""
    from preflight.probes.metrics import samples

    found = [sample.value for sample in samples(page, name) if sample.name == name]
    return sum(found) if found else None


def requests_counted(page: Answer, endpoint: str) -> float:
    """How many requests of an endpoint the game's own /metrics has counted. Raises LookError when the page is none."""
    from preflight.probes.metrics import samples

    found = samples(page, "http_requests_total")
    return sum(sample.value for sample in found if sample.labels.get("endpoint") == endpoint)


def _authorization(credentials: Secret | None) -> dict[str, str]:
    """`user:password` is Basic, anything else a Bearer token."""
    if credentials is None:
        return {}
    value = credentials.reveal()
    if ":" in value:
        return {"Authorization": f"Basic {base64.b64encode(value.encode()).decode()}"}
    return {"Authorization": f"Bearer {value}"}


@http.shaped("Prometheus")
def _series(data: Any, key: str) -> list[Series]:
    said = _mapping(data)
    result = said.get("result")
    if said.get("resultType") == "scalar" and isinstance(result, list):
        result = [{"metric": {}, "value": result}]
    if not isinstance(result, list):
        raise BadAnswer("Prometheus answers with no result")
    found = []
    for one in result:
        pairs = one.get("values") or ([one["value"]] if "value" in one else []) if key == "values" else [one.get("value", [])]
        try:
            points = [(float(moment), float(value)) for moment, value in pairs]
        except (TypeError, ValueError) as error:
            raise BadAnswer("Prometheus answers with a value that is no number") from error
        kept = [(moment, value) for moment, value in points if not math.isnan(value)]
        labels = {str(name): str(value) for name, value in one.get("metric", {}).items()}
        found.append(Series(labels, tuple(t for t, _ in kept), tuple(v for _, v in kept)))
    return found


def _error(rule: Mapping[str, Any]) -> str:
    """What breaks a rule now; "" for one that works, or that nobody has evaluated yet."""
    return printable(str(rule.get("lastError") or "it does not say why"), 160) if rule.get("health") == "err" else ""


def _texts(labels: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (labels or {}).items()}


def _mapping(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise BadAnswer("Prometheus answers with something else than was asked for")
    return data


def _moment(text: str) -> float:
    """A time of RFC 3339 with nanoseconds; minus infinity for none (Go's zero time is the year 1)."""
    head, _, fraction = text.partition(".")
    zone = fraction.lstrip("0123456789") if fraction else ""
    try:
        moment = datetime.fromisoformat(f"{head}{zone}".replace("Z", "+00:00"))
    except ValueError:
        return -math.inf
    return moment.timestamp() if moment.year > 1970 else -math.inf
