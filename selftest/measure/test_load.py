"""The generator against a server of known delays. Figures with their tolerance are `selftest.bench`'s; here it must work.

This machine may be busy, so what is asserted of times are bounds that no busy neighbour can break: the true delay is the
least a latency can be, and failures, counts and schedules do not depend on speed.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from preflight.errors import LockedOut, LookError
from preflight.probes import load
from preflight.probes.load import Batch
from preflight.probes.load_process import Lane, Order


def sent(truth: str, *paths: str, rate: float = 50.0, rounds: int = 60, **more) -> list[Batch]:
    lanes = tuple(Lane("GET", truth + path, 1 / rate) for path in paths)
    order = Order(lanes=lanes, rounds=rounds, period_s=len(paths) / rate, warm_up=2, seed=7, **more)
    return load.send(order, [f"GET {path}" for path in paths])


def latencies(batch: Batch) -> np.ndarray:
    return np.array([sample.ms for sample in batch.samples])


def test_schedule_is_open_jittered_and_repeatable(truth):
    (first,), (second,) = sent(truth, "/constant?ms=1"), sent(truth, "/constant?ms=1")
    times = np.array([[s.at - b.samples[0].at for s in b.samples] for b in (first, second)])
    assert np.abs(times[0] - times[1]).max() < 0.002, "the same seed gives the same schedule"
    steps = np.diff(times[0])
    assert 0.5 / 50 - 0.001 < steps.min() < steps.max() < 1.5 / 50 + 0.001
    assert times[0][-1] == pytest.approx(59 / 50, abs=0.02)


def test_latency_is_at_least_the_injected_delay(truth):
    (batch,) = sent(truth, "/constant?ms=8")
    assert latencies(batch).min() >= 7.9
    assert np.median(latencies(batch)) < 30
    assert not any(sample.failed for sample in batch.samples)


def test_a_stall_is_seen_by_all_the_requests_it_delayed(truth):
    """Serial, 5 ms each, at 100/s: the backlog of a stall of 0.3 s drains in another 0.3 s; a closed loop meets it once."""
    (batch,) = sent(truth, "/stall?ms=5&stall_s=0.3&period_s=2.5", rate=100, rounds=300)
    ms = latencies(batch)
    assert np.sum(ms > 50) >= 40
    assert 260 <= np.sort(ms)[-3] <= 600


def test_two_speeds(truth):
    (batch,) = sent(truth, "/bimodal?ms=2&slow=0.2&slow_ms=60", rate=100, rounds=100)
    assert np.sum(latencies(batch) >= 59.9) >= 20


def test_endpoints_are_asked_in_turn(truth):
    fast, slow = sent(truth, "/constant?ms=1&a=1", "/constant?ms=40&a=2", rounds=30)
    assert len(fast.samples) == len(slow.samples) == 30
    assert latencies(slow).min() >= 39.9
    order = sorted([(s.at, "fast") for s in fast.samples] + [(s.at, "slow") for s in slow.samples])
    assert all(a[1] != b[1] for a, b in itertools.pairwise(order))


def test_errors_and_time_outs_count_as_failed(truth):
    (errors,) = sent(truth, "/errors?ms=5&bad=0.1")
    assert sum(sample.failed for sample in errors.samples) in (5, 6, 7)
    (hanging,) = sent(truth, "/hang?ms=2&bad=0.1", timeout_s=0.7)
    hung = [sample for sample in hanging.samples if sample.what == "timeout"]
    assert len(hung) in (5, 6, 7)
    assert all(sample.ms >= 690 for sample in hung)


def test_failures_of_the_warm_up_are_kept(truth):
    (batch,) = sent(truth, "/errors?ms=1&bad=0.5&b=1", rounds=4)
    assert len(batch.warm_up_failures) == 1


def test_connections_are_kept_or_fresh(truth):
    (kept,), (fresh,) = sent(truth, "/constant?ms=1"), sent(truth, "/constant?ms=1", fresh=True)
    assert sum(sample.fresh for sample in kept.samples) < 20
    assert all(sample.fresh for sample in fresh.samples)


def test_refusals_are_no_latencies(truth):
    (limited,) = sent(truth, "/status?ms=1&status=429", rounds=30)
    assert isinstance(limited.refusal, LockedOut)
    assert limited.sent["429"] <= 3, "nothing more is sent after a refusal"
    (unknown,) = sent(truth, "/status?ms=1&status=401", rounds=10)
    assert "401" in str(unknown.refusal)
    assert not isinstance(unknown.refusal, LockedOut)


def test_nobody_there():
    (batch,) = sent("http://127.0.0.1:9", "/", rounds=50)
    assert not batch.samples
    assert batch.warm_up_failures == ("connection", "connection")


def test_source_address(truth):
    (batch,) = sent(truth, "/constant?ms=1", rounds=5, sources=("127.0.0.1",))
    assert len(batch.samples) == 5
    (foreign,) = sent(truth, "/constant?ms=1", rounds=5, sources=("192.0.2.1",))
    assert not foreign.samples


def test_a_generator_that_falls_behind_can_not_vouch():
    def samples(lag: float) -> list[load.Sample]:
        return [load.Sample(0.0, 5.0, "200", fresh=False, lag=lag if i % 20 == 0 else 0.02) for i in range(100)]

    assert load.fell_behind(samples(0.5), 12.0) == ""
    assert "fell behind" in load.fell_behind(samples(0.9), 12.0)


def test_a_generator_that_does_not_start_is_an_error(monkeypatch):
    monkeypatch.setattr(load.sys, "executable", "/bin/false")
    with pytest.raises(LookError, match="died"):
        sent("http://127.0.0.1:9", "/", rounds=1)
