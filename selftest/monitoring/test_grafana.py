"""The Grafana client against a stand-in that serves the shipped dashboards; no Grafana can be had as a package."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import promql_parser
import pytest

from preflight.errors import BadAnswer, LookError, Undecided
from preflight.probes import grafana
from preflight.probes.grafana import WANTED, Grafana, Panel, belonging, filled, lacking, panels_of, parted
from preflight.redact import Secret
from preflight.rehearsal.host.dashboards import DASHBOARDS, dashboard_text


class StandIn(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: PLR0911 - an answer for each path
        login = self.headers.get("Authorization", "")
        if self.path == "/api/health":
            return self._say({"database": "ok", "version": "stand-in"})
        if login != "Bearer viewer-token":
            return self._say({"message": "Unauthorized"}, 401)
        if self.path == "/api/datasources":
            return self._say(
                [{"type": "loki", "uid": "l", "name": "Logs"}, {"type": "prometheus", "uid": "p", "name": "Metrics"}]
            )
        if self.path == "/api/datasources/uid/p/health":
            return self._say({"status": "OK", "message": "works"})
        if self.path.startswith("/api/search"):
            return self._say([{"uid": uid} for uid in DASHBOARDS])
        if self.path.startswith("/api/dashboards/uid/"):
            return self._say({"dashboard": json.loads(dashboard_text(self.path.rpartition("/")[2]))})
        if self.path.startswith("/api/datasources/proxy/uid/p/api/v1/query"):
            query = parse_qs(urlsplit(self.path).query)["query"][0]
            if "broken" in query:
                return self._say({"status": "error"}, 400)
            none = any(word in query for word in ("nothing", "status=", 'job="elsewhere"', "born_later", "misspelt"))
            return self._say({"data": {"result": [] if none else [{}]}})
        if self.path.startswith("/api/datasources/proxy/uid/p/api/v1/metadata"):
            return self._say({"data": {"born_later_total": [{"type": "counter"}]} if "born_later_total" in self.path else {}})
        return self._say({}, 404)

    def _say(self, said: object, status: int = 200) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def client(url: str) -> Grafana:
    return Grafana(url, Secret("viewer-token"), "selftest")


def test_health_needs_no_login_and_the_default_one_is_refused(client: Grafana) -> None:
    assert client.health().object()["database"] == "ok"
    assert client.default_login().status_code == 401


def test_data_source_is_the_prometheus_one(client: Grafana) -> None:
    assert client.source() == "p"
    assert client.source_health() == (True, "works")


@pytest.mark.parametrize("dashboard", WANTED)
def test_shipped_dashboards_have_their_panels(client: Grafana, dashboard: str) -> None:
    assert lacking(client.panels(), dashboard) == []


def test_panel_of_another_dashboard_does_not_count(client: Grafana) -> None:
    others = [panel for panel in client.panels() if panel.dashboard != "System"]

    assert len(lacking(others, "System")) == 5


def test_panels_in_folded_rows_are_found() -> None:
    row = {"type": "row", "panels": [{"title": "inside", "targets": [{"expr": "up"}, {"expr": ""}]}]}

    assert [panel.title for panel in panels_of({"title": "x", "panels": [row, {"title": "text"}]})] == ["inside"]


def retitled(client: Grafana, **titles: str) -> list[Panel]:
    """The shipped panels, with other titles for some dashboards."""
    return [
        dataclasses.replace(one, dashboard=titles.get(one.dashboard.replace(" ", "_"), one.dashboard)) for one in client.panels()
    ]


@pytest.mark.parametrize(
    ("dashboard", "title"),
    [
        ("Security", "Security Dashboard"),
        ("Security", " security "),
        ("VR Performance", "VR Performance Dashboard"),
        ("VR Performance", "SpaceTime / VR-performance"),
        ("HTTP API Overview", "SpaceTime http_api_overview"),
    ],
)
def test_dashboard_is_found_by_the_words_of_its_title(client: Grafana, dashboard: str, title: str) -> None:
    panels = retitled(client, **{dashboard.replace(" ", "_"): title})

    assert lacking(panels, dashboard) == []
    assert {one.dashboard for one in belonging(panels, dashboard)} == {title}


@pytest.mark.parametrize("title", ["Cybersecurity", "Securityx", "Sec", "VRPerformance", "Performance of VR"])
def test_part_of_a_title_is_no_title(client: Grafana, title: str) -> None:
    panels = retitled(client, Security=title, VR_Performance=title)

    assert belonging(panels, "Security") == []
    assert belonging(panels, "VR Performance") == []


def test_of_several_dashboards_with_the_words_the_one_that_lacks_least_is_meant(client: Grafana) -> None:
    imported = [Panel("Node System Overview", "broken", ("nothing",)), Panel("Security of the house", "doors", ("door_open",))]

    assert {one.dashboard for one in belonging([*imported, *client.panels()], "System")} == {"System"}
    renamed = [*imported, *retitled(client, Security="The Game's Security")]
    assert {one.dashboard for one in belonging(renamed, "Security")} == {"The Game's Security"}


def test_only_the_wanted_dashboards_are_judged(client: Grafana) -> None:
    imported = [Panel("Node Exporter Full", "empty", ("nothing",)), Panel("Node Exporter Full", "refused", ("broken",))]
    panels = retitled(client, Security="Security Dashboard")

    assert parted([*imported, *panels], list(WANTED)) == (panels, ["Node Exporter Full"])
    assert parted(panels, ["System"])[1] == ["HTTP API Overview", "Security Dashboard", "VR Performance"]


def test_query_over_several_lines_is_matched() -> None:
    top = Panel("HTTP API Overview", "top", ("topk(5,\n  sum by (endpoint) (\n    rate(\n      http_requests_total[5m])))",))

    assert {"request rate", "top endpoints by requests"}.isdisjoint(lacking([top], "HTTP API Overview"))


LOKI, MIXED = {"type": "loki", "uid": "l"}, {"type": "datasource", "uid": "-- Mixed --"}


@pytest.mark.parametrize(
    ("panel", "target", "asked"),
    [
        (LOKI, LOKI, False),
        (LOKI, None, False),
        ({"uid": "l"}, None, False),
        ("Logs", None, False),
        (MIXED, LOKI, False),
        (MIXED, {"type": "prometheus", "uid": "p"}, True),
        ({"type": "prometheus", "uid": "${source}"}, None, True),
        ({"type": "grafana-amazonprometheus-datasource", "uid": "a"}, None, True),
        ({"uid": "${source}"}, None, True),
        ("${DS_PROMETHEUS}", None, True),
        ("Metrics", None, True),
        (None, None, True),
    ],
)
def test_only_what_prometheus_is_asked_is_a_panels_query(client: Grafana, panel: object, target: object, *, asked: bool) -> None:
    model = {"title": "x", "panels": [{"title": "p", "datasource": panel, "targets": [{"expr": "up", "datasource": target}]}]}

    assert bool(panels_of(model, client._kind)) is asked


def test_source_that_grafana_does_not_tell_of_counts_as_prometheus(url: str) -> None:
    model = {"title": "x", "panels": [{"title": "p", "datasource": "Logs", "targets": [{"expr": "up"}]}]}

    assert len(panels_of(model, Grafana(url, Secret("another-token"), "selftest")._kind)) == 1


def test_values_of_a_query(client: Grafana) -> None:
    assert client.values("up") == 1
    assert client.values("nothing") == 0
    with pytest.raises(BadAnswer, match="answers 400"):
        client.values("broken")


@pytest.mark.parametrize(
    ("query", "quiet"),
    [
        ('100 * sum(rate(asked_total{job="game",status=~"5.."}[5m])) / sum(rate(asked_total[5m]))', True),
        ("sum(rate(born_later_total[5m]))", True),
        ('sum(rate(asked_total{job="elsewhere",status=~"5.."}[5m]))', False),
        ("rate(misspelt_total[5m])", False),
        ("histogram_quantile(0.95, misspelt_bucket)", False),
        ("vector(1) > 2", False),
        ("no promql at all (", False),
    ],
)
def test_what_never_happened_is_told_from_what_is_not_there(client: Grafana, query: str, quiet: bool) -> None:
    assert client.nothing_happened(query) is quiet


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ('up{job="$job"}', 'up{job=~".*"}'),
        ('up{job!="$job"}', 'up{job!=".*"}'),
        ("increase(x[${__range_s}s])", "increase(x[3600s])"),
        ("rate(x[$window])", "rate(x[5m])"),
        ("max_over_time(x[[[span]]:1m])", "max_over_time(x[5m:1m])"),
        ("topk($n, sum by (a) (x))", "topk(5, sum by (a) (x))"),
    ],
)
def test_variables_stand_where_they_may(query: str, asked: str) -> None:
    assert filled(query) == asked
    promql_parser.parse(filled(query))


def test_variables_are_filled() -> None:
    assert filled('rate(a{i="$instance"}[$__rate_interval]) + b{x=~"${v:regex}"}') == 'rate(a{i=~".*"}[5m]) + b{x=~".*"}'


def test_without_a_token_the_operator_is_asked(url: str) -> None:
    with pytest.raises(Undecided):
        Grafana(url, None, "selftest").panels()
    with pytest.raises(LookError, match="401"):
        Grafana(url, Secret("another-token"), "selftest").panels()


def test_every_row_of_the_checklist_has_a_panel() -> None:
    assert {name: len(panels) for name, panels in grafana.WANTED.items()} == {
        "HTTP API Overview": 7,
        "Security": 5,
        "VR Performance": 5,
        "System": 5,
    }
