"""Faults of latency, what each must make of an item, and the look at one of them through a rehearsal.

The quick ones are tests; all of them: `python -m selftest.measure faults`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from preflight import baselines, checklist
from preflight.budget import Budget
from preflight.evidence import Evidence
from preflight.judge import Judged, judge
from preflight.measuring import Latency
from preflight.probes.api import Api
from preflight.probes.sampler import Sampler
from preflight.rehearsal.behaviour import CLEAN_LATENCY, DelayModel, Deployment
from preflight.rehearsal.deploy import Rehearsal
from preflight.rehearsal.faults import FAULTS, LOOK_ALIKES
from preflight.rehearsal.faults.model import Change, delayed
from preflight.target import load

ROOT = Path(__file__).resolve().parents[2]
P95 = {"GET /health": 18, "GET /status": 12, "GET /scene": 68, "POST /scene": 245, "GET /scenes": 55}
P99 = {"GET /health": 25, "GET /status": 18, "GET /scene": 92, "POST /scene": 320, "GET /scenes": 78}
ITEM = {
    "GET /health": ("PERF-LAT-01", "PERF-LAT-02"),
    "GET /status": ("PERF-LAT-03", "PERF-LAT-04"),
    "GET /scene": ("PERF-LAT-05", "PERF-LAT-06"),
    "POST /scene": ("PERF-LAT-07", "PERF-LAT-08"),
    "GET /scenes": ("PERF-LAT-09", "PERF-LAT-10"),
}
Look = Callable[[Latency], None]


@dataclass(frozen=True)
class Case:
    """A change of the clean deployment, an item, the statuses it may get, and words of its reason.

    Look-alikes may get any status but a FAIL: on a busy machine samples beyond a tight limit are real.
    """

    name: str
    change: Change
    item: str
    look: Look
    gives: tuple[str, ...]
    says: str = ""
    quick: bool = False
    baseline: Mapping[str, float] = field(default_factory=dict)


def tail(call: str, slow_ms: float, share: float) -> Change:
    """A share of an endpoint's answers takes `slow_ms`, on the clock and not in steps of the game's polls."""
    return delayed(call, replace(CLEAN_LATENCY.get(call, DelayModel()), slow_ms=slow_ms, slow_share=share, quantised=False))


def named(name: str) -> Change:
    """A fault or look-alike of the rehearsal."""
    return {**FAULTS, **LOOK_ALIKES}[name].change


def p95(call: str) -> Look:
    return lambda latency: latency.percentile("p95", call)


def p99(call: str) -> Look:
    return lambda latency: latency.percentile("p99", call)


def _over() -> list[Case]:
    quick = ("GET /health", "GET /status")
    cases = []
    for call, within in P95.items():
        (low, high), rarely = ITEM[call], P99[call]
        word = call.replace(" /", "_").lower()
        cases += [
            Case(f"p95_over_{word}", tail(call, within + 4, 0.25), low, p95(call), ("FAIL",), "p95 is", quick=call in quick),
            Case(f"p95_just_under_{word}", tail(call, within - 5, 0.25), low, p95(call), ("PASS", "WARN", "PENDING")),
            Case(f"p99_over_{word}", tail(call, rarely + 4, 0.08), high, p99(call), ("FAIL",), "p99 is"),
            Case(f"p99_just_under_{word}", tail(call, rarely - 5, 0.08), high, p99(call), ("PASS", "WARN", "PENDING")),
        ]
    return cases


def _baseline(name: str, factor: float, item: str, gives: tuple[str, ...], says: str = "") -> Case:
    """Everything takes `factor` times what the baseline says: the baseline is the clean one's, by its injected delays."""
    call = "GET /scene"
    change = delayed(call, DelayModel(ms=40 * factor, quantised=False))
    return Case(
        name, change, item, lambda latency: latency.against_baseline("p95_ratio", call), gives, says, baseline={call: 40.0}
    )


