"""Baselines are kept by target, build and machine, and another machine's is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from preflight import baselines
from preflight.errors import UsageError

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(baselines, "folder", lambda: tmp_path / "baselines")
    return tmp_path / "baselines"


def record(monkeypatch, samples, *, build="2.4.0", machine=None, facts=()):
    facts = {**dict(facts), "measured": "at the game itself", "measured by": machine or baselines.machine()}
    outcomes = [SimpleNamespace(facts=facts, samples=samples), SimpleNamespace(facts={}, samples={"steps": [[1]]})]
    told = SimpleNamespace(
        items=[SimpleNamespace(outcomes=outcomes)], target=SimpleNamespace(name="eu-1", build=build), run_id="run-1"
    )
    monkeypatch.setattr(baselines, "read", lambda _: told)


def test_what_is_saved_comes_back(monkeypatch, tmp_path):
    ms = [float(i % 7) + 5.25 for i in range(120)]
    record(monkeypatch, {"GET /health": ms, "trend of GET /health": [[0, 1]], "GET /status": ms[:20]})
    file = baselines.save(tmp_path)
    raw = json.loads(file.read_text())
    assert raw["benchmarks"][0]["stats"]["rounds"] == 120, "any tool for pytest-benchmark's files can read it"
    (kept,) = baselines.list_()
    assert kept.latencies == {"GET /health": ms}
    assert (kept.target, kept.build, kept.measured) == ("eu-1", "2.4.0", "at the game itself")
    assert "GET /health" in baselines.show(kept)
    assert baselines.of("eu-1", "2.5.0") == kept
    assert baselines.of("us-1", "2.5.0") is None


def test_the_build_before_is_preferred(monkeypatch, folder):
    place = folder / "eu-1" / baselines.machine()
    place.mkdir(parents=True)
    for build, day in (("2.4.0", 1), ("2.5.0", 2)):
        about = {"target": "eu-1", "build": build, "machine": baselines.machine(), "measured": ""}
        bench = {
            "group": "GET /health",
            "extra_info": {**about, "saved": f"2026-01-0{day}T00:00:00+00:00"},
            "stats": {"data": [0.005]},
        }
        (place / f"{build}.json").write_text(json.dumps({"benchmarks": [bench]}))
    (place / "broken.json").write_text("{")
    assert [b.build for b in baselines.list_("eu-1")] == ["2.5.0", "2.4.0"]
    before = baselines.of("eu-1", "2.5.0")
    assert before is not None
    assert before.build == "2.4.0"


def test_another_machines_is_no_baseline(monkeypatch, tmp_path, folder):
    (folder / "eu-1" / "another").mkdir(parents=True)
    (folder / "eu-1" / "another" / "2.4.0.json").write_text("{}")
    assert baselines.of("eu-1", "2.5.0") is None
    assert baselines.elsewhere("eu-1")
    record(monkeypatch, {"GET /health": [5.0] * 90}, machine="another")
    with pytest.raises(UsageError, match="another machine"):
        baselines.save(tmp_path)


def test_too_few_or_failing_is_no_baseline(monkeypatch, tmp_path):
    record(monkeypatch, {"GET /health": [5.0] * 89})
    with pytest.raises(UsageError, match="holds no endpoint"):
        baselines.save(tmp_path)
    record(monkeypatch, {"GET /health": [5.0] * 88 + [baselines.FAILED_MS] * 2})
    with pytest.raises(UsageError, match="failed 2 of 90"):
        baselines.save(tmp_path)


def test_what_the_generator_fell_behind_at_is_no_baseline(monkeypatch, tmp_path):
    record(monkeypatch, {"GET /health": [5.0] * 90}, facts={"behind at GET /health": "P99 5.00 ms"})
    with pytest.raises(UsageError, match="fell behind in that run at GET /health"):
        baselines.save(tmp_path)
