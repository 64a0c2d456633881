"""From outcomes of tests to the record: what was planned and did not run, and evidence under its minimum, are ERRORs."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from preflight.checklist import Item
from preflight.outcome import Severity, Stage, Status, VerdictStage
from preflight.run import TestOutcome, fold, summarise


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
