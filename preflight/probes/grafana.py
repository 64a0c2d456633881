"""Grafana by its HTTP API: health, the default password, the data source, dashboards and what their panels ask.

Panels are matched by what they query, not by their titles; their queries are asked through Grafana's own data source proxy.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

import promql_parser

from preflight.errors import BadAnswer, LookError, Undecided
from preflight.outcome import Reason
from preflight.probes import http, promql
from preflight.probes.http import Answer
from preflight.redact import Secret, printable
from preflight.target import Target

_VARIABLES = {"__rate_interval": "5m", "__interval": "1m", "__range": "1h", "__auto_interval": "1m"}
_VARIABLES |= {"__range_s": "3600", "__range_ms": "3600000", "__interval_ms": "60000", "__rate_interval_ms": "300000"}
_PLACES = ("job", "instance", "namespace", "cluster", "pod", "host", "env", "environment")
"""Labels that say where a series comes from; the others say what happened, and nothing of the kind may have."""
_LATENCY = r"http_request_duration_seconds_bucket|http_request_latency_ms"

WANTED: dict[str, tuple[tuple[str, str], ...]] = {
    "HTTP API Overview": (
        ("request rate", r"rate\(\s*http_requests_total"),
        ("error rate", r"http_requests_total\{[^}]*status"),
        ("latency percentiles", _LATENCY),
        ("active connections", r"active_connections"),
        ("memory", r"process_resident_memory_bytes"),
        ("top endpoints by requests", r"topk\(.*http_requests_total"),
        ("top endpoints by latency", rf"topk\(.*({_LATENCY})"),
    ),
    "Security": (
        ("authentication attempts", r"auth_attempts_total"),
        ("rate limit hits", r"rate_limit_hits_total"),
        ("security header violations", r"security_header_violations_total"),
        ("audit log entries", r"audit_log_entries_total"),
        ("intrusion alerts", r"intrusion_alerts_total"),
    ),
    "VR Performance": (
        ("frames per second", r"vr_fps"),
        ("frame times", r"vr_frame_time_seconds"),
        ("memory", r"process_resident_memory_bytes"),
        ("active sessions", r"vr_active_sessions"),
        ("controller tracking", r"vr_controller_tracking_ratio"),
    ),
    "System": (
        ("CPU", r"(process|node)_cpu_seconds_total"),
        ("memory", r"process_resident_memory_bytes|node_memory_\w+_bytes"),
        ("disk", r"node_disk_\w+"),
        ("network", r"node_network_\w+"),
        ("process status", r"\bup\b|process_start_time_seconds"),
    ),
}
"""The panels that each dashboard must have (checklist.md lines 1066-1093): a name, and what one of its queries matches."""


@dataclass(frozen=True)
class Panel:
    """One panel: where it stands, and what it asks."""

    dashboard: str
    title: str
    queries: tuple[str, ...]

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.dashboard} > {self.title}"


class Grafana:
    """A client that only reads."""

    def __init__(self, url: str, token: Secret | None, user_agent: str) -> None:
        self.url = url
        self._agent = {"User-Agent": user_agent}
        self._token = {"Authorization": f"Bearer {token.reveal()}"} if token else None

    def health(self) -> Answer:
        """GET /api/health, which needs no login."""
        return http.send("GET", f"{self.url}/api/health", headers=self._agent)

    def default_login(self) -> Answer:
        """Something that only an administrator may see, asked as admin/admin."""
        basic = base64.b64encode(b"admin:admin").decode()
        return http.send("GET", f"{self.url}/api/org", headers={**self._agent, "Authorization": f"Basic {basic}"})

    def ask(self, path: str) -> Any:
        """GET a path with the token, as JSON. Raises Undecided without a token, LookError when it is refused."""
        if self._token is None:
            raise Undecided(Reason.OPERATOR, "no token of Grafana: give [secrets] grafana_token (a service account, Viewer)")
        answer = http.send("GET", f"{self.url}{path}", headers={**self._agent, **self._token})
        if answer.status_code != 200:
            raise LookError(f"{self.url}{printable(path, 80)} answers {answer.status_code}")
        return answer.json()

    def source(self) -> str:
        """The uid of the Prometheus data source. Raises LookError when there is none."""
        for one in _list(self.ask("/api/datasources")):
            if one.get("type") == "prometheus":
                return str(one.get("uid", ""))
        raise LookError(f"{self.url} has no Prometheus data source")

    @cached_property
    def _uid(self) -> str:
        return self.source()

    def source_health(self) -> tuple[bool, str]:
        """Whether the data source works, and what Grafana says of it."""
        said = self.ask(f"/api/datasources/uid/{quote(self.source())}/health")
        with http.shaped("Grafana"):
            return said.get("status") == "OK", printable(str(said.get("message", "")), 120)

    def panels(self) -> list[Panel]:
        """Every panel that asks Prometheus something, of every dashboard."""
        found: list[Panel] = []
        for entry in _list(self.ask("/api/search?type=dash-db&limit=200")):
            said = self.ask(f"/api/dashboards/uid/{quote(str(entry.get('uid', '')))}")
            model = said.get("dashboard") if isinstance(said, dict) else None
            if isinstance(model, dict):
                found += panels_of(model, self._kind)
        return found

    def _kind(self, source: str) -> str:
        """The type of a data source, by its uid or name; "" where Grafana knows none or does not tell."""
        return self._kinds.get(source, "")

    @cached_property
    def _kinds(self) -> dict[str, str]:
        try:
            known = _list(self.ask("/api/datasources"))
        except LookError:
            return {}
        return {str(one.get(key)): str(one.get("type", "")) for one in known for key in ("name", "uid")}

    def values(self, query: str) -> int:
        """How many series a panel's query has now. Raises BadAnswer when Prometheus refuses the query."""
        try:
            said = self._prometheus("query", query=filled(query))
        except LookError as error:
            raise BadAnswer(f"{printable(query, 100)}: {error}") from error
        with http.shaped("Grafana"):
            return len(said.get("result", []))

    def nothing_happened(self, query: str) -> bool:
        """Whether a query without values asks for what is there: nothing of that status or result has happened yet.

        Each of its metrics has series where the query looks for them, or is declared by a page that is scraped and has none.
        """
        try:
            asked = list(promql.vectors(promql_parser.parse(filled(query))))
        except ValueError:
            return False
        for selector in asked:
            name = promql.metric(selector)
            place = [one for one in promql.matchers(selector) if one[0] in _PLACES]
            if not name or not (self.values(promql.written(name, place)) or self._declared(name)):
                return False
        return bool(asked)

    def _declared(self, name: str) -> bool:
        declared = self._prometheus("metadata", metric=re.sub(r"_(bucket|sum|count)$", "", name))
        return bool(declared) and not self.values(name)

    def _prometheus(self, path: str, **parameters: str) -> Any:
        """What Grafana's Prometheus answers to such a request: its `data`."""
        said = self.ask(f"/api/datasources/proxy/uid/{quote(self._uid)}/api/v1/{path}?{urlencode(parameters)}")
        with http.shaped("Grafana"):
            return said.get("data", {})


