"""A test alert counts as delivered only when a try is known to have succeeded."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from preflight.errors import BadAnswer, Undecided
from preflight.outcome import Reason
from preflight.probes import alertmanager, alertrouting
from preflight.probes.alertrouting import Configuration

LABELS = alertmanager.marked("warning", "run-1")


class Fails:
    """An Alertmanager each of whose tries fails just after it was counted, between any two questions."""

    def __init__(self) -> None:
        self.tried = self.failed = 0.0
        self.posted: list[float] = []

    def post(self, *_: object, minutes: float) -> None:
        self.posted.append(minutes)

    def counts(self, name: str) -> dict[str, float]:
        said = {"email": self.failed if "failed" in name else self.tried}
        if self.posted:
            self.failed, self.tried = self.failed + 1, self.tried + 1
        return said

    tries = alertmanager.Alertmanager.tries

    def state(self, run_id: str) -> str:
        return "active" if run_id else ""


def test_a_try_that_fails_between_two_questions_is_no_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertmanager, "_SECOND_TRY", 0.3)
    monkeypatch.setattr(alertmanager.time, "sleep", lambda _: None)
    client: Any = Fails()
    delivery = alertmanager.alarm(client, LABELS, group_wait=0.0).followed({"email"})

    assert delivery.sent["email"] <= 0
    assert client.posted == [5, 0], "the alert is resolved all the same"


WARNINGS: dict[str, Any] = {"matchers": ['severity="warning"'], "group_wait": "1m"}
OTHERS: dict[str, Any] = {"match": {"severity": "critical"}, "group_wait": "5m"}


@pytest.mark.parametrize(
    ("route", "wait"),
    [
        ({}, 30.0),
        ({"group_wait": "10s"}, 10.0),
        ({"group_wait": "10s", "routes": [OTHERS]}, 10.0),
        ({"group_wait": "10s", "routes": [OTHERS, WARNINGS]}, 60.0),
        ({"group_wait": "10s", "routes": [{"match_re": {"severity": "w.*"}}]}, 10.0),
        ({"routes": [{"matchers": ["alertname=~Preflight.*", "run!=''"], "routes": [{}]}]}, 30.0),
        ({"group_wait": "0s", "routes": [{"matchers": ['team!=""'], "group_wait": "5m"}]}, 0.0),
        ({"group_wait": "10s", "routes": [{"group_wait": "20s"}, WARNINGS]}, 20.0),
        ({"group_wait": "10s", "routes": [{"group_wait": "20s", "continue": True}, WARNINGS]}, 60.0),
        ({"group_wait": "10s", "routes": [{"group_wait": "2m", "routes": [{"group_wait": "1s"}]}]}, 1.0),
        ({"group_wait": "10s", "routes": [{"group_wait": "2m", "routes": [OTHERS]}]}, 120.0),
    ],
)
def test_alert_is_waited_for_as_long_as_its_routes_wait(route: dict[str, Any], wait: float) -> None:
    assert Configuration({"route": route}, "").group_wait(LABELS) == wait

    client: Any = Fails()
    assert alertmanager.alarm(client, LABELS, group_wait=wait).patience == wait + 15


@pytest.mark.parametrize(
    ("route", "muted"),
    [
        ({}, []),
        ({"routes": [WARNINGS, {**OTHERS, "mute_time_intervals": ["night"]}]}, []),
        ({"routes": [{**WARNINGS, "mute_time_intervals": ["night"]}]}, ["mute_time_intervals night"]),
        ({"routes": [{"continue": True}, {**WARNINGS, "active_time_intervals": ["day"]}]}, ["active_time_intervals day"]),
        ({"routes": [{**WARNINGS, "mute_time_intervals": []}]}, []),
    ],
)
def test_route_that_is_silent_at_times_is_named(route: dict[str, Any], muted: list[str]) -> None:
    assert Configuration({"route": route}, "").muted(LABELS) == muted


def silence(*matchers: dict[str, Any], state: str = "active") -> dict[str, Any]:
    return {"status": {"state": state}, "matchers": list(matchers), "createdBy": "ops", "endsAt": "2030-01-01T00:00:00Z"}


SEVERITY = {"name": "severity", "value": "warning"}


@pytest.mark.parametrize(
    ("listed", "held"),
    [
        ([], 0),
        ([silence(SEVERITY)], 1),
        ({"status": "success", "data": [silence(SEVERITY)]}, 1),
        ([silence(SEVERITY, state="expired")], 0),
        ([silence()], 0),
        ([silence(SEVERITY, {"name": "alertname", "value": "Other"})], 0),
        ([silence({"name": "severity", "value": "warn.*", "isRegex": True, "isEqual": True})], 1),
        ([silence({"name": "severity", "value": "critical", "isEqual": False})], 1),
        ([silence({"name": "severity", "value": "warn.*", "isRegex": True, "isEqual": False})], 0),
        (["none", {"status": None}], 0),
    ],
)
def test_silence_in_force_is_named(listed: Any, held: int) -> None:
    found = alertrouting.silences(listed, LABELS)

    assert len(found) == held
    assert not found or "set by ops, until 2030-01-01" in found[0]


def test_silences_that_are_no_list_are_no_look() -> None:
    with pytest.raises(BadAnswer):
        alertrouting.silences({"status": "error"}, LABELS)


def test_alert_that_waits_for_minutes_is_not_raised() -> None:
    client: Any = Fails()
    with pytest.raises(Undecided, match="waits 300 s") as found:
        alertmanager.alarm(client, LABELS, group_wait=300.0)

    assert found.value.reason is Reason.OPERATOR
    assert client.posted == []


class OldAlertmanager(BaseHTTPRequestHandler):
    """Of 2018: version 1 of the API alone, and one pair of counters."""

    alerts: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        text = "route:\n  receiver: team\nreceivers:\n- name: team\n"
        sent = sum(alert["labels"]["severity"] == "warning" for alert in self.alerts)
        said = {
            "/api/v1/status": json.dumps({"status": "success", "data": {"configYAML": text}}),
            "/api/v1/alerts": json.dumps({"status": "success", "data": self.alerts}),
            "/metrics": f'alertmanager_notifications_total{{integration="email"}} {sent}\n',
        }.get(self.path)
        self.answer(200 if said else 404, said or "404 page not found")

    def do_POST(self) -> None:
        self.alerts.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(200 if self.path == "/api/v1/alerts" else 404, "{}")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_old_server_is_asked_by_version_1_of_the_api() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OldAlertmanager)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        client = alertmanager.Alertmanager(f"http://127.0.0.1:{server.server_port}", "selftest")
        configuration = client.configuration()
        alert = alertmanager.alarm(client, LABELS, group_wait=10.0)
        delivery = alert.followed({"email"})
    finally:
        server.shutdown()
        server.server_close()

    assert configuration.route["receiver"] == "team"
    assert (alert.state, delivery.sent["email"]) == ("active", 1)
    assert len(OldAlertmanager.alerts) == 2, "raised and resolved"
