"""What a test has seen: what counts for what, and which limit decides."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from preflight.checklist import Item, Limit
from preflight.evidence import Evidence, Judgement, LimitBroken, missing, total
from preflight.outcome import Severity, Stage


@dataclass
class Request:
    status_code: int
    sent_token: bool = False
    curl: str = "curl x"


def evidence(*limits: Limit, **overrides: float) -> Evidence:
    made = Item(
        id="A-01",
        title="Memory stays small",
        section="health",
        stage=Stage.PREDEPLOY,
        severity=Severity.RED_FLAG,
        evidence={"requests": 1},
        remedy="Find what holds the memory, then run again.",
        limits=limits,
    )
    return Evidence(made, overrides={f"A-01.{name}": bound for name, bound in overrides.items()})


RED = Limit(name="memory", unit="MB", severity=Severity.RED_FLAG, at_most=1500)
WARN = Limit(name="memory", unit="MB", severity=Severity.WARNING, at_most=1000)


@pytest.mark.parametrize(
    ("status", "token", "counted"),
    [
        (199, True, {"requests": 1}),
        (200, True, {"requests": 1, "admitted": 1}),
        (299, True, {"requests": 1, "admitted": 1}),
        (300, True, {"requests": 1}),
        (200, False, {"requests": 1}),
        (399, True, {"requests": 1}),
        (400, False, {"requests": 1, "refused": 1}),
        (401, True, {"requests": 1, "refused": 1}),
    ],
)
def test_what_an_answer_proves_about_authentication(status: int, token: bool, counted: dict[str, int]) -> None:
    seen = evidence()
    seen.request(Request(status, token))
    assert seen.counts == counted


def test_a_command_that_repeats_the_look_stands_there_once() -> None:
    seen = evidence()
    for _ in range(2):
        seen.request(Request(200))
        seen.how("openssl x")
    assert seen.reproduce == ["curl x", "openssl x"]


def test_counts_only_grow() -> None:
    seen = evidence()
    seen.saw("lines")
    seen.saw("lines", 0)
    seen.saw("lines", 2)
    assert seen.counts == {"lines": 3}
    with pytest.raises(ValueError, match=r"^evidence can't shrink: lines -1$"):
        seen.saw("lines", -1)


def test_facts_and_warnings_are_made_printable() -> None:
    seen = evidence()
    seen.fact("a\n" + "b" * 100, 3)
    seen.warn("a\nb")
    assert seen.facts == {"a\\n" + "b" * 57 + "…": "3"}
    assert seen.warnings == ["a\\nb"]


def test_a_kept_value_is_judged_by_the_first_limit() -> None:
    seen = evidence(RED, WARN)
    seen.judge("memory", 1000, n=4, where="/health\n")
    assert seen.judgements == [
        Judgement(
            name="memory",
            value=1000,
            unit="MB",
            limit="<= 1500 MB",
            severity=Severity.RED_FLAG,
            kept=True,
            n=4,
            where="/health\\n",
        )
    ]
    assert seen.warnings == []
    seen.judge("memory", 1)
    assert (seen.judgements[1].n, seen.judgements[1].where) == (None, "")


def test_a_broken_warning_is_kept_and_the_test_goes_on() -> None:
    seen = evidence(RED, WARN)
    seen.judge("memory", 1000.5)
    seen.judge("memory", 1200, where="/status")
    assert seen.warnings == [
        "memory is 1000.5 MB, limit <= 1000 MB",
        "memory is 1200 MB, limit <= 1000 MB (/status)",
    ]
    assert [(entry.kept, entry.severity) for entry in seen.judgements] == [(False, Severity.WARNING)] * 2


def test_a_broken_red_flag_ends_the_test_and_is_on_record() -> None:
    seen = evidence(RED, WARN)
    with pytest.raises(LimitBroken, match=r"^memory is 1500\.5 MB, limit <= 1500 MB$") as broken:
        seen.judge("memory", 1500.5)
    assert broken.value.severity is Severity.RED_FLAG
    assert seen.judgements[0].kept is False
    assert seen.judgements[0].limit == "<= 1500 MB"


def test_a_unit_that_is_none_leaves_no_gap() -> None:
    seen = evidence(Limit(name="errors", unit="", severity=Severity.MANDATORY, below=1))
    with pytest.raises(LimitBroken, match=r"^errors is 2, limit < 1 \(here\)$"):
        seen.judge("errors", 2, where="here")


def test_a_name_without_a_limit_and_a_value_that_is_no_number_are_bugs() -> None:
    seen = evidence(RED)
    with pytest.raises(KeyError, match="A-01 has no limit called 'speed'"):
        seen.judge("speed", 1)
    with pytest.raises(ValueError, match=r"^memory is no number$"):
        seen.judge("memory", float("nan"))
    assert seen.judgements == []


@pytest.mark.parametrize("kind", ["at_most", "below", "at_least", "above"])
def test_an_overridden_limit_decides_and_says_that_it_is_one(kind: str) -> None:
    limit = Limit.model_validate({"name": "memory", "unit": "MB", "severity": "warning", kind: 1000.0})
    seen = evidence(limit, **{"memory.warning": 7.0, "memory.red_flag": 3.0, "other.warning": 4.0})
    seen.judge("memory", 7.0)
    assert seen.judgements[0].limit.endswith("= 7 MB" if kind.startswith("at") else " 7 MB")
    assert seen.judgements[0].kept is kind.startswith("at")
    assert seen.judgements[0].overridden
    plain = evidence(limit)
    plain.judge("memory", 7.0)
    assert not plain.judgements[0].overridden


def test_what_is_missing_is_named_with_how_much_is_there() -> None:
    assert missing({"requests": 2, "lines": 1}, {"requests": 2, "lines": 1}) == ""
    assert missing({"requests": 2, "lines": 1}, {"requests": 1}) == "1 of 2 requests, 0 of 1 lines"


def test_evidence_of_several_tests_adds_up() -> None:
    assert total([{"requests": 2}, {"requests": 1, "lines": 1}]) == {"requests": 3, "lines": 1}
    assert total([]) == {}