def connect(target: Target, user_agent: str) -> Grafana:
    """A client of the target's Grafana. Raises Undecided where the target file names none."""
    part = target.facts.grafana
    if part is None:
        raise Undecided(Reason.OPERATOR, 'no Grafana: give [grafana] url = "http://…" in the target file')
    return Grafana(part.url, target.secret("grafana_token"), user_agent)


@http.shaped("Grafana")
def panels_of(model: Mapping[str, Any], kind: Callable[[str], str] = lambda _: "") -> list[Panel]:
    """The panels of a dashboard's model that ask Prometheus something, those in folded rows too.

    What a panel asks another data source (Loki) is left out. `kind` says the type of a data source of which the model
    says only the uid or name; one of which nobody says the type counts as Prometheus.
    """
    title = str(model.get("title", ""))

    def of_prometheus(panel: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
        source = target.get("datasource") or panel.get("datasource")
        if isinstance(source, dict):
            said = str(source.get("type") or kind(str(source.get("uid", ""))))
        else:
            said = kind(str(source)) if source else ""
        return not said or "prometheus" in said

    def queries(panel: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(one["expr"]) for one in panel.get("targets") or () if one.get("expr") and of_prometheus(panel, one))

    return [
        Panel(title, printable(str(one.get("title", "")), 80), asked)
        for one in _flat(model.get("panels"))
        if (asked := queries(one))
    ]


def belonging(panels: Sequence[Panel], dashboard: str) -> list[Panel]:
    """The panels of the wanted dashboard: the one of this title, else one with these words in its title.

    Of several of these the one that lacks least: "System" may be in the title of another as well.
    """
    titles = {one.dashboard for one in panels}
    exact = {title for title in titles if title.strip().lower() == dashboard.lower()}
    words = r"[\W_]+".join(map(re.escape, dashboard.split()))
    holding = [title for title in sorted(titles) if re.search(rf"(?<![^\W_]){words}(?![^\W_])", title, re.IGNORECASE)]
    if not exact and holding:
        exact = {min(holding, key=lambda title: len(_missing([one for one in panels if one.dashboard == title], dashboard)))}
    return [one for one in panels if one.dashboard in exact]


def parted(panels: Sequence[Panel], dashboards: Sequence[str]) -> tuple[list[Panel], list[str]]:
    """The panels of the wanted dashboards, and the titles of the others, which nobody promised to keep filled."""
    wanted = {panel for name in dashboards for panel in belonging(panels, name)}
    others = sorted({printable(panel.dashboard, 80) for panel in panels if panel not in wanted})
    return [panel for panel in panels if panel in wanted], others


def lacking(panels: Sequence[Panel], dashboard: str) -> list[str]:
    """What a dashboard must show and no panel of it asks for. Another dashboard's panel does not count."""
    return _missing(belonging(panels, dashboard), dashboard)


def _missing(panels: Sequence[Panel], dashboard: str) -> list[str]:
    own = [query for one in panels for query in one.queries]
    return [name for name, pattern in WANTED[dashboard] if not any(re.search(pattern, query, re.DOTALL) for query in own)]


def filled(query: str) -> str:
    """A query with Grafana's variables replaced: intervals by usual ones, choices by "everything", numbers by 5."""
    text = re.sub(r"\$\{?(\w+)(?::\w+)?\}?|\[\[(\w+)\]\]", lambda found: _VARIABLES.get(found[1] or found[2], ".*"), query)
    text = re.sub(r'(?<![!=~])=\s*"([^"]*\.\*[^"]*)"', r'=~"\1"', text)
    text = re.sub(r"\[\.\*(?=[\]:])", "[5m", text)
    return re.sub(r"\b(topk|bottomk|quantile|limitk)(\s*(?:(?:by|without)\s*\([^)]*\)\s*)?\(\s*)\.\*", r"\g<1>\g<2>5", text)


def _flat(panels: Any) -> Iterator[Mapping[str, Any]]:
    for one in panels if isinstance(panels, list) else ():
        if isinstance(one, dict):
            yield one
            yield from _flat(one.get("panels"))


def _list(said: Any) -> list[dict[str, Any]]:
    if not isinstance(said, list):
        raise BadAnswer("Grafana answers with something else than a list")
    return [one for one in said if isinstance(one, dict)]
