"""What the suite costs and how true its times are: `python -m selftest.bench [--only NAME] [--json FILE] [--write]`.

Figures, never a test: on a busy machine they are worse, and nothing is wrong. `--write` puts the table into
docs/benchmarks.md with the class of the machine; with `--only` the other rows stay.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np

from preflight.checklist import ROOT
from preflight.measure.change import judge_change
from preflight.measure.percentile import judge_percentile
from preflight.measure.trend import judge_trend
from preflight.probes import load
from preflight.probes.load_process import Lane, Order
from preflight.session import SUITE

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- written by `python -m selftest.bench --write` -->", "<!-- end of what is written -->"
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
def _truth() -> Iterator[str]:
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


def _measured(url: str, rate: float, rounds: int) -> tuple[np.ndarray, float]:
    """Latencies (ms; failed ones are infinite) and the P99 of the send lag (ms)."""
    order = Order(lanes=(Lane("GET", url, 1 / rate),), rounds=rounds, period_s=1 / rate, warm_up=5, seed=11)
    (batch,) = load.send(order, ["bench"])
    lag = float(np.quantile([sample.lag for sample in batch.samples], 0.99))
    return np.array([np.inf if sample.failed else sample.ms for sample in batch.samples]), lag


def _late(url: str) -> float:
    """How late (ms, P99) the server's answers left since it was asked last: what the machine did to it."""
    with urlopen(f"{url}/late", timeout=10) as answer:
        return float(answer.read())


def _row(what: str, measured: float, unit: str, target: str = "", **more: Any) -> dict[str, Any]:
    return {"what": what, "measured": round(measured, 2), "unit": unit, "target": target, **more}


def generator() -> list[dict[str, Any]]:
    """The generator's percentiles against known injected delays."""
    rows, seconds = [], 10
    cases = {
        "constant 8 ms": ("/constant?ms=8", {0.5: 8.0, 0.95: 8.0, 0.99: 8.0}),
        "bimodal 5 ms, 6 % of 40 ms": ("/bimodal?ms=5&slow=0.06&slow_ms=40", {0.5: 5.0, 0.95: 40.0, 0.99: 40.0}),
        "drift 20 ms + 2 %/s": ("/drift?ms=20&per_s=0.02", {}),
    }
    with _awake(), _truth() as url:
        # the tries of a case lie minutes apart; the one shown is that in which the machine held the server up least
        tries: dict[tuple[float, str], list[tuple[float, np.ndarray, float]]] = {}
        for number in range(_TRIES):
            for rate in _RATES:
                for name, (path, _) in cases.items():
                    _late(url)
                    ms, lag = _measured(f"{url}{path}&rate={rate:g}&try={number}", rate, int(seconds * rate))
                    tries.setdefault((rate, name), []).append((_late(url), ms, lag))
        for rate in _RATES:
            for name, (_, truth) in cases.items():
                late, ms, lag = min(tries[rate, name], key=lambda one: one[0])
                expected = truth or {q: 20 * (1 + 0.02 * seconds * q) for q in (0.5, 0.95, 0.99)}
                for quantile, true in expected.items():
                    value = float(np.sort(ms)[int(np.ceil(quantile * ms.size - 1e-9)) - 1])
                    allowed = max(0.05 * true, 0.5)
                    rows.append(
                        _row(
                            f"{name}, {rate:g}/s, P{100 * quantile:g} (true {true:g})",
                            value,
                            "ms",
                            f"{true - allowed:.2f} to {true + allowed:.2f}",
                            lag_p99=round(lag, 3),
                            server_late_p99=late,
                        )
                    )
            ms, _ = _measured(f"{url}/errors?ms=5&bad=0.1&rate={rate:g}", rate, int(5 * rate))
            rows.append(
                _row(f"10 % errors in 1 ms, {rate:g}/s, counted as over every limit", 100 * np.mean(np.isinf(ms)), "%", "10")
            )
        for quantile, value in _by_wrk(f"{url}/constant?ms=8&wrk=1", 10).items():
            rows.append(_row(f"constant 8 ms by wrk (1 connection, closed loop), P{quantile} (true 8)", value, "ms"))
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
    with _truth() as url:
        ms, lag = _measured(f"{url}/stall?ms=5&stall_s=1.5&period_s=30", 100, 6000)
        rows.append(
            _row(
                "stall of 1.5 s each 30 s, 100/s, P99, open loop",
                float(np.quantile(ms, 0.99)),
                "ms",
                "1350",
                lag_p99=round(lag, 3),
            )
        )
        closed = _closed_loop(f"{url}/stall?ms=5&stall_s=1.5&period_s=30&closed=1", 60.0)
        rows.append(
            _row(
                "the same, P99, closed loop (the next request waits for the answer)",
                float(np.quantile(closed, 0.99)),
                "ms",
                "hides it",
            )
        )
        by_wrk = _by_wrk(f"{url}/stall?ms=5&stall_s=1.5&period_s=30&wrk=1", 60)
        if by_wrk:
            rows.append(
                _row("the same, P99 by wrk (1 connection; it makes up for coordinated omission itself)", by_wrk[99], "ms")
            )
    return rows


