"""From outcomes of tests to the record: what was planned and did not run, and evidence under its minimum, are ERRORs."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.checklist import Item, Limit
from preflight.evidence import Judgement
from preflight.outcome import (
    COUNTED,
    EXIT_STATUS,
    Reason,
    Severity,
    Stage,
    Status,
    Verdict,
    VerdictStage,
    exit_status,
    verdict,
    worst,
)
from preflight.run import ItemResult, TestOutcome, advice, fold, later, summarise


def make(name: str, **fields: object) -> Item:
    given_ = {
        "id": name,
        "title": "What it says holds",
        "section": "security",
        "stage": Stage.PREDEPLOY,
        "severity": Severity.MANDATORY,
        "evidence": {"requests": 2},
        "remedy": "Mend it, then run again.",
    }
    return Item.model_validate({**given_, **fields})


def outcome(node: str, item: str, status: Status = Status.PASS, requests: int = 2) -> TestOutcome:
    return TestOutcome(node=node, item=item, status=status, counts={"requests": requests}, reason=str(status))


def test_a_planned_test_that_did_not_run_is_an_error() -> None:
    items = [make("A-01")]
    (result,) = fold(items, {"t::1": "A-01", "t::2": "A-01"}, [outcome("t::1", "A-01")])
    assert (result.status, result.code) == (Status.ERROR, "did not run")


def test_of_a_test_that_ran_twice_the_worse_outcome_counts() -> None:
    passed, failed = outcome("t::1", "A-01"), outcome("t::1", "A-01", Status.FAIL)
    for twice in ([passed, failed], [failed, passed]):
        (result,) = fold([make("A-01")], {"t::1": "A-01"}, twice)
        assert result.status is Status.FAIL


def test_a_remedy_is_for_what_does_not_hold() -> None:
    """Of an ERROR nobody knows whether it does."""
    told = "Nothing was judged: remove what kept it from being looked at, and run it again. If that is the deployment: Mend it."
    assert advice(Status.ERROR, "Mend it.") == told
    assert {advice(status, "Mend it.") for status in Status if status is not Status.ERROR} == {"Mend it."}


def test_less_evidence_than_demanded_is_an_error() -> None:
    items = [make("A-01")]
    (result,) = fold(items, {"t::1": "A-01"}, [outcome("t::1", "A-01", requests=1)])
    assert (result.status, result.code) == (Status.ERROR, "too little evidence")
    assert "1 of 2 requests" in result.reason


def test_a_definite_no_needs_no_more_evidence() -> None:
    (result,) = fold([make("A-01")], {"t::1": "A-01"}, [outcome("t::1", "A-01", Status.FAIL, requests=1)])
    assert result.status is Status.FAIL


def test_items_that_were_not_planned_are_not_in_the_record() -> None:
    items = [make("A-01"), make("A-02")]
    results = fold(items, {"t::2": "A-02"}, [outcome("t::2", "A-02")])
    assert [r.id for r in results] == ["A-02"]
    summary = summarise(results, items, VerdictStage.PREDEPLOY)
    assert (summary.judged, summary.required, summary.partial) == (1, 2, True)


@given(st.lists(st.sampled_from(list(Status)), min_size=1, max_size=6), st.integers(0, 1000))
def test_the_order_in_which_workers_finish_does_not_matter(statuses: list[Status], seed: int) -> None:
    items = [make("A-01"), make("A-02")]
    outcomes = [outcome(f"t::{n}", f"A-0{n % 2 + 1}", status) for n, status in enumerate(statuses)]
    planned = {o.node: o.item for o in outcomes}
    shuffled = list(outcomes)
    random.Random(seed).shuffle(shuffled)
    assert fold(items, planned, outcomes) == fold(items, planned, shuffled)


def test_an_earlier_stage_that_fails_again_counts_after_the_deployment() -> None:
    items = [make("A-01"), make("A-02", stage=Stage.IMMEDIATE)]
    outcomes = [outcome("t::1", "A-01", Status.FAIL), outcome("t::2", "A-02")]
    results = fold(items, {"t::1": "A-01", "t::2": "A-02"}, outcomes)
    assert summarise(results, items, VerdictStage.POSTDEPLOY).verdict == "NO-GO"


def judged(value: float, severity: Severity = Severity.MANDATORY, *, kept: bool = True) -> Judgement:
    return Judgement(name="memory", value=value, unit="MB", limit=f"<= {value}", severity=severity, kept=kept)


def folded(*tests: TestOutcome, **fields: object) -> ItemResult:
    (result,) = fold([make("A-01", **fields)], {test.node: "A-01" for test in tests}, tests)
    return result


def test_a_test_that_did_not_run_says_so_in_words() -> None:
    (result,) = fold([make("A-01")], {"t::1": "A-01"}, [])
    assert result.reason == "planned, but did not run"


def test_what_decided_gives_the_reason_and_what_to_repeat_first() -> None:
    def said(node: str, status: Status, reason: str, *lines: str) -> TestOutcome:
        return TestOutcome(node=node, item="A-01", status=status, reason=reason, code=f"code {reason}", reproduce=lines)

    result = folded(
        said("t::1", Status.WARN, "slow", "curl 1", "curl 2"),
        said("t::2", Status.FAIL, "open", "curl 3"),
        said("t::3", Status.FAIL, "bare", "curl 1", "curl 4", "curl 5"),
        said("t::4", Status.FAIL, "open", "curl 6", "curl 7"),
    )
    assert (result.reason, result.code) == ("open; bare", "code open; code bare")
    assert result.reproduce == ("curl 3", "curl 1", "curl 4", "curl 5", "curl 6", "curl 7")
    assert folded(TestOutcome(node="t::1", item="A-01", status=Status.FAIL, reproduce=tuple("abcdefgh"))).reproduce == tuple(
        "abcdef"
    )


def test_not_applicable_beside_a_look_is_an_error_that_shows_all_of_it() -> None:
    result = folded(
        TestOutcome(node="t::1", item="A-01", status=Status.NOT_APPLICABLE, reason="no database"),
        TestOutcome(node="t::2", item="A-01", status=Status.PASS, judgements=(judged(3),), reason="fine"),
    )
    assert (result.status, result.reason, result.value) == (Status.ERROR, "no database; fine", 3)


def test_the_judgement_shown_is_the_gravest_broken_one_of_what_decided() -> None:
    warn, mandatory, grave, kept = (
        judged(1, Severity.WARNING, kept=False),
        judged(2, Severity.MANDATORY, kept=False),
        judged(3, Severity.RED_FLAG, kept=False),
        judged(4, Severity.RED_FLAG),
    )
    failed = TestOutcome(node="t::1", item="A-01", status=Status.FAIL, judgements=(mandatory, warn, grave, kept))
    shown = folded(failed, TestOutcome(node="t::2", item="A-01", status=Status.PASS, judgements=(judged(9),)))
    assert (shown.value, shown.limit, shown.unit) == (3, "<= 3", "MB")
    assert [entry.value for entry in shown.judgements] == [2, 1, 3, 4, 9]
    assert folded(failed.model_copy(update={"judgements": (warn, kept)})).value == 1
    assert folded(failed.model_copy(update={"judgements": (judged(5), judged(6), judged(7))})).value == 7


def test_a_failure_without_a_number_shows_what_the_other_tests_measured() -> None:
    failed = TestOutcome(node="t::1", item="A-01", status=Status.FAIL)
    passed = TestOutcome(node="t::2", item="A-01", status=Status.PASS, judgements=(judged(9),))
    assert folded(failed, passed).value == 9
    nothing = folded(failed)
    assert (nothing.value, nothing.limit, nothing.unit) == (None, None, None)


def test_a_result_keeps_the_limits_times_facts_and_evidence_of_all_its_tests() -> None:
    limit = Limit(name="memory", unit="MB", severity=Severity.WARNING, at_most=1)
    result = folded(
        TestOutcome(
            node="t::1", item="A-01", status=Status.PASS, counts={"requests": 1}, facts={"a": "1"}, seconds=0.12345, at="1"
        ),
        TestOutcome(node="t::2", item="A-01", status=Status.PASS, counts={"requests": 1}, facts={"b": "2"}, seconds=0.1, at="2"),
        limits=(limit,),
    )
    assert (result.status, result.limits, result.seconds, result.looked_at) == (Status.PASS, (limit,), 0.223, "2")
    assert (result.evidence, result.evidence_needed, result.facts) == ({"requests": 2}, {"requests": 2}, {"a": "1", "b": "2"})
    assert (result.tests, len(result.outcomes)) == (("t::1", "t::2"), 2)


@pytest.mark.parametrize("status", [Status.PASS, Status.WAIVED, Status.WARN])
def test_too_little_evidence_takes_every_status_that_would_let_it_through(status: Status) -> None:
    result = folded(outcome("t::1", "A-01", status, requests=1))
    assert (result.status, result.reason) == (Status.ERROR, "no evidence, no pass: seen only 1 of 2 requests")


def test_only_what_is_pending_for_its_stage_is_later() -> None:
    def of(status: Status, code: str) -> ItemResult:
        return folded(TestOutcome(node="t::1", item="A-01", status=status, code=code))

    assert later(of(Status.PENDING, Reason.LATER))
    assert not later(of(Status.PENDING, Reason.PERSON))
    assert not later(of(Status.FAIL, Reason.LATER))


def test_a_summary_counts_statuses_and_passes_on_what_makes_a_verdict_worse() -> None:
    items = [make("A-01"), make("A-02"), make("A-03"), make("A-04", stage=Stage.LONG)]
    planned = {f"t::{n}": f"A-0{n}" for n in range(1, 5)}
    outcomes = [outcome(node, name) for node, name in planned.items()]
    outcomes[1] = outcome("t::2", "A-02", Status.WARN)
    outcomes[3] = outcome("t::4", "A-04", Status.FAIL)
    results = fold(items, planned, outcomes)

    summary = summarise(results, items, VerdictStage.PREDEPLOY)
    assert (summary.verdict, summary.counts) == (Verdict.GO_WITH_WARNINGS, {Status.PASS: 2, Status.WARN: 1})
    assert summarise([results[0]], items, VerdictStage.PREDEPLOY).verdict is Verdict.GO
    assert summarise([results[0]], items, VerdictStage.PREDEPLOY, stale_waiver=True).verdict is Verdict.GO_WITH_WARNINGS
    assert summarise([results[0]], items, VerdictStage.PREDEPLOY, interrupted=True).verdict is Verdict.INVALID


pieces = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(list(Status)), st.integers(0, 3), st.sampled_from(["", *Reason]), st.booleans()),
    max_size=14,
)


@given(pieces, st.lists(st.sampled_from(list(Stage)), min_size=5, max_size=5), st.sampled_from(list(VerdictStage)), st.data())
def test_the_record_says_the_same_as_the_exit_status(
    drawn: list[tuple[int, Status, int, str, bool]], stages: list[Stage], stage: VerdictStage, data: Any
) -> None:
    """From any outcomes: exit status, verdict, counts and items of the record can be derived from each other."""
    items = [make(f"A-0{n}", stage=stages[n - 1]) for n in range(1, 6)]
    planned = {f"t::{n}": f"A-0{piece[0]}" for n, piece in enumerate(drawn)}
    outcomes = [
        TestOutcome(node=f"t::{n}", item=f"A-0{item}", status=status, counts={"requests": seen}, code=code)
        for n, (item, status, seen, code, ran) in enumerate(drawn)
        if ran
    ]
    stale, interrupted, rehearsal = data.draw(st.booleans()), data.draw(st.booleans()), data.draw(st.booleans())
    results = fold(items, planned, outcomes)
    summary = summarise(results, items, stage, stale_waiver=stale, interrupted=interrupted)
    code = exit_status(summary.verdict, pytest_status=data.draw(st.integers(0, 1)), rehearsal=rehearsal)

    counted = [result.status for result in results if result.stage in COUNTED[stage] and not later(result)]
    assert {status: counted.count(status) for status in set(counted)} == dict(summary.counts)
    assert summary.verdict is verdict(counted, stale_waiver=stale, interrupted=interrupted)
    assert (code == 1) == (Status.FAIL in counted)
    if code == 0:
        assert counted
        assert not {Status.FAIL, Status.ERROR} & set(counted)
        assert not interrupted
        assert rehearsal or Status.PENDING not in counted
    else:
        assert code == EXIT_STATUS[summary.verdict]
    for result in results:
        said = worst(test.status for test in result.outcomes)
        enough = sum(test.counts.get("requests", 0) for test in result.outcomes) >= 2
        assert result.status is (said if enough or said not in (Status.PASS, Status.WAIVED, Status.WARN) else Status.ERROR)
        assert {node for node, item in planned.items() if item == result.id} == set(result.tests)
