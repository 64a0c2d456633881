"""What the game says of itself can be judged, or is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from preflight.probes import health
from preflight.probes.http import Answer


def answer(said: dict[str, Any]) -> Answer:
    return Answer("GET", "https://x.example/health", 200, (), json.dumps(said).encode(), 0.1, sent_token=False, curl="")


def memory(value: object) -> dict[str, float]:
    part = {"status": "healthy", "details": {"total_memory_mb": value}}
    read = health.read(answer({"status": "healthy", "subsystems": {"memory": part}}))
    return health.memory_mb(read, {"memory_mb": value}, {"memory": {"total_memory_usage": value}}, None)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf"), True, "600", None])
def test_memory_that_is_no_figure_is_left_out(value: object) -> None:
    assert memory(value) == {}


@pytest.mark.parametrize("value", [0, 600, 600.5, 8 * 2**30])
def test_memory_is_read_in_every_place(value: float) -> None:
    assert len(memory(value)) == 3


def test_resident_memory_that_is_no_figure_is_left_out() -> None:
    read = health.read(answer({"status": "healthy"}))

    assert health.memory_mb(read, None, None, float("nan")) == {}
    assert health.memory_mb(read, None, None, 2.0**20) == {"/metrics process_resident_memory_bytes": 1.0}


@pytest.mark.parametrize(("text", "known"), [("nan", False), ("inf", False), ("1e999", False), ("1784629153", True)])
def test_only_a_moment_has_a_skew(text: str, known: bool) -> None:
    got = answer({"status": "healthy", "timestamp": text})

    assert bool(health.clock_skew(got, health.read(got))) is known


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("FAILED", "unhealthy"),
        ("error", "unhealthy"),
        ("down", "unhealthy"),
        ("Critical", "unhealthy"),
        ("Degraded", "degraded"),
        ("starting", "unknown"),
        ("unknown", "unknown"),
        (3, "unknown"),
        (2, "unhealthy"),
        (None, "unknown"),
    ],
)
def test_a_word_that_says_what_does_not_work_is_understood(said: object, state: str) -> None:
    assert health.state(said) == state