def rate() -> list[dict[str, Any]]:
    """The highest rate at which the generator's own delay stays negligible."""
    best, rows = 0.0, []
    with _truth() as url:
        for asked in (200.0, 400.0, 800.0, 1200.0, 1600.0):
            ms, lag = _measured(f"{url}/constant?ms=8&rate={asked:g}", asked, int(5 * asked))
            p95 = float(np.quantile(ms, 0.95))
            if lag > 0.05 * 12 or p95 > 9.0 or not np.isfinite(p95):
                break
            best = asked
    rows.append(
        _row("highest rate with send lag P99 under 0.6 ms and P95 within 1 ms of 8 ms", best, "requests/s", "at least 200")
    )
    return rows


def judging() -> list[dict[str, Any]]:
    """The time that judging takes."""
    rng = np.random.default_rng(1)
    ms = rng.lognormal(3, 0.3, 3000)
    looks: dict[str, Callable[[], Any]] = {
        "P99 of 3000 samples": lambda: judge_percentile(ms, 0.99, 200.0, inclusive=True),
        "comparison of 460 with 460 samples": lambda: judge_change(ms[:460].tolist(), ms[460:920].tolist(), 1.5),
        "trend over 3000 samples": lambda: judge_trend(np.arange(3000.0), ms, 40.0),
    }
    rows = []
    for name, look in looks.items():
        look()
        began = time.perf_counter()
        for _ in range(5):
            look()
        rows.append(_row(f"judging: {name}", 200 * (time.perf_counter() - began), "ms"))
    return rows


def memory() -> list[dict[str, Any]]:
    """The generator's memory over a long run."""
    with _truth() as url:
        _measured(f"{url}/constant?ms=2", 200, 6000)
    # the largest child so far, in kB on Linux; in a process of its own this is the generator's
    return [
        _row(
            "largest memory of a generator that keeps 6000 samples",
            resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
            "MB",
        )
    ]


def _wall(words: list[str], cwd: Path, repeat: int = 1) -> float:
    best = float("inf")
    for _ in range(repeat):
        began = time.perf_counter()
        subprocess.run(words, cwd=cwd, capture_output=True, check=False, timeout=1800)
        best = min(best, time.perf_counter() - began)
    return best


def collection() -> list[dict[str, Any]]:
    """Collecting the whole checklist, against bare pytest collecting nothing of ours."""
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "test_nothing.py").write_text("def test_nothing(): pass\n", "utf-8")
        bare = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:locust", "--rootdir", temporary, temporary]
        for ours in distribution(SUITE).entry_points.select(group="pytest11"):
            bare += ["-p", f"no:{ours.name}"]
        nothing = _wall(bare, Path(temporary), 5)
    whole = _wall([sys.executable, "-m", "pytest", "--collect-only", "-q", "tests"], ROOT, 5)
    return [_row("collection of the checklist above bare pytest's", whole - nothing, "s", "under 1", bare=round(nothing, 2))]


def _rehearsal(words: list[str]) -> float:
    with tempfile.TemporaryDirectory() as temporary:
        return _wall([sys.executable, "-m", "pytest", "--rehearse", "-q", "--record", temporary, *words], ROOT)


def security() -> list[dict[str, Any]]:
    """The security section in the rehearsal."""
    return [_row("pytest --rehearse -m security", _rehearsal(["-m", "security"]), "s", "under 15")]


def rehearsal() -> list[dict[str, Any]]:
    """The whole rehearsal."""
    return [_row("pytest --rehearse, everything", _rehearsal([]), "s", "under 180")]


BENCHES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    bench.__name__: bench for bench in (memory, generator, rate, stall, judging, collection, security, rehearsal)
}
"""In this order: the memory of a child can be told only while no larger one has run."""


def machine() -> str:
    """The class of the machine, and no more."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    return f"{os.cpu_count()} cores, {pages:.0f} GB, no GPU, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def table(rows: list[dict[str, Any]], before: str = "") -> str:
    """The figures as Markdown; what the table `before` has besides stays where it is."""
    lines = {row["what"]: f"| {row['what']} | {row['measured']:g} {row['unit']} | {row['target']} |" for row in rows}
    kept = {what: line for line in before.splitlines() if (what := line.split(" | ")[0].removeprefix("| ")) != line}
    kept = {what: line for what, line in kept.items() if what not in ("what", "---")}
    head = [f"Measured on {machine()}.", "", "| what | measured | should be |", "| --- | --- | --- |"]
    return "\n".join([*head, *(kept | lines).values()])


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m selftest.bench", description="What the suite costs, and how true its times are."
    )
    parser.add_argument("--only", action="append", choices=list(BENCHES), help="only this one (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each run would compile the suite anew
    rows = []
    for name, bench in BENCHES.items():
        if not chosen.only or name in chosen.only:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += bench()
    text = table(rows)
    print(text)
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine(), "figures": rows}, indent=1) + "\n", "utf-8")
    if chosen.write:
        before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
        old, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{table(rows, old if chosen.only else '')}\n\n{END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
