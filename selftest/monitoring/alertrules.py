"""Alert rules as they are shipped, and changed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml

from preflight import programs
from preflight.probes.promanswers import Recording, Rule
from preflight.probes.yamlfiles import seconds
from preflight.rehearsal import host

SHIPPED = Path(host.__file__).parent / "files/opt/godot/monitoring/prometheus/prometheus_alerts.yml"
promtool = pytest.mark.skipif(programs.find("promtool") is None, reason="promtool is not at hand")
REQUESTS = "sum(rate(http_requests_total[5m]))"
ERRORS = 'sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))'
SERVICE = (
    'sum(rate(http_requests_total{{service="spacetime",status=~"5.."}}[5m]))'
    ' / sum(rate(http_requests_total{{service="spacetime"}}[5m])) > {}'
)
P99 = "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))"
RATIO = Recording("job:http_errors:ratio5m", "job:http_5xx:rate5m / job:http_requests:rate5m", {"team": "vr"})
PARTS = (
    Recording("job:http_5xx:rate5m", 'sum by (job) (rate(http_requests_total{status=~"5.."}[5m]))', {}),
    Recording("job:http_requests:rate5m", "sum by (job) (rate(http_requests_total[5m]))", {}),
)


def shipped() -> list[Rule]:
    groups = yaml.safe_load(SHIPPED.read_text())["groups"]
    return [
        Rule(one["alert"], one["expr"], seconds(one["for"]) or 0.0, one["labels"], "ok", "inactive", "")
        for group in groups
        for one in group["rules"]
    ]


def rule(expression: str, *, like: str = "HighHTTPErrorRate") -> Rule:
    return dataclasses.replace(next(one for one in shipped() if one.name == like), expression=expression)


def made(expression: str, *recordings: Recording, like: str = "HighHTTPErrorRate") -> Rule:
    return dataclasses.replace(rule(expression, like=like), recordings=recordings)
