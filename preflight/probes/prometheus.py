"""Any server that speaks Prometheus's HTTP API (Thanos and Mimir do): queries, targets, rules, Alertmanagers."""

from __future__ import annotations

import base64
import contextlib
import math
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from preflight.errors import BadAnswer, LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes import http, metrics
from preflight.probes.http import Answer
from preflight.probes.promanswers import Rule, ScrapeTarget, Series, mapping, read_rules, read_series, read_targets
from preflight.redact import Secret, printable
from preflight.target import Target

MOST_POINTS = 10_000
"""Of one range query; Prometheus refuses more than 11,000."""
_MOST_BYTES = 64 * 1024 * 1024
_SECONDS = 60.0
"""A question about a whole day may take its time."""
_SETTLE_SECONDS = 30.0
_SENT, _IN_VAIN = "prometheus_notifications_sent_total", "prometheus_notifications_errors_total"
_COUNTING = ("counter", "histogram", "summary")
_OF_FAMILY = re.compile(r"_(total|bucket|sum|count)$")


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
        return read_series(self.data("/api/v1/query", query=expression), "value")

    def range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """A range query, in as many parts as its points need; the parts of one series are joined."""
        joined: dict[tuple[tuple[str, str], ...], tuple[list[float], list[float]]] = {}
        first = start
        while first <= end:
            last = min(end, first + (MOST_POINTS - 1) * step)
            bounds = {"start": f"{first:.3f}", "end": f"{last:.3f}", "step": f"{step:.3f}"}
            for one in read_series(self.data("/api/v1/query_range", query=expression, **bounds), "values"):
                times, values = joined.setdefault(tuple(sorted(one.labels.items())), ([], []))
                times += one.times
                values += one.values
            first = last + step
        return [Series(dict(key), tuple(times), tuple(values)) for key, (times, values) in joined.items()]

    def samples(self, selector: str, start: float, end: float) -> list[Series]:
        """Every sample as it was stored in [start, end]: for one short series; of many this is a long answer."""
        past = f"{selector}[{math.ceil(end - start)}s]"
        found = read_series(self.data("/api/v1/query", query=past, time=f"{end:.3f}"), "values")
        inside = [[pair for pair in zip(one.times, one.values, strict=True) if pair[0] >= start] for one in found]
        return [
            Series(one.labels, tuple(t for t, _ in pairs), tuple(v for _, v in pairs))
            for one, pairs in zip(found, inside, strict=True)
            if pairs
        ]

    def targets(self) -> list[ScrapeTarget]:
        """The active targets."""
        self.settle()
        return read_targets(self.data("/api/v1/targets", state="active"), time.time())

    def rules(self) -> list[Rule]:
        """The alerting rules, each with the recording rules that are loaded."""
        self.settle()
        return read_rules(self.data("/api/v1/rules"))

    @http.shaped("Prometheus")
    def external_labels(self) -> dict[str, str]:
        """The labels that it puts on every alert it sends, by its configuration in force."""
        import yaml

        text = str(mapping(self.data("/api/v1/status/config")).get("yaml", ""))
        try:
            said = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError) as error:
            raise BadAnswer(f"{self.url} shows a configuration that is no YAML") from error
        found = mapping(mapping(said).get("global") or {}).get("external_labels") or {}
        return {str(name): str(text) for name, text in found.items()}

    @http.shaped("Prometheus")
    def alertmanagers(self) -> list[str]:
        """The Alertmanagers that alerts are sent to."""
        self.settle()
        found = mapping(self.data("/api/v1/alertmanagers")).get("activeAlertmanagers") or []
        return [str(one.get("url", "")) for one in found]

    def notified(self, alertmanager: str) -> tuple[float, float]:
        """Notifications that this server has sent to an Alertmanager (by its address) since its start, and those in vain.

        Its own page says so; (0, 0) where there is none, as of Thanos or Mimir.
        """
        page = self.ask("/metrics")
        if page.status_code != 200:
            return 0.0, 0.0
        sent, failed = (
            sum(one.value for one in metrics.samples(page, name) if same_place(one.labels.get("alertmanager", ""), alertmanager))
            for name in (_SENT, _IN_VAIN)
        )
        return sent, failed

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
            return str(mapping(self.data("/api/v1/status/buildinfo")).get("version", ""))
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


@http.shaped("Prometheus")
def same_place(one: str, other: str) -> bool:
    """Whether two addresses name the same port of a host; the loopback has several names. Raises BadAnswer for none."""
    places = [urlsplit(address) for address in (one, other)]
    hosts = ["localhost" if (p.hostname or "").startswith("127.") or p.hostname == "::1" else p.hostname for p in places]
    ports = [p.port or (443 if p.scheme == "https" else 80) for p in places]
    return hosts[0] == hosts[1] and ports[0] == ports[1]


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(Unreachable):
            if holds():
                return
        time.sleep(0.2)


def _authorization(credentials: Secret | None) -> dict[str, str]:
    """`user:password` is Basic, anything else a Bearer token."""
    if credentials is None:
        return {}
    value = credentials.reveal()
    if ":" in value:
        return {"Authorization": f"Basic {base64.b64encode(value.encode()).decode()}"}
    return {"Authorization": f"Bearer {value}"}
