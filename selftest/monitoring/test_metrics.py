"""Metrics are missed only when nothing has them of late, nothing declares them, and nobody has said that they are absent."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from preflight import programs
from preflight.checklist import load
from preflight.errors import NotApplicable
from preflight.evidence import Evidence
from preflight.monitorfixtures import Metrics
from preflight.probes import promrules
from preflight.probes.http import Answer
from preflight.probes.promanswers import Recording, Rule
from preflight.probes.prometheus import Prometheus
from selftest.monitoring.history import serving

LATENCY = ("http_request_duration_seconds", "http_request_latency_ms")


def prometheus(monkeypatch: pytest.MonkeyPatch, *, health: str = "up", had: tuple[str, ...] = (), **declared: str) -> Prometheus:
    """One with a single target, of the job "game". `had`: what instant queries for find something; `declared`: types by metric."""
    target = {"labels": {"job": "game"}, "health": health, "lastScrape": "2026-03-01T12:00:00Z"}

    def said(path: str, asked: str) -> Any:
        if path == "/api/v1/targets":
            return {"activeTargets": [target]}
        if path == "/api/v1/query":
            found = [{"metric": {}, "value": [0, "1"]}] if any(f"({one}[" in asked for one in had) else []
            return {"resultType": "vector", "result": found}
        assert path == "/api/v1/targets/metadata"
        return [{"target": {"job": "game"}, "type": declared[asked], "help": "", "unit": ""}] if asked in declared else None

    def ask(_: Prometheus, path: str, **parameters: str) -> Answer:
        data = said(path, parameters.get("query", parameters.get("metric", "")))
        status = {"status": "error", "error": "metadata not found"} if data is None else {"status": "success", "data": data}
        body = json.dumps(status).encode()
        return Answer("GET", f"http://p:9090{path}", 404 if data is None else 200, (), body, 0.1, sent_token=False, curl="")

    monkeypatch.setattr(Prometheus, "ask", ask)
    return Prometheus("http://p:9090", None, "selftest")


def rule(expression: str, name: str = "A", *recordings: Recording) -> Rule:
    return Rule(name, expression, 0.0, {}, "ok", "inactive", "", recordings)


def metrics(client: Prometheus, *absent: str) -> Metrics:
    target: Any = SimpleNamespace(facts=SimpleNamespace(absent_metrics=dict.fromkeys(absent, "not built")))
    return Metrics(client, target, Evidence(next(one for one in load().item if one.id == "HLT-PROM-08")))


def test_counter_that_never_counted_makes_no_rule_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    client = prometheus(monkeypatch, had=("loads_total",), load_errors_total="counter")
    asking = [rule("rate(load_errors_total[5m]) / rate(loads_total[5m]) > 0.1"), rule('load_errors_total{job="game"} > 1')]

    assert promrules.blind(client, asking, ()) == []


def test_counter_of_openmetrics_is_declared_by_its_family(monkeypatch: pytest.MonkeyPatch) -> None:
    client = prometheus(monkeypatch, load_errors="counter")

    assert promrules.blind(client, [rule("load_errors_total > 1")], ()) == []


@pytest.mark.parametrize(
    ("expression", "health", "kind"),
    [
        ("load_error_total > 1", "up", "counter"),
        ('load_errors_total{job="node"} > 1', "up", "counter"),
        ("load_errors_total > 1", "down", "counter"),
        ("load_errors_total > 1", "up", "gauge"),
        ('load_errors_total{job="game",instance="typo:8081"} > 1', "up", "counter"),
        ('loads_total{tier="typo"} > 1', "up", "counter"),
    ],
    ids=[
        "misspelt",
        "of another job",
        "of a target that is down",
        "a gauge shows nothing without a series",
        "of an instance that is not there",
        "with a label that no series of it has",
    ],
)
def test_rule_stays_blind(monkeypatch: pytest.MonkeyPatch, expression: str, health: str, kind: str) -> None:
    client = prometheus(monkeypatch, health=health, had=("loads_total",), load_errors_total=kind, loads_total=kind)

    assert promrules.blind(client, [rule(expression)], ()) == [f"A: {expression.removesuffix(' > 1')}"]


ERRORS = Recording("job:errors:ratio", 'requests_total{status=~"5.."} / requests_total', {})


def test_recorded_series_without_samples_makes_no_rule_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = [rule('job:errors:ratio{job="game"} > 0.05', "A", ERRORS)]
    of_game = prometheus(monkeypatch, had=('requests_total{job="game"}',))

    assert promrules.blind(of_game, asking, ()) == []
    assert promrules.blind(prometheus(monkeypatch, had=('job:errors:ratio{job="game"}',)), asking, ()) == []
    found = promrules.blind(prometheus(monkeypatch, had=("job:errors:ratio",)), asking, ())
    assert found[0] == 'A: requests_total{job="game"} (for job:errors:ratio{job="game"})'


SERIES = (
    'up{job="game",instance="game:8080"}',
    'up{job="node",instance="game:9100"}',
    'process_resident_memory_bytes{job="game",instance="game:8080"}',
    'process_resident_memory_bytes{job="prometheus",instance="localhost:9090"}',
    'http_requests_total{job="game",instance="game:8080",endpoint="/scene",status="200"}',
)


@pytest.fixture(scope="module")
def watching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the game, a node exporter and itself until a minute ago."""
    if programs.missing(programs.MONITORING):
        pytest.skip("Prometheus is not at hand")
    now = time.time()
    with serving(tmp_path_factory.mktemp("watching"), {one: {now - 75: 1.0, now - 60: 1.0} for one in SERIES}) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "expression", "blind", "strange"),
    [
        ("HTTPAPIDown", 'up{job="game"} == 0', False, False),
        ("HTTPAPIDown", "up == 0", False, False),
        ("HTTPAPIDown", 'up{job=~"game|shop",instance!~"other.*"} == 0', False, False),
        ("HTTPAPIDown", 'absent(up{job="game"} == 1)', False, False),
        ("HTTPAPIDown", 'up{job="node"} == 1 and on() up{job="game"} == 0', False, False),
        ("HTTPAPIDown", 'up{job="game"} == 0 unless on() ALERTS{alertname="Maintenance"}', False, False),
        ("HTTPAPIDown", 'up{job="node"} == 0', False, True),
        ("HTTPAPIDown", 'up{job!="game"} == 0', False, True),
        ("HTTPAPIDown", 'up{job="game"} == 0 and on() up{job="gone"} == 1', True, False),
        ("HTTPAPIDown", 'up{instance="typo:8081"} == 0', True, True),
        ("CriticalMemoryUsage", 'process_resident_memory_bytes{job="prometheus"} > 1e9', False, True),
        ("CriticalMemoryUsage", "process_resident_memory_bytes > 1e9", False, False),
        ("HighHTTPErrorRate", 'http_requests_total{job="game",status=~"5..",endpoint="/x",method="PUT"} > 1', False, False),
        ("ServiceDegraded", 'up{job="node"} == 0', False, False),
    ],
)
def test_alert_that_watches_somebody_else_is_told(
    watching: Prometheus, name: str, expression: str, *, blind: bool, strange: bool
) -> None:
    rules = [rule(expression, name)]

    assert bool(promrules.blind(watching, rules, ())) is blind
    assert bool(promrules.strangers(watching, rules, (), "game")) is strange


