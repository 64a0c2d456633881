"""Every verdict of a record once more, from what lies below it: samples, values, outcomes, words of people, waivers."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from preflight.checklist import Checklist, Item
from preflight.evidence import Evidence, Judgement, LimitBroken
from preflight.outcome import Reason, Severity, Status, exit_status
from preflight.people import said
from preflight.record.tree import Record, score, stale, waiver_uses
from preflight.run import ItemResult, TestOutcome, fold, summarise

_QUANTILES = {"p95": 0.95, "p99": 0.99}
_BROKEN = (Status.FAIL, Status.WAIVED, Status.ERROR)


def problems(record: Record, checklist: Checklist, folder: Path) -> Iterator[str]:
    """What does not follow, a sentence each. `folder`: where the record and its evidence lie."""
    at = record.finished if record.finished.tzinfo else record.finished.replace(tzinfo=UTC)
    known = checklist.by_id
    for name, count in Counter(item.id for item in record.items).items():
        if count > 1:
            yield f"{name} stands in the record {count} times"
    for kept in record.items:
        entry = known.get(kept.id)
        if entry is None:
            yield f"{kept.id} is no item of this checklist ({checklist.version})"
            continue
        yield from _item(kept, entry, record)
    yield from _words(record, known, at, folder)
    yield from _whole(record, checklist, at)


def _item(kept: ItemResult, entry: Item, record: Record) -> Iterator[str]:
    for outcome in kept.outcomes:
        for value in outcome.judgements:
            yield from _value(entry, outcome, value, record)
    if (kept.stage, kept.severity) != (entry.stage, entry.severity):
        yield f"{kept.id} has another stage or severity than in the checklist"
    if {outcome.node for outcome in kept.outcomes} != set(kept.tests) or any(one.item != kept.id for one in kept.outcomes):
        yield f"{kept.id} holds other tests than it names"
    if not kept.outcomes:
        yield f"{kept.id} says {kept.status}, and holds no test"
    if (kept.status, kept.code) != (Status.PENDING, Reason.STALE) or not record.run_id.startswith("combined-"):
        again = fold([entry], {outcome.node: outcome.item for outcome in kept.outcomes}, kept.outcomes)
        if again and (again[0].status, again[0].code) != (kept.status, kept.code):
            yield f"{kept.id} says {kept.status}, but its tests say {again[0].status}"
        elif again and (again[0].value, again[0].evidence) != (kept.value, kept.evidence):
            yield f"{kept.id} shows another value or other evidence than its tests"


def _value(entry: Item, outcome: TestOutcome, value: Judgement, record: Record) -> Iterator[str]:
    """One value: from its samples, against its limit, and what that means for the test."""
    evidence = Evidence(entry, record.target.overridden_limits)
    with contextlib.suppress(LimitBroken, KeyError, ValueError):
        evidence.judge(value.name, value.value)
    again = evidence.judgements[0] if evidence.judgements else None
    if again is None or (again.kept, again.limit, again.severity) != (value.kept, value.limit, value.severity):
        yield f"{entry.id}: {value.name} = {value.value:g} is said to {'keep' if value.kept else 'break'} {value.limit}, but does not"
    if not value.kept and value.severity is not Severity.WARNING and outcome.status not in _BROKEN:
        yield f"{entry.id}: {value.name} breaks a {value.severity} limit, and its test says {outcome.status}"
    if not value.kept and outcome.status is Status.PASS:
        yield f"{entry.id}: {value.name} breaks a limit, and its test says PASS"
    samples = outcome.samples.get(value.where)
    if value.name in _QUANTILES and isinstance(samples, list) and value.n and len(samples) >= value.n:
        from preflight.measure.percentile import order_statistic  # a run that measures nothing loads no numpy

        found = order_statistic(samples[: value.n], _QUANTILES[value.name])
        if not math.isclose(found, value.value, rel_tol=1e-9, abs_tol=1e-6):
            yield f"{entry.id}: {value.name} of {value.where} is said to be {value.value:g}, but its samples give {found:g}"


def _words(record: Record, known: dict[str, Item], at: datetime, folder: Path) -> Iterator[str]:
    """Attestations lived when the run ended, and their evidence is as it was attested."""
    for use in record.attestations:
        if not use.counts or use.word.item not in known:
            continue
        word = use.word.model_copy(update={"evidence": Path(use.file)}) if use.file else use.word
        answer = said(known[use.word.item], [word], record.target.build, at, folder)
        if answer.word is None:
            yield f"{use.word.item}: the word of {use.word.who} is said to count, but {answer.why_not}"
    counted = {use.word.item: use.word.outcome for use in record.attestations if use.counts}
    for item in record.items:
        if item.evidence.get("attestations") and item.status is Status.PASS and counted.get(item.id) != "yes":
            yield f"{item.id} says PASS, but nobody's yes is in the record"


def _whole(record: Record, checklist: Checklist, at: datetime) -> Iterator[str]:
    """Waivers, verdict, exit status, score and counts from the items."""
    uses = waiver_uses([use.waiver for use in record.waivers], record.items, at)
    for kept, again in zip(record.waivers, uses, strict=True):
        if kept.counts != again.counts:
            yield f"the waiver of {kept.waiver.item} is said to {'count' if kept.counts else 'not count'}: {again.why_not or 'it did'}"
    covered = {use.waiver.item for use in uses if use.counts}
    for item in record.items:
        if item.status is Status.WAIVED and item.id not in covered:
            yield f"{item.id} says WAIVED, but no waiver in the record was in force"
    summary = summarise(
        record.items, checklist.item, record.stage, stale_waiver=stale(uses, record.items), interrupted=record.interrupted
    )
    if summary.verdict is not record.verdict:
        yield f"the record says {record.verdict}, but its items say {summary.verdict}"
    if (summary.partial, summary.judged, summary.required) != (record.partial, record.judged, record.required):
        yield f"the record says {record.judged} of {record.required} items, but holds {summary.judged} of {summary.required}"
    if record.exit_status in (0, 1, 6, 7):
        status = exit_status(summary.verdict, pytest_status=0, rehearsal=record.rehearsal)
        if status != record.exit_status:
            yield f"the record says exit status {record.exit_status}, but its verdict gives {status}"
    if score(record.items).value != record.score.value:
        yield f"the record says a readiness score of {record.score.value}, but its items give {score(record.items).value}"
