"""What tests ask for of alerts: Alertmanager, its routes and its file, and a test alert that is followed to its delivery."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from preflight.errors import LookError
from preflight.evidence import Evidence
from preflight.probes import alertmanager, alertrouting, placeholders, yamlfiles
from preflight.probes import prometheus as client
from preflight.probes.alertmanager import Alertmanager
from preflight.probes.alertrouting import Configuration
from preflight.probes.host import Host
from preflight.session import Session
from preflight.target import Target


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


@pytest.fixture
def critical_alerts(target: Target, evidence: Evidence, request: pytest.FixtureRequest) -> list[dict[str, str]]:
    """The labels of each critical alert that is loaded, Prometheus' own external ones included.

    Where no Prometheus can be asked, those of one that the checklist documents, and the record says so.
    """
    made = {"alertname": "HTTPAPIDown", "severity": "critical"}
    if target.facts.prometheus is None:
        evidence.fact("tried with one alert alone", "the target file names no Prometheus, whose rules could be tried")
        return [made]
    try:
        external = request.getfixturevalue("prometheus").external_labels()
        loaded = [rule for rule in request.getfixturevalue("rules") if rule.labels.get("severity") == "critical"]
    except LookError as error:
        evidence.fact("tried with one alert alone", str(error))
        return [made]
    # what a template makes of a label is known when the alert is raised
    fixed = [{name: text for name, text in rule.labels.items() if "{{" not in text} | {"alertname": rule.name} for rule in loaded]
    return [external | labels for labels in fixed] or [external | made]


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
    reached = alertrouting.receivers_of(alert_routes, **labels)
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