def test_stranger_is_named_as_it_is_asked_for(watching: Prometheus) -> None:
    direct = rule('up{job="node"} == 0', "HTTPAPIDown")
    of_node = rule("job:up:min == 0", "HTTPAPIDown", Recording("job:up:min", 'min(up{job="node"})', {}))

    assert promrules.strangers(watching, [direct], (), "game") == ['HTTPAPIDown: up{job="node"} is not the game\'s']
    assert promrules.strangers(watching, [of_node], (), "game") == [
        'HTTPAPIDown: up{job="node"} (for job:up:min) is not the game\'s'
    ]
    assert promrules.strangers(watching, [direct], ("up",), "game") == []


def test_counter_that_never_counted_is_the_games_where_its_job_declares_it(monkeypatch: pytest.MonkeyPatch) -> None:
    client = prometheus(monkeypatch, had=('up{job=~"g.*",job="game"}',), rate_limit_hits_total="counter")
    asking = [
        rule(f"rate(rate_limit_hits_total{one}[1m]) > 1", "HighRateLimitHits") for one in ("", '{job=~"g.*"}', '{job!~"g.*"}')
    ]

    assert [bool(promrules.strangers(client, [one], (), "game")) for one in asking] == [False, False, True]


def test_declared_absent_metric_makes_no_rule_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert promrules.blind(prometheus(monkeypatch), [rule("load_errors_total > 1")], ("load_errors",)) == []


def test_either_of_two_names_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert metrics(prometheus(monkeypatch, had=("http_request_latency_ms",))).missing(LATENCY) == []
    assert metrics(prometheus(monkeypatch, had=("http_request_duration_seconds_bucket",))).missing(LATENCY) == []
    assert metrics(prometheus(monkeypatch)).missing(LATENCY) == ["http_request_duration_seconds"]


def test_counter_without_a_series_is_there_when_it_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    assert metrics(prometheus(monkeypatch, rate_limit_hits_total="counter")).missing(("rate_limit_hits_total",)) == []


def test_one_of_two_names_declared_absent_leaves_the_other_to_be_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert metrics(prometheus(monkeypatch), LATENCY[0]).missing(LATENCY) == [LATENCY[1]]
    with pytest.raises(NotApplicable):
        metrics(prometheus(monkeypatch), *LATENCY).missing(LATENCY)
