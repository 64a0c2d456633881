"""Answers: read from the wire, as JSON, metrics, headers, messages, and by the clients of the monitoring."""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from preflight.probes import (
    api,
    gamejob,
    headers,
    health,
    histogram,
    http,
    metrics,
    promrules,
    recorded,
    scenes,
    telemetry,
)
from preflight.probes.alertmanager import Alertmanager
from preflight.probes.grafana import Grafana
from preflight.probes.prometheus import Prometheus
from preflight.redact import Secret
from selftest.anybytes.making import BODIES, HEADERS, answer, anything, as_json, http_answers, looked, mangled, nearly, tries

HEALTH = {
    "status": "healthy",
    "healthy": True,
    "timestamp": "2026-01-01T00:00:00Z",
    "issues": ["a"],
    "check_duration_ms": 3.5,
    "subsystems": {
        "memory": {"status": 0, "details": {"total_memory_mb": 600.5, "static_memory_mb": 1}},
        "engine": {"status": "healthy", "details": {"fps": 90, "frame_time_ms": 11.1}},
    },
    "memory": {"total_memory_usage": 1000, "static_memory_usage": 100},
    "memory_mb": 600,
    "autoloads": {"A": "loaded"},
}
METRICS = b"""# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{endpoint="/health",method="GET",status="200"} 12 1700000000000
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{endpoint="/health",method="GET",le="0.1"} 3
http_request_duration_seconds_bucket{endpoint="/health",method="GET",le="+Inf"} 4
http_request_duration_seconds_sum{endpoint="/health",method="GET"} 0.3
process_start_time_seconds 1.7e9
process_resident_memory_bytes NaN
"""
QUERY = {
    "status": "success",
    "data": {
        "resultType": "matrix",
        "result": [{"metric": {"job": "a", "__name__": "up"}, "values": [[1.7e9, "1"], [1.7e9, "NaN"]], "value": [1.7e9, "2"]}],
        "activeTargets": [
            {
                "labels": {"job": "a"},
                "scrapePool": "a",
                "scrapeUrl": "http://a/",
                "health": "up",
                "lastError": "",
                "lastScrape": "2026-01-01T00:00:00.123456789Z",
                "scrapeInterval": "15s",
            }
        ],
        "groups": [
            {
                "name": "g",
                "rules": [
                    {
                        "name": "r",
                        "type": "alerting",
                        "query": 'sum(rate(up{job="a"}[5m])) * 60 + job:up:min > 5',
                        "duration": 60,
                        "labels": {"severity": "critical"},
                        "health": "ok",
                        "state": "inactive",
                        "lastError": "",
                    },
                    {"name": "job:up:min", "type": "recording", "query": "min(up)", "labels": {"team": "vr"}},
                ],
            }
        ],
        "activeAlertmanagers": [{"url": "http://b/"}],
        "version": "3.1",
    },
}
CONFIGURATION = {
    "global": {"smtp_smarthost": "a:25"},
    "route": {"receiver": "a", "routes": [{"receiver": "b", "match": {"severity": "critical"}}]},
    "receivers": [{"name": "a", "email_configs": [{"to": "a@b.example"}]}, {"name": "b", "webhook_configs": []}],
    "inhibit_rules": [
        {"source_match": {"severity": "critical"}, "target_match_re": {"severity": "warn.*"}, "equal": ["instance"]},
        {"source_matchers": ['severity="critical"'], "target_matchers": ["severity=~x"]},
    ],
}
DASHBOARDS = {
    "data": {"result": [1]},
    "status": "OK",
    "message": "fine",
    "dashboard": {"title": "d", "panels": [{"title": "p", "targets": [{"expr": "up"}], "panels": [{"title": "q"}]}]},
}


class Wire:
    """A server on a raw socket that answers every connection with `said`, and closes it."""

    def __init__(self) -> None:
        self.said = b""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock, contextlib.suppress(OSError):
                sock.settimeout(2)
                sock.recv(65536)
                sock.sendall(self.said)
                sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    server = Wire()
    yield server
    server.close()


bodies = nearly(HEALTH).map(as_json) | BODIES | st.binary(max_size=40) | mangled(METRICS)


@given(http_answers(bodies))
@tries(150)
def test_an_answer_from_the_wire_is_read_or_said_to_be_none(wire: Wire, said: bytes) -> None:
    wire.said = said
    began = time.monotonic()
    got = looked(http.send, "GET", f"{wire.url}/health", total_seconds=2.0, most_bytes=200_000)
    assert time.monotonic() - began < 4
    if got is not None:
        assert len(got.body) <= 200_000
        everything_read_of(got)


@given(bodies, HEADERS, st.sampled_from([200, 200, 302, 401, 429, 503]))
@example(b'{"status": NaN, "timestamp": "9999-12-31T23:59:59-14:00"}', [(b"Date", b"Mon, 01 Jan 0001 00:00:00 +1400")], 200)
@example(b'{"status": 1e999, "timestamp": "1e999"}', [(b"Date", b"Fri, 31 Dec 9999 23:59:59 -1400")], 200)
@example(b"process_start_time_seconds NaN\n", [], 200)
@example(b"process_start_time_seconds 1e99\n", [], 200)
@example(b"1" * 5000, [], 200)
@tries(200)
def test_an_answer_is_judged_whatever_it_holds(body: bytes, fields: list[tuple[bytes, bytes]], status: int) -> None:
    everything_read_of(answer(body, fields, status))


