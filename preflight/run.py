"""From outcomes of tests to statuses of items to the verdict. Data in, data out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from preflight.checklist import Item, Limit
from preflight.evidence import Judgement, missing, total
from preflight.outcome import COUNTED, REQUIRED, Reason, Severity, Stage, Status, Verdict, VerdictStage, verdict, worst


class TestOutcome(BaseModel):
    """What one test says of its item."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    __test__ = False

    node: str
    item: str
    status: Status
    code: str = ""
    reason: str = ""
    judgements: tuple[Judgement, ...] = ()
    counts: Mapping[str, int] = {}
    facts: Mapping[str, str] = {}
    reproduce: tuple[str, ...] = ()
    samples: Mapping[str, Any] = {}
    seconds: float = 0.0
    at: str = ""


class ItemResult(BaseModel):
    """One item of the record: the checklist's words, and what was seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    section: str
    lines: tuple[int, ...]
    rows: tuple[int, ...]
    severity: Severity
    stage: Stage
    status: Status
    code: str
    reason: str
    value: float | None
    limit: str | None
    unit: str | None
    limits: tuple[Limit, ...] = ()
    judgements: tuple[Judgement, ...]
    evidence: Mapping[str, int]
    evidence_needed: Mapping[str, int]
    facts: Mapping[str, str]
    remedy: str
    reproduce: tuple[str, ...]
    tests: tuple[str, ...]
    outcomes: tuple[TestOutcome, ...]
    seconds: float
    looked_at: str

    @property
    def advice(self) -> str:
        """What to do."""
        return advice(self.status, self.remedy)


def advice(status: Status, remedy: str) -> str:
    """What to do about a status: a remedy mends what does not hold, and of an ERROR nobody knows yet whether it does."""
    if status is Status.ERROR:
        return (
            f"Nothing was judged: remove what kept it from being looked at, and run it again. If that is the deployment: {remedy}"
        )
    return remedy


def fold(items: Sequence[Item], planned: Mapping[str, str], outcomes: Iterable[TestOutcome]) -> list[ItemResult]:
    """The results of every planned item, in the order of `items`.

    `planned`: node id → item id of every collected and selected test. A planned test without an outcome did not
    run, which is an ERROR of its item; so is less evidence than the item demands.
    """
    by_node: dict[str, TestOutcome] = {}
    for outcome in outcomes:  # of a test that several processes ran the worst counts
        before = by_node.get(outcome.node)
        if before is None or worst((before.status, outcome.status)) is outcome.status:
            by_node[outcome.node] = outcome
    results = []
    for entry in items:
        nodes = [node for node, item_id in planned.items() if item_id == entry.id]
        if nodes:
            results.append(_result(entry, [by_node.get(node) or _did_not_run(node, entry.id) for node in nodes]))
    return results


def _did_not_run(node: str, item_id: str) -> TestOutcome:
    return TestOutcome(node=node, item=item_id, status=Status.ERROR, code="did not run", reason="planned, but did not run")


def _result(entry: Item, tests: Sequence[TestOutcome]) -> ItemResult:
    status = worst(test.status for test in tests)
    decisive = [test for test in tests if test.status is status] or list(tests)
    counts = total([test.counts for test in tests])
    reason = "; ".join(dict.fromkeys(test.reason for test in decisive if test.reason))
    code = "; ".join(dict.fromkeys(test.code for test in decisive if test.code))
    lacking = missing(entry.evidence, counts)
    if lacking and status in (Status.PASS, Status.WAIVED, Status.WARN):
        status, code = Status.ERROR, "too little evidence"
        reason = f"no evidence, no pass: seen only {lacking}"
    judgements = [value for test in tests for value in test.judgements]
    shown = _shown([value for test in decisive for value in test.judgements] or judgements)
    return ItemResult(
        **entry.model_dump(include={"id", "title", "section", "lines", "rows", "severity", "stage", "remedy"}),
        limits=entry.limits,
        status=status,
        code=code,
        reason=reason,
        value=shown.value if shown else None,
        limit=shown.limit if shown else None,
        unit=shown.unit if shown else None,
        judgements=tuple(judgements),
        evidence=dict(counts),
        evidence_needed=dict(entry.evidence),
        facts={name: text for test in tests for name, text in test.facts.items()},
        reproduce=tuple(dict.fromkeys(line for test in (*decisive, *tests) for line in test.reproduce))[:6],
        tests=tuple(test.node for test in tests),
        outcomes=tuple(tests),
        seconds=round(sum(test.seconds for test in tests), 3),
        looked_at=max(test.at for test in tests),
    )


def _shown(values: Sequence[Judgement]) -> Judgement | None:
    """The judgement a reader sees first: the gravest broken one, else the last."""
    broken = [value for value in values if not value.kept]
    if broken:
        return max(broken, key=lambda value: list(Severity).index(value.severity))
    return values[-1] if values else None


class Summary(BaseModel):
    """The verdict of one stage, and what it rests on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: VerdictStage
    verdict: Verdict
    counts: Mapping[Status, int]
    judged: int
    required: int

    @property
    def partial(self) -> bool:
        """Whether an item of the stage was not looked at: then this is no deployment record."""
        return self.judged < self.required


def later(result: ItemResult) -> bool:
    """Whether the item belongs to a later stage than the run: listed, not counted."""
    return result.status is Status.PENDING and result.code == Reason.LATER


def summarise(
    results: Sequence[ItemResult],
    items: Sequence[Item],
    stage: VerdictStage,
    *,
    stale_waiver: bool = False,
    interrupted: bool = False,
) -> Summary:
    """The verdict of `stage`, from all results that count for it.

    Partial is derived from what was judged, never from options: `required` counts the checklist's items of the
    stage, `judged` those of them that have a result.
    """
    counted = [r for r in results if r.stage in COUNTED[stage] and not later(r)]
    required = {entry.id for entry in items if entry.stage in REQUIRED[stage]}
    statuses = [r.status for r in counted]
    return Summary(
        stage=stage,
        verdict=verdict(statuses, stale_waiver=stale_waiver, interrupted=interrupted),
        counts={status: statuses.count(status) for status in Status if status in statuses},
        judged=sum(r.id in required for r in counted),
        required=len(required),
    )
