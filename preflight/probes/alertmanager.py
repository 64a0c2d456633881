"""Alertmanager by its API: the configuration in force asked for, its counters, and a test alert.

Version 2 of the API, or 1 where the server is older than 0.16 and has no other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from preflight.errors import BadAnswer, LookError, Undecided
from preflight.outcome import Reason
from preflight.probes import alertrouting, http, metrics
from preflight.probes.alertrouting import Configuration
from preflight.probes.http import Answer
from preflight.redact import printable
from preflight.target import Target

_LONGEST_WAIT = 120.0
"""A test alert is followed no longer, and the time of a second try."""
_SECOND_TRY = 15.0
_TRIED = ("alertmanager_notification_requests_total", "alertmanager_notification_requests_failed_total")
_TRIED_OF_OLD = ("alertmanager_notifications_total", "alertmanager_notifications_failed_total")
"""Tries by integration and those in vain; before 0.22 there was one pair of counters, which counted every try."""


class Alertmanager:
    """A client."""

    def __init__(self, url: str, user_agent: str) -> None:
        self.url = url
        self._headers = {"User-Agent": user_agent}

    def ask(self, path: str) -> Answer:
        """GET a path. Raises Unreachable."""
        return http.send("GET", f"{self.url}{path}", headers=self._headers)

    def api(self, path: str) -> tuple[str, Answer]:
        """Which version of the API there is, and what it answers to GET."""
        answer = self.ask(f"/api/v2/{path}")
        return ("v1", self.ask(f"/api/v1/{path}")) if answer.status_code in (404, 410) else ("v2", answer)

    def configuration(self) -> Configuration:
        """The configuration in force. Raises BadAnswer when Alertmanager does not say it."""
        import yaml

        version, answer = self.api("status")
        try:
            told = answer.object()
            text = str(told["config"]["original"] if version == "v2" else told["data"]["configYAML"])
            said = yaml.safe_load(text)
        except (KeyError, TypeError, ValueError, RecursionError, yaml.YAMLError) as error:  # a date that is none is a ValueError
            raise BadAnswer(f"{answer.url} does not say the configuration in force") from error
        if not isinstance(said, dict):
            raise BadAnswer(f"{answer.url} does not say the configuration in force")
        return Configuration(said, text)

    def state(self, run_id: str) -> str:
        """What has become of the test alert of this run: "active", "suppressed" (silenced or inhibited), "" when it is unknown.

        Raises BadAnswer when Alertmanager does not list its alerts.
        """
        version, answer = self.api("alerts")
        told = answer.json()
        listed = told.get("data") if version == "v1" and isinstance(told, dict) else told
        if not isinstance(listed, list):
            raise BadAnswer(f"{answer.url} does not list the alerts")
        for alert in listed:
            if isinstance(alert, dict) and (alert.get("labels") or {}).get("run") == run_id:
                return str((alert.get("status") or {}).get("state", "active"))
        return ""

    def silences(self, labels: Mapping[str, str]) -> list[str]:
        """The silences in force that hold back an alert with these labels. Raises BadAnswer when they are not listed."""
        return alertrouting.silences(self.api("silences")[1].json(), labels)

    def tries(self) -> tuple[dict[str, float], dict[str, float]]:
        """Tries to notify, and those in vain, by integration.

        They are asked in this order: a try that fails in between must not look like one that succeeded.
        """
        tried, in_vain = _TRIED if self.counts(_TRIED[0]) else _TRIED_OF_OLD
        return self.counts(tried), self.counts(in_vain)

    def counts(self, name: str) -> dict[str, float]:
        """A counter of Alertmanager's own by integration."""
        found: dict[str, float] = {}
        for sample in metrics.samples(self.ask("/metrics"), name):
            if sample.name == name:
                key = sample.labels.get("integration", "")
                found[key] = found.get(key, 0.0) + sample.value
        return found

    def post(self, labels: Mapping[str, str], summary: str, *, minutes: float) -> None:
        """Raise an alert that ends by itself after `minutes`; with 0 it is resolved. Raises LookError when it is refused."""
        now = datetime.now(UTC)
        alert = {
            "labels": dict(labels),
            "annotations": {"summary": summary},
            "startsAt": (now - timedelta(seconds=1)).isoformat(),
            "endsAt": (now + timedelta(minutes=minutes)).isoformat(),
        }
        body = json.dumps([alert]).encode()
        answer = http.send("POST", f"{self.url}/api/{self.api('status')[0]}/alerts", headers=self._headers, body=body)
        if answer.status_code != 200:
            raise LookError(f"{answer.url} answers {answer.status_code}: {printable(answer.text, 120)}")


@dataclass(frozen=True)
class Delivery:
    """What became of a test alert, by integration: tries that succeeded, and that failed."""

    sent: Mapping[str, float]
    failed: Mapping[str, float]
    seconds: float


def connect(target: Target, user_agent: str) -> Alertmanager:
    """A client of the target's Alertmanager. Raises Undecided where the target file names none."""
    part = target.facts.alertmanager
    if part is None:
        raise Undecided(Reason.OPERATOR, 'no Alertmanager: give [alertmanager] url = "http://…" in the target file')
    return Alertmanager(part.url, user_agent)


@dataclass(frozen=True)
class TestAlert:
    """A marked test alert that was taken: its labels, its state then, and the tries to notify counted before.

    `patience`: how long (s) after `began` it may take until it is sent.
    """

    __test__ = False  # for pytest

    client: Alertmanager
    labels: Mapping[str, str]
    state: str
    before: tuple[Mapping[str, float], Mapping[str, float]]
    began: float
    patience: float

    def followed(self, integrations: set[str]) -> Delivery:
        """Wait until each integration has sent it or time is over, and resolve it."""
        try:
            while True:
                tried, failed = (_grown(was, now) for was, now in zip(self.before, self.client.tries(), strict=True))
                sent = {key: max(0.0, count - failed.get(key, 0.0)) for key, count in tried.items()}  # one may fail in between
                seconds = time.monotonic() - self.began
                if all(sent.get(one, 0) > 0 for one in integrations) or seconds > self.patience:
                    return Delivery(sent, failed, seconds)
                time.sleep(0.5)
        finally:
            self.client.post(self.labels, "A test of the acceptance suite: over.", minutes=0)


def marked(severity: str, run_id: str) -> dict[str, str]:
    """The labels of a test alert."""
    return {"alertname": "PreflightTestAlert", "severity": severity, "run": run_id, "instance": "preflight"}


def alarm(client: Alertmanager, labels: Mapping[str, str], *, group_wait: float) -> TestAlert:
    """Raise a marked test alert. `group_wait`: how long (s) its routes wait.

    Raises LookError when it is refused, Undecided where it would have to be followed for too long.
    """
    if group_wait > _LONGEST_WAIT:
        raise Undecided(
            Reason.OPERATOR,
            f"a {labels['severity']} alert waits {group_wait:g} s before anybody is told, and a test alert is followed for"
            f" {_LONGEST_WAIT:g} s: give its route in alertmanager.yml a shorter group_wait",
        )
    before, began = client.tries(), time.monotonic()
    client.post(labels, "A test of the acceptance suite: nothing is wrong, and nothing is to be done.", minutes=5)
    try:
        state = client.state(labels["run"])
    except BaseException:
        client.post(labels, "A test of the acceptance suite: over.", minutes=0)
        raise
    return TestAlert(client, labels, state, before, began, group_wait + _SECOND_TRY)


def _grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {key: value - before.get(key, 0.0) for key, value in after.items()}