def everything_read_of(got: http.Answer) -> None:
    for look in (got.json, got.object):
        looked(look)
    http.readable(got)
    health.is_one(got)
    read = looked(health.read, got)
    if read is not None:
        _ = read.contradictions
        health.frozen(read, read)
        health.clock_skew(got, read)
        health.quick_contradicts(read, got)
        health.autoloads_missing(read.raw)
        for seconds in health.memory_mb(read, read.raw, read.raw, 1e9).values():
            float(seconds)
    for path in health.DOCUMENTED:
        looked(health.missing_fields, got, path)
    headers.wrong_in(got)
    headers.doubled(got)
    headers.sensitive(got)
    assert 1 <= api.retry_after(got) < 8 * 86400
    looked(metrics.families, got)
    looked(metrics.samples, got, "http_requests_total")
    looked(metrics.started, got)
    looked(metrics.resident_bytes, got)
    looked(histogram.read, got.text, "GET /health")
    looked(histogram.gauge, got.text, "process_start_time_seconds")
    looked(scenes.failed_loads, got)


@given(mangled(METRICS))
@tries(150)
def test_metrics_are_read_or_said_to_be_none(page: bytes) -> None:
    everything_read_of(answer(page))


DEEP = gzip.compress(b"[" * 100_000)
packed = st.builds(
    lambda body, plain, size: b"\x02" + (len(body) if plain is None else plain).to_bytes(4, "big") + size + body,
    st.binary(max_size=30),
    st.none() | st.integers(0, 2**32 - 1),
    st.binary(min_size=4, max_size=4),
)


@given(
    st.binary(max_size=40)
    | packed
    | BODIES
    | BODIES.map(lambda b: b.decode("utf-8", "replace"))
    | anything.map(lambda v: as_json(v).decode())
)
@example(b"\x02" + (100_000).to_bytes(4, "big") + len(DEEP).to_bytes(4, "big") + DEEP)
@example("[" * 100_000)
@tries(200)
def test_a_message_is_decoded_or_said_to_be_none(message: bytes | str) -> None:
    with contextlib.suppress(ValueError):
        kind, data = telemetry.decode(message)
        assert isinstance(kind, str)
        assert isinstance(data, dict)


@given(nearly(QUERY).map(as_json) | BODIES | anything.map(as_json))
@example(b'{"status": "success", "data": {"result": [{"metric": {"job": []}, "values": [[1, "1"]]}]}}')
@example(b'{"status": "success", "data": {"result": [{"metric": null, "values": [[1, "1"]]}]}}')
@tries(150)
def test_what_prometheus_says_is_read_or_said_to_be_none(monkeypatched: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatched.setattr(http, "send", lambda *_, **__: answer(body))
    client = Prometheus("http://prometheus.example", None, "agent")
    looked(client.query, "up")
    looked(client.range, "up", 0.0, 10.0, 1.0)
    for one in looked(client.targets) or ():
        assert one.place
    looked(client.alertmanagers)
    looked(client.declares, "up")
    assert isinstance(client.version(), str)
    looked(gamejob.game_job, client)
    rules = looked(client.rules) or []
    for rule in rules:
        assert not math.isnan(rule.hold)
        looked(promrules.metrics, rule)
        looked(recorded.needed, rule)
        looked(promrules.threshold, rule, promrules.DOCUMENTED[0])
    for wanted in promrules.DOCUMENTED:
        looked(promrules.find, rules, wanted)


@given(
    nearly(CONFIGURATION).map(lambda said: as_json({"config": {"original": json.dumps(said, default=str)}}))
    | anything.map(as_json)
)
@tries(200)
def test_what_alertmanager_says_is_read_or_said_to_be_none(monkeypatched: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatched.setattr(http, "send", lambda *_, **__: answer(body))
    client = Alertmanager("http://alertmanager.example", "agent")
    looked(client.counts, "alertmanager_notifications_total")
    made = looked(client.configuration)
    if made is not None:
        looked(made.receivers_with, "email")
        looked(lambda: (made.settings, made.route, made.integrations("a")))
        looked(made.group_wait, {"severity": "critical"})
        for rule in looked(made.inhibitions) or ():
            looked(rule.may_silence, "critical")
            looked(rule.speaks_for, "critical")


@given(nearly(DASHBOARDS).map(as_json) | anything.map(as_json), nearly([{"type": "prometheus", "uid": "u"}]).map(as_json))
@tries(200)
def test_what_grafana_says_is_read_or_said_to_be_none(monkeypatched: pytest.MonkeyPatch, body: bytes, listed: bytes) -> None:
    monkeypatched.setattr(
        http, "send", lambda _, url, **__: answer(listed if url.endswith(("datasources", "limit=200")) else body)
    )
    client = Grafana("http://grafana.example", Secret("x" * 12), "agent")
    for look in (client.source, client.source_health, client.panels):
        looked(look)
    looked(client.values, "rate(up[$__rate_interval])")


@pytest.fixture
def monkeypatched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch
