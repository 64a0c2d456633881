"""When the matrix calls a case exact, and when it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from selftest import vectors
from selftest.vectors import Vector

CLEAN: Vector = {"A-01": ("PASS", ""), "A-02": ("PASS", ""), "A-03": ("PENDING", "needs a person")}
WANTED = {"A-01": ["FAIL", "is open"]}


@pytest.mark.parametrize(
    ("name", "changed", "wanted", "outcome"),
    [
        ("hsts_missing", {"A-01": ("FAIL", "the door is OPEN")}, WANTED, "exact"),
        ("hsts_missing", {"A-01": ("FAIL", "something else")}, WANTED, "inexact"),
        ("hsts_missing", {"A-01": ("FAIL", "is open"), "A-02": ("WARN", "slow")}, WANTED, "inexact"),
        ("hsts_missing", {}, WANTED, "missed"),
        ("hsts_missing", {"A-01": ("ERROR", "could not look")}, WANTED, "evaded"),
        ("hsts_missing", {"A-01": ("FAIL", "is open")}, None, "no expectation"),
        ("hsts_missing", {"A-01": ("FAIL", "is open"), "A-02": ("ERROR", "")}, {**WANTED, "*": ["ERROR|PENDING", ""]}, "exact"),
        ("headers_lower_case", {}, None, "exact"),
        ("headers_lower_case", {"A-02": ("WARN", "slow")}, None, "false alarm"),
        ("clean-1", {}, None, "exact"),
        ("clean-1", {"A-02": ("FAIL", "is open")}, None, "false alarm"),
    ],
)
def test_a_case_is_judged(name: str, changed: Vector, wanted: Mapping[str, Sequence[str]] | None, outcome: str) -> None:
    assert vectors.judge(name, {**CLEAN, **changed}, CLEAN, wanted).outcome == outcome


@pytest.mark.parametrize("status", ["FAIL", "ERROR"])
def test_what_every_clean_run_says_alike_is_a_false_alarm_too(status: str) -> None:
    alike = {**CLEAN, "A-02": (status, "no evidence")}

    assert vectors.judge("clean-1", alike, alike, None) == vectors.Case(
        "clean-1", "look-alike", "false alarm", (f"A-02: {status} (no evidence)",)
    )
    assert vectors.unclean(CLEAN) == []
