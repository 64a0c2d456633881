"""Metrics are missed only when nothing has them of late, nothing declares them, and nobody has said that they are absent."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.checklist import load
from preflight.errors import NotApplicable
from preflight.evidence import Evidence
from preflight.monitorfixtures import Metrics
from preflight.probes import promrules
from preflight.probes.http import Answer
from preflight.probes.prometheus import Prometheus, Rule

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


def rule(expression: str) -> Rule:
    return Rule("A", expression, 0.0, {}, "ok", "inactive", "")


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
    ],
    ids=["misspelt", "of another job", "of a target that is down", "a gauge shows nothing without a series"],
)
def test_rule_stays_blind(monkeypatch: pytest.MonkeyPatch, expression: str, health: str, kind: str) -> None:
    client = prometheus(monkeypatch, health=health, had=("loads_total",), load_errors_total=kind)

    assert promrules.blind(client, [rule(expression)], ()) == [f"A: {expression.removesuffix(' > 1')}"]


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
