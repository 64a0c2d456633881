"""The record of a run as one tree: everything the writers need, and nothing they would have to look up."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version

from pydantic import BaseModel, ConfigDict

from preflight.checklist import ROOT, Checklist, written_lines, written_rows
from preflight.outcome import Severity, Status, Verdict, VerdictStage
from preflight.people import Waiver, WaiverUse, in_force
from preflight.record import detection
from preflight.record.detection import Detection
from preflight.record.since import Since
from preflight.record.words import WordUse, word_uses
from preflight.run import ItemResult, Summary, later, summarise
from preflight.session import SUITE, Session, Told, now

SCHEMA = "https://spacetime-preflight/record/1"

_NOT_MEANT = (
    "It does not say that the game is good, fun or finished: it says that each item was looked at, how, and what was seen.",
    "It holds for the build, the address and the time it names; a later change of either is not in it.",
    "What only people can say is as true as the people who said it; their names stand beside it.",
    "Limits of the looks themselves (a simulated headset, a stand-in for Grafana) are named at the items concerned.",
)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TargetFacts(_Model):
    """The deployment the record is about."""

    name: str
    build: str
    url: str
    deployed_at: datetime | None
    rolled_back_at: datetime | None
    absent: Mapping[str, str]
    overridden_limits: Mapping[str, float]


class SuiteFacts(_Model):
    """The suite that looked, and the machine it ran on."""

    name: str
    version: str
    revision: str
    dirty: bool
    checklist: str
    command: Sequence[str]
    python: str
    machine: str
    workers: int


class Footprint(_Model):
    """What the run itself left at the target, for whoever reads its logs and graphs."""

    started: datetime
    finished: datetime
    user_agent: str
    addresses: Sequence[str]
    requests: Mapping[str, int]


class Score(_Model):
    """How much of what counts is fulfilled, out of 100. No verdict: one red flag stops a deployment at any score."""

    value: float
    formula: str


class Coverage(_Model):
    """How much of the written checklist the items of this record answer."""

    lines: int
    of_lines: int
    rows: int
    of_rows: int


class Record(_Model):
    """The deployment record."""

    schema_: str = SCHEMA
    verdict: Verdict
    stage: VerdictStage
    exit_status: int
    rehearsal: bool
    partial: bool
    judged: int
    required: int
    interrupted: bool
    run_id: str
    started: datetime
    finished: datetime
    score: Score
    stages: Sequence[Summary]
    target: TargetFacts
    suite: SuiteFacts
    footprint: Footprint
    coverage: Coverage
    items: Sequence[ItemResult]
    waivers: Sequence[WaiverUse]
    attestations: Sequence[WordUse] = ()
    since: Since | None = None
    detection: Detection | None = None
    not_meant: Sequence[str] = _NOT_MEANT

    model_config = ConfigDict(
        extra="forbid", frozen=True, serialize_by_alias=True, alias_generator=lambda name: name.rstrip("_"), validate_by_name=True
    )

    @property
    def title(self) -> str:
        """What the record is called, on the page and on the terminal."""
        kind = "Rehearsal" if self.rehearsal else "Partial run" if self.partial else "Deployment record"
        return f"{kind}: {self.target.name}, build {self.target.build}"

    @property
    def headline(self) -> str:
        """The verdict with all that qualifies it."""
        words = [f"REHEARSAL {self.verdict}" if self.rehearsal else str(self.verdict)]
        if self.partial:
            words.append(f"partial: {self.judged} of {self.required} items")
        if self.interrupted:
            words.append("interrupted")
        return ", ".join(words)

    def counts(self) -> dict[Status, int]:
        """How many items have each status."""
        tally = Counter(item.status for item in self.items)
        return {status: tally[status] for status in Status if tally[status]}


def build(
    session: Session,
    checklist: Checklist,
    results: Sequence[ItemResult],
    told: Told,
    *,
    summary: Summary,
    exit_status: int,
    interrupted: bool,
    command: Sequence[str],
    since: Since | None = None,
) -> Record:
    """The record of a run."""
    facts = session.target.facts
    finished = now()
    return Record(
        verdict=summary.verdict,
        stage=summary.stage,
        exit_status=exit_status,
        rehearsal=facts.rehearsal,
        partial=summary.partial,
        judged=summary.judged,
        required=summary.required,
        interrupted=interrupted,
        run_id=session.run_id,
        started=session.started,
        finished=finished,
        score=score(results),
        stages=[s for stage in VerdictStage if (s := summarise(results, checklist.item, stage)).judged],
        target=TargetFacts(
            name=facts.name,
            build=facts.build,
            url=facts.api.url,
            deployed_at=facts.times.deployed_at,
            rolled_back_at=facts.times.rolled_back_at,
            absent={str(part): reason for part, reason in facts.absent.items()},
            overridden_limits=dict(facts.limits),
        ),
        suite=_suite(checklist, command, len(told.workers)),
        footprint=Footprint(
            started=session.started,
            finished=finished,
            user_agent=session.user_agent,
            addresses=sorted(told.addresses),
            requests=dict(sorted(told.sent.items())),
        ),
        coverage=coverage(results),
        items=results,
        waivers=waiver_uses(session.waivers, results, finished),
        attestations=word_uses(
            session.attestations,
            checklist.by_id,
            {result.id for result in results},
            build=facts.build,
            at=finished,
            folder=session.target.beside(facts.people.attestations).parent,
        ),
        since=since,
        detection=detection.read(),
    )


WEIGHT = {Severity.RED_FLAG: 5, Severity.MANDATORY: 3, Severity.WARNING: 1}
WORTH = {Status.PASS: 1.0, Status.WAIVED: 0.5, Status.WARN: 0.5}
_FORMULA = (
    "100 x sum(weight x worth) / sum(weight), over the items that apply and are not of a later stage; "
    "weight: red flag 5, mandatory 3, warning 1; worth: PASS 1, WARN and WAIVED 0.5, anything else 0"
)


def score(results: Sequence[ItemResult]) -> Score:
    """The readiness score. It decides nothing."""
    counted = [r for r in results if r.status is not Status.NOT_APPLICABLE and not later(r)]
    whole = sum(WEIGHT[r.severity] for r in counted)
    got = sum(WEIGHT[r.severity] * WORTH.get(r.status, 0.0) for r in counted)
    return Score(value=round(100 * got / whole, 1) if whole else 0.0, formula=_FORMULA)


def coverage(results: Sequence[ItemResult]) -> Coverage:
    """How many written lines and rows the results answer."""
    lines = {number for r in results for number in r.lines}
    rows = {number for r in results for number in r.rows}
    return Coverage(
        lines=sum(line.number in lines for line in written_lines()),
        of_lines=len(written_lines()),
        rows=sum(row.number in rows for row in written_rows()),
        of_rows=len(written_rows()),
    )


def waiver_uses(waivers: Sequence[Waiver], results: Sequence[ItemResult], at: datetime) -> list[WaiverUse]:
    """What became of each waiver: it counted, or why it did not."""
    by_id = {r.id: r for r in results}
    uses = []
    for waiver in waivers:
        result = by_id.get(waiver.item)
        why_not = ""
        if not in_force(waiver, at):
            why_not = f"expired on {waiver.until:%Y-%m-%d %H:%M} UTC"
        elif result is None:
            why_not = "its item was not looked at in this run"
        elif result.status is Status.PASS:
            why_not = "its item passes: remove the waiver"
        elif result.status is not Status.WAIVED:
            why_not = f"its item is {result.status}: {result.reason}"
        uses.append(WaiverUse(waiver=waiver, counts=not why_not, why_not=why_not))
    return uses


def stale(uses: Sequence[WaiverUse], results: Sequence[ItemResult]) -> bool:
    """Whether a waiver was given that no longer counts (expired, or its item passes)."""
    passing = {r.id for r in results if r.status is Status.PASS}
    return any(not use.counts and (use.why_not.startswith("expired") or use.waiver.item in passing) for use in uses)


def _suite(checklist: Checklist, command: Sequence[str], workers: int) -> SuiteFacts:
    revision, dirty = _revision()
    return SuiteFacts(
        name=SUITE,
        version=version(SUITE),
        revision=revision,
        dirty=dirty,
        checklist=checklist.version,
        command=list(command),
        python=sys.version.split()[0],
        machine=f"{platform.system()} {platform.release()} {platform.machine()}",
        workers=workers,
    )


def _revision() -> tuple[str, bool]:
    """The commit of the suite and whether it was changed; a copy without git says "unknown"."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown", True
    found = done.stdout.strip()
    return found.rstrip("+"), found.endswith("+")
