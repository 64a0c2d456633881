"""How true the generator's times are: against a server of known delays, and wrk beside it in the same run."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np

from preflight.probes import load
from preflight.probes.load_process import Lane, Order

_RATES = (50.0, 100.0, 200.0)
_TRIES = 3
_STAY_AWAKE = """
import os
parent = os.getppid()
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while os.getppid() == parent:
    os.sched_yield()
"""


@contextmanager
def _awake() -> Iterator[None]:
    """Keep every processor from sleeping, by processes that anything else precedes.

    A virtual processor takes some 0.1 ms to wake, twice for each answer: the machine's time, and neither the server's
    nor the generator's. Only where the system knows such a priority.
    """
    count = os.cpu_count() or 1 if sys.platform == "linux" else 0
    idlers = [subprocess.Popen([sys.executable, "-c", _STAY_AWAKE]) for _ in range(count)]
    try:
        yield
    finally:
        for idler in idlers:
            idler.kill()
            idler.wait()


@contextmanager
def truth() -> Iterator[str]:
    """The address of the server of known delays, while it runs."""
    child = subprocess.Popen(
        [sys.executable, "-m", "selftest.measure.truth_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.stdin.close()
        child.wait(10)


def measured(url: str, rate: float, rounds: int) -> tuple[np.ndarray, float]:
    """Latencies (ms; failed ones are infinite) and the P99 of the send lag (ms)."""
    order = Order(lanes=(Lane("GET", url, 1 / rate),), rounds=rounds, period_s=1 / rate, warm_up=5, seed=11)
    (batch,) = load.send(order, ["bench"])
    lag = float(np.quantile([sample.lag for sample in batch.samples], 0.99))
    return np.array([np.inf if sample.failed else sample.ms for sample in batch.samples]), lag


def _late(url: str) -> float:
    """How late (ms, P99) the server's answers left since it was asked last: what the machine did to it."""
    with urlopen(f"{url}/late", timeout=10) as answer:
        return float(answer.read())


def row(what: str, measured: float, unit: str, target: str = "", **more: Any) -> dict[str, Any]:
    """A row of the table."""
    return {"what": what, "measured": round(measured, 2), "unit": unit, "target": target, **more}


def generator() -> list[dict[str, Any]]:
    """The generator's percentiles against known injected delays."""
    rows, seconds = [], 10
    cases = {
        "constant 8 ms": ("/constant?ms=8", {0.5: 8.0, 0.95: 8.0, 0.99: 8.0}),
        "bimodal 5 ms, 6 % of 40 ms": ("/bimodal?ms=5&slow=0.06&slow_ms=40", {0.5: 5.0, 0.95: 40.0, 0.99: 40.0}),
        "drift 20 ms + 2 %/s": ("/drift?ms=20&per_s=0.02", {}),
    }
    with _awake(), truth() as url:
        # the tries of a case lie minutes apart; the one shown is that in which the machine held the server up least
        tries: dict[tuple[float, str], list[tuple[float, np.ndarray, float]]] = {}
        for number in range(_TRIES):
            for rate in _RATES:
                for name, (path, _) in cases.items():
                    _late(url)
                    ms, lag = measured(f"{url}{path}&rate={rate:g}&try={number}", rate, int(seconds * rate))
                    tries.setdefault((rate, name), []).append((_late(url), ms, lag))
        for rate in _RATES:
            for name, (_, known) in cases.items():
                late, ms, lag = min(tries[rate, name], key=lambda one: one[0])
                expected = known or {q: 20 * (1 + 0.02 * seconds * q) for q in (0.5, 0.95, 0.99)}
                for quantile, true in expected.items():
                    value = float(np.sort(ms)[int(np.ceil(quantile * ms.size - 1e-9)) - 1])
                    allowed = max(0.05 * true, 0.5)
                    rows.append(
                        row(
                            f"{name}, {rate:g}/s, P{100 * quantile:g} (true {true:g})",
                            value,
                            "ms",
                            f"{true - allowed:.2f} to {true + allowed:.2f}",
                            lag_p99=round(lag, 3),
                            server_late_p99=late,
                        )
                    )
            ms, _ = measured(f"{url}/errors?ms=5&bad=0.1&rate={rate:g}", rate, int(5 * rate))
            rows.append(
                row(f"10 % errors in 1 ms, {rate:g}/s, counted as over every limit", 100 * np.mean(np.isinf(ms)), "%", "10")
            )
        for quantile, value in _by_wrk(f"{url}/constant?ms=8&wrk=1", 10).items():
            rows.append(row(f"constant 8 ms by wrk (1 connection, closed loop), P{quantile} (true 8)", value, "ms"))
    return rows


def _by_wrk(url: str, seconds: int) -> dict[int, float]:
    """The P50 and P99 (ms) that wrk finds with one connection; nothing where it is not installed."""
    wrk = shutil.which("wrk")
    if not wrk:
        return {}
    words = [wrk, "-t1", "-c1", f"-d{seconds}s", "--latency", url]
    text = subprocess.run(words, capture_output=True, text=True, timeout=2 * seconds + 30, check=True).stdout
    found = re.findall(r"\b(50|99)%\s+([\d.]+)(us|ms|s)", text)
    return {int(quantile): float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit] for quantile, value, unit in found}


def _closed_loop(url: str, seconds: float) -> list[float]:
    """Latencies (ms) of requests that each wait for the answer before."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    latencies = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        connection.request("GET", f"{parts.path}?{parts.query}")
        connection.getresponse().read()
        latencies.append(1000 * (time.perf_counter() - began))
    connection.close()
    return latencies


def stall() -> list[dict[str, Any]]:
    """A serial server of 5 ms that stalls 1.5 s once in 30 s: open loop against closed loop."""
    rows = []
    with truth() as url:
        ms, lag = measured(f"{url}/stall?ms=5&stall_s=1.5&period_s=30", 100, 6000)
        rows.append(
            row(
                "stall of 1.5 s each 30 s, 100/s, P99, open loop",
                float(np.quantile(ms, 0.99)),
                "ms",
                "1350",
                lag_p99=round(lag, 3),
            )
        )
        closed = _closed_loop(f"{url}/stall?ms=5&stall_s=1.5&period_s=30&closed=1", 60.0)
        rows.append(
            row(
                "the same, P99, closed loop (the next request waits for the answer)",
                float(np.quantile(closed, 0.99)),
                "ms",
                "hides it",
            )
        )
        by_wrk = _by_wrk(f"{url}/stall?ms=5&stall_s=1.5&period_s=30&wrk=1", 60)
        if by_wrk:
            rows.append(row("the same, P99 by wrk (1 connection; it makes up for coordinated omission itself)", by_wrk[99], "ms"))
    return rows


def rate() -> list[dict[str, Any]]:
    """The highest rate at which the generator's own delay stays negligible."""
    best, rows = 0.0, []
    with truth() as url:
        for asked in (200.0, 400.0, 800.0, 1200.0, 1600.0):
            ms, lag = measured(f"{url}/constant?ms=8&rate={asked:g}", asked, int(5 * asked))
            p95 = float(np.quantile(ms, 0.95))
            if lag > 0.05 * 12 or p95 > 9.0 or not np.isfinite(p95):
                break
            best = asked
    rows.append(
        row("highest rate with send lag P99 under 0.6 ms and P95 within 1 ms of 8 ms", best, "requests/s", "at least 200")
    )
    return rows
