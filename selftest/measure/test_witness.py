"""The server's own histogram, read and compared."""

from __future__ import annotations

import pytest

from preflight.errors import BadAnswer
from preflight.measure.witness import judge_witness
from preflight.probes import histogram

EDGES = (0.005, 0.01, 0.025, 0.05, float("inf"))


def exposition(counts, labels='endpoint="/health"'):
    rows = ["# TYPE http_request_duration_seconds histogram"]
    for edge, count in zip(("0.005", "0.01", "0.025", "0.05", "+Inf"), counts, strict=True):
        rows.append(f'http_request_duration_seconds_bucket{{{labels},le="{edge}"}} {count}')
    rows += [f"http_request_duration_seconds_count{{{labels}}} {counts[-1]}", "vr_active_sessions 2"]
    return "\n".join(rows) + "\n"


def grown(before, after):
    first, second = (histogram.read(exposition(counts), "GET /health") for counts in (before, after))
    assert first is not None
    assert second is not None
    return second.since(first)


def test_growth_between_two_readings():
    found = grown((5, 6, 7, 7, 7), (15, 86, 97, 97, 97))
    assert found.buckets == ((0.005, 10), (0.01, 80), (0.025, 90), (0.05, 90), (float("inf"), 90))
    assert not found.by_method


def test_a_restart_is_no_growth():
    with pytest.raises(BadAnswer, match="restarted"):
        grown((5, 6, 7, 7, 7), (1, 2, 3, 3, 3))


def test_methods_are_told_apart_where_they_are_labelled():
    text = (
        exposition((1, 1, 1, 1, 1), 'endpoint="/health",method="GET"')
        + exposition((9, 9, 9, 9, 9), 'endpoint="/health",method="POST"').split("\n", 1)[1]
    )
    found = histogram.read(text, "GET /health")
    assert found is not None
    assert found.by_method
    assert found.buckets[-1][1] == 1


def test_other_endpoints_and_builds_without_it():
    assert histogram.read(exposition((1, 1, 1, 1, 1)), "GET /status") is None
    assert histogram.gauge(exposition((1, 1, 1, 1, 1)), "vr_active_sessions") == 2
    assert histogram.gauge(exposition((1, 1, 1, 1, 1)), "vr_fps") is None


def test_no_exposition_format():
    with pytest.raises(BadAnswer, match="text format"):
        histogram.read("<html>{</html>", "GET /health")


def judged(counts, samples):
    return judge_witness(tuple(zip(EDGES, counts, strict=True)), samples)


def test_both_agree():
    found = judged((10, 80, 90, 90, 90), [4.0] * 8 + [9.0] * 70 + [12.0] * 12)
    assert found.agrees, found.text
    assert (found.inside_low, found.inside_high) == (10, 25)


def test_slow_inside_and_fast_outside_can_not_be():
    found = judged((0, 10, 20, 90, 90), [4.0] * 90)
    assert not found.agrees
    assert "counts something else" in found.text


def test_time_lost_on_the_way():
    found = judged((90, 90, 90, 90, 90), [40.0] * 90)
    assert "on the way" in found.text


def test_requests_that_were_not_counted():
    assert "counted 45 of 90" in judged((45, 45, 45, 45, 45), [4.0] * 90).text
    assert judged((95, 95, 95, 95, 95), [4.0] * 90).agrees, "others may ask as well"