CASES = [
    *_over(),
    Case("health_always_slow", named("health_always_slow"), "PERF-LAT-01", p95("GET /health"), ("FAIL",), "p95 is", quick=True),
    Case("fast_errors", named("fast_errors"), "PERF-LAT-03", p95("GET /status"), ("FAIL",), "p95 is 10000", quick=True),
    Case("slow_warm_up", named("slow_warm_up"), "PERF-LAT-01", p95("GET /health"), ("PASS", "WARN", "PENDING"), quick=True),
    Case("five_percent_slow", named("five_percent_slow"), "PERF-LAT-04", p99("GET /status"), ("FAIL",), "p99 is 30"),
    Case(
        "now_and_then_no_answer",
        named("now_and_then_no_answer"),
        "PERF-LAT-14",
        lambda latency: latency.no_timeouts("GET /status", least=120),
        ("FAIL",),
        "timeouts is",
    ),
    Case(
        "p95_over_500_ms",
        tail("GET /scene", 620, 0.3),
        "PERF-LAT-12",
        lambda latency: latency.percentile("p95", "GET /health", "GET /status", "GET /scene"),
        ("FAIL",),
        "GET /scene",
    ),
    Case("p95_over_200_ms", tail("GET /performance", 230, 0.3), "PERF-LAT-11", p95("GET /performance"), ("FAIL",), "p95 is 23"),
    Case("stall_each_30_s", named("stall_each_30_s"), "PERF-LAT-06", p99("GET /scene"), ("FAIL", "PENDING"), "p99"),
    Case(
        "latency_drifts",
        named("latency_drifts"),
        "PERF-LAT-13",
        lambda latency: latency.trend("GET /scenes"),
        ("FAIL",),
        "rise is",
    ),
    _baseline("twice_the_baseline_and_more", 2.4, "PERF-BASE-01", ("FAIL",), "p95_ratio is 2"),
    _baseline("one_and_a_half_the_baseline_and_more", 1.8, "PERF-BASE-02", ("FAIL",), "p95_ratio is 1"),
    _baseline("a_tenth_more_than_the_baseline", 1.1, "PERF-BASE-02", ("PASS", "WARN")),
]


def look(case: Case) -> tuple[Judged, Evidence]:
    """The engine's status of the case's item, with what was seen."""
    items = checklist.load(ROOT / "checklist.toml").by_id
    with tempfile.TemporaryDirectory(prefix="latency-") as temporary:
        folder = Path(temporary)
        with Rehearsal(case.change(Deployment()), folder / "rehearsal") as rehearsal, _kept(case, folder):
            target = load(rehearsal.target, {**os.environ, **rehearsal.environment})
            budget = Budget(folder / "budget.json", ["", *target.facts.manners.addresses])
            api = Api(target, budget, "preflight-selftest")
            token = target.secret("token")
            assert token is not None
            session: Any = SimpleNamespace(target=target, api=api)
            sampler = Sampler(target, api, budget, user_agent="preflight-selftest", cap_s=300.0, wishes={})
            evidence = Evidence(items[case.item])
            error: BaseException | None = None
            try:
                case.look(Latency(sampler, evidence, session, token, 1))
            except Exception as problem:  # noqa: BLE001 - what it means is for the engine to say
                error = problem
            judged = judge(error, "call", evidence, case.name, None, alone=False, tests=ROOT / "tests")
    return judged, evidence


def _kept(case: Case, folder: Path) -> Any:
    """Baselines in a folder of their own, with the case's in it."""
    place = folder / "baselines"
    patched = mock.patch.object(baselines, "folder", return_value=place)
    if case.baseline:
        with patched:
            file = place / "rehearsal" / baselines.machine() / "before.json"
            file.parent.mkdir(parents=True)
            latencies = {call: [ms + 2 * (i % 7) / 7 for i in range(200)] for call, ms in case.baseline.items()}
            about = {"target": "rehearsal", "build": "2.4.0", "machine": baselines.machine(), "measured": "", "run": ""}
            baselines._replay(latencies, {**about, "saved": "2026-01-01T00:00:00+00:00"}, file)
    return patched
