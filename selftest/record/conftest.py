"""Records made of data, so that their writers are tested without running anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from preflight.checklist import Item, load
from preflight.outcome import Severity, Stage, Status, VerdictStage, exit_status
from preflight.record import write
from preflight.record.tree import Coverage, Footprint, Record, SuiteFacts, TargetFacts, score
from preflight.redact import Redactor
from preflight.run import ItemResult, TestOutcome, fold, summarise

EVERY = load()
AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def looked(entry: Item, status: Status = Status.PASS, **more: Any) -> ItemResult:
    """The item as one test saw it."""
    node = f"tests/test_it.py::test_{entry.id}"
    fields = {"counts": dict(entry.evidence), "at": AT.isoformat(), "reason": "" if status is Status.PASS else "seen", **more}
    outcome = TestOutcome(node=node, item=entry.id, status=status, **fields)
    (result,) = fold([entry], {node: entry.id}, [outcome])
    return result


def entry(name: str, **more: Any) -> Item:
    """An item that is in no checklist."""
    fields = {"section": "performance", "stage": Stage.PREDEPLOY, "severity": Severity.MANDATORY, "evidence": {"samples": 1}}
    return Item.model_validate(
        {"id": name, "title": f"What {name} says holds", "remedy": "Mend it, then run the suite again.", **fields, **more}
    )


def made(items: Sequence[ItemResult], **changes: Any) -> Record:
    """A record of these items: verdict, score and counts follow from them."""
    checklist = EVERY
    summary = summarise(items, checklist.item, VerdictStage.PREDEPLOY)
    facts = {
        "verdict": summary.verdict,
        "stage": summary.stage,
        "exit_status": exit_status(summary.verdict, pytest_status=0, rehearsal=False),
        "rehearsal": False,
        "partial": summary.partial,
        "judged": summary.judged,
        "required": summary.required,
        "interrupted": False,
        "run_id": "run-1",
        "started": AT,
        "finished": AT,
        "score": score(items),
        "stages": [summary],
        "target": TargetFacts(
            name="x", build="1.0", url="https://x.example", deployed_at=None, rolled_back_at=None, absent={}, overridden_limits={}
        ),
        "suite": SuiteFacts(
            name="spacetime-preflight", version="0.1.0", revision="abc", dirty=False, checklist=checklist.version,
            command=["pytest"], python="3.11", machine="a machine", workers=1,
        ),
        "footprint": Footprint(started=AT, finished=AT, user_agent="x/1", addresses=[], requests={}),
        "coverage": Coverage(lines=1, of_lines=245, rows=1, of_rows=275),
        "items": list(items),
        "waivers": [],
    }  # fmt: skip
    return Record(**{**facts, **changes})


def kept(folder: Path, items: Sequence[ItemResult], **changes: Any) -> Path:
    """A folder with such a record in it."""
    folder.mkdir()
    write.atomic(folder / "record.json", write.record_json(made(items, **changes), Redactor()))
    return folder


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    """How to make a record."""
    return made
