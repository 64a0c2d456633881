"""Of several endpoints a definite no is said first, whatever could not be measured."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from preflight import measuring
from preflight.baselines import Baseline
from preflight.checklist import load
from preflight.errors import LookError, Undecided
from preflight.evidence import Evidence, LimitBroken
from preflight.measuring import Latency
from preflight.outcome import Reason
from preflight.probes.load import Sample
from preflight.probes.sampler import Series
from preflight.redact import Secret
from preflight.session import now

TOKEN = Secret("a-token-that-nobody-uses")


class Measured:
    """A sampler whose endpoints take so many milliseconds each, or can't be measured."""

    cap_s, where = 300.0, "at the game itself, from 127.0.0.9"

    def __init__(self, *, behind: str = "", **endpoints: float | Exception) -> None:
        self._behind = behind
        self._endpoints = {f"GET /{name}": what for name, what in endpoints.items()}

    def more(self, call: str, n: int, _: Secret) -> Series:
        what = self._endpoints[call]
        if isinstance(what, Exception):
            raise what
        return self.series(call, what, n)

    def have(self, call: str) -> Series | None:
        what = self._endpoints.get(call)
        return None if what is None else Series(call, 10.0, ("",)) if isinstance(what, Exception) else self.series(call, what, 90)

    def calls(self) -> list[str]:
        return list(self._endpoints)

    def left(self, _: str) -> int:
        return 10_000

    def series(self, call: str, ms: float, n: int) -> Series:
        samples = [Sample(float(i), ms, "200", fresh=False, lag=0.01, batch=1) for i in range(n)]
        return Series(call, 10.0, ("",), samples=samples, seeds=[1], behind=self._behind)


def latency(item: str, *, behind: str = "", **endpoints: float | Exception) -> Latency:
    facts = SimpleNamespace(name="t", build="1", api=SimpleNamespace(endpoints=()))
    session: Any = SimpleNamespace(target=SimpleNamespace(facts=facts))
    sampler: Any = Measured(behind=behind, **endpoints)
    return Latency(sampler, Evidence(load().by_id[item]), session, TOKEN, 1)


NOT_ASKED = Undecided(Reason.SAMPLES, "GET /scene: not asked")
BROKEN = LookError("GET /mine: 404")


@pytest.mark.parametrize("error", [NOT_ASKED, BROKEN])
def test_a_percentile_that_is_broken_is_said_before_one_that_is_not_known(error: Exception) -> None:
    with pytest.raises(LimitBroken, match="p95 is 900"):
        latency("PERF-LAT-12", scene=error, health=900.0).percentile("p95", "GET /scene", "GET /health")


def test_an_error_is_said_before_what_waits() -> None:
    with pytest.raises(LookError, match="404"):
        latency("PERF-LAT-12", scene=NOT_ASKED, mine=BROKEN, health=9.0).percentile(
            "p95", "GET /scene", "GET /mine", "GET /health"
        )
    with pytest.raises(Undecided, match="not asked"):
        latency("PERF-LAT-12", scene=NOT_ASKED, health=9.0).percentile("p95", "GET /scene", "GET /health")


def test_a_baseline_that_lacks_an_endpoint_decides_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Baseline("t", "0", "a machine", "", now(), Path("baseline.json"), {"GET /health": [9.0] * 90})
    monkeypatch.setattr(measuring.baselines, "of", lambda *_: before)

    with pytest.raises(Undecided, match="holds nothing of GET /scene"):
        latency("PERF-BASE-01", health=9.0, scene=9.0).against_baseline("p95_ratio", "GET /health", "GET /scene")
    with pytest.raises(LimitBroken):
        latency("PERF-BASE-01", health=90.0, scene=9.0).against_baseline("p95_ratio", "GET /health", "GET /scene")


LATE = "the generator fell behind: its send lag has P99 5.00 ms"


def test_what_keeps_its_limit_in_spite_of_our_own_delay_keeps_it() -> None:
    judged = latency("PERF-LAT-12", behind=LATE, health=9.0)
    judged.percentile("p95", "GET /health")
    assert judged._evidence.facts["behind at GET /health"] == LATE


@pytest.mark.parametrize("ms", [900.0, 499.0])
def test_what_does_not_may_be_our_own_delay(ms: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Measured, "left", lambda *_: 0 if ms < 500 else 10_000)
    monkeypatch.setattr(Latency, "_can_decide", lambda *_: None)
    judged = latency("PERF-LAT-12", behind=LATE, health=ms, scene=9.0)
    if ms < 500:  # undecided: some answers on either side
        monkeypatch.setattr(Series, "milliseconds", lambda *_: [499.0] * 86 + [501.0] * 4)
    with pytest.raises(LookError, match="GET /health: the generator fell behind"):
        judged.percentile("p95", *(["GET /scene"] if ms > 500 else []), "GET /health")


def test_a_trend_and_a_baseline_do_not_pass_for_our_own_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LookError, match="GET /health: the generator fell behind"):
        latency("PERF-LAT-13", behind=LATE, health=9.0).trend("GET /health")
    before = Baseline("t", "0", "a machine", "", now(), Path("baseline.json"), {"GET /health": [9.0] * 90})
    monkeypatch.setattr(measuring.baselines, "of", lambda *_: before)
    latency("PERF-BASE-01", behind=LATE, health=9.0).against_baseline("p95_ratio", "GET /health")
    with pytest.raises(LookError, match="GET /health: the generator fell behind"):
        latency("PERF-BASE-01", behind=LATE, health=90.0).against_baseline("p95_ratio", "GET /health")
