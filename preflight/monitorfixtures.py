"""What tests ask for of the monitoring: Prometheus and its rules, Alertmanager, and figures over windows of time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from preflight.errors import NotApplicable
from preflight.evidence import Evidence
from preflight.probes import gathered, servercounters
from preflight.probes import grafana as grafana_client
from preflight.probes import prometheus as client
from preflight.probes.gathered import GatheredFile, Loki
from preflight.probes.grafana import Grafana
from preflight.probes.http import Answer
from preflight.probes.promanswers import Rule
from preflight.probes.prometheus import Prometheus
from preflight.session import Session
from preflight.target import Target


@pytest.fixture(scope="session")
def prometheus(target: Target, session: Session) -> Prometheus:
    """The target's Prometheus."""
    return client.connect(target, session.user_agent)


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
def gathered_logs(target: Target, session: Session, request: pytest.FixtureRequest) -> Loki | GatheredFile:
    """Where the target's logs are gathered."""
    return gathered.place(target, request.getfixturevalue("host") if target.facts.host else None, session.user_agent)


@pytest.fixture(scope="session")
def grafana(target: Target, session: Session) -> Grafana:
    """The target's Grafana."""
    return grafana_client.connect(target, session.user_agent)
