"""Joining records: the newest look counts, a pending never replaces one, other builds are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from preflight import combine
from preflight.checklist import load
from preflight.errors import UsageError
from preflight.outcome import Status
from preflight.record.read import read
from preflight.record.tree import Record
from preflight.run import ItemResult
from selftest.conftest import Project

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OLDEST = timedelta(hours=72)


@pytest.fixture(scope="module")
def item() -> ItemResult:
    entry = load().item[0]
    return ItemResult(
        **entry.model_dump(include={"id", "title", "section", "lines", "rows", "severity", "stage", "remedy"}),
        status=Status.PASS,
        code="",
        reason="",
        value=None,
        limit=None,
        unit=None,
        judgements=(),
        evidence={},
        evidence_needed={"requests": 1},
        facts={},
        reproduce=(),
        tests=("t::1",),
        outcomes=(),
        seconds=0.1,
        looked_at="",
    )


@pytest.fixture
def base(project: Project) -> Record:
    """A record of a real run, to be changed."""
    from selftest.conftest import entry

    project.checklist(entry("SEC-01"))
    project.tests('@item("SEC-01")\ndef test_it(api, evidence):\n    evidence.request(api.get("/health"))\n')
    project.run()
    return read(project.path / "reports" / "latest")


def run(base: Record, item: ItemResult, status: Status, hours_ago: float, **changes: object) -> Record:
    at = NOW - timedelta(hours=hours_ago)
    look = item.model_copy(update={"status": status, "reason": f"{status} then", "looked_at": at.isoformat(timespec="seconds")})
    suite = base.suite.model_copy(update={"checklist": load().version})
    return base.model_copy(update={"items": [look], "finished": at, "suite": suite, **changes})


def statuses(record: Record) -> list[Status]:
    return [i.status for i in record.items]


def test_the_newest_look_counts(base: Record, item: ItemResult) -> None:
    joined = combine.join([run(base, item, Status.FAIL, 2), run(base, item, Status.PASS, 1)], NOW, OLDEST)
    assert statuses(joined) == [Status.PASS]
    assert "FAIL of" in joined.items[0].facts["superseded"]
    joined = combine.join([run(base, item, Status.FAIL, 1), run(base, item, Status.PASS, 2)], NOW, OLDEST)
    assert (statuses(joined), joined.verdict) == ([Status.FAIL], "NO-GO")


def test_pending_never_replaces_a_look(base: Record, item: ItemResult) -> None:
    joined = combine.join([run(base, item, Status.FAIL, 2), run(base, item, Status.PENDING, 1)], NOW, OLDEST)
    assert statuses(joined) == [Status.FAIL]


def test_a_look_that_is_too_old_is_pending(base: Record, item: ItemResult) -> None:
    joined = combine.join([run(base, item, Status.PASS, 73)], NOW, OLDEST)
    assert (statuses(joined), joined.items[0].code) == ([Status.PENDING], "look too old")
    assert statuses(combine.join([run(base, item, Status.PASS, 72)], NOW, OLDEST)) == [Status.PASS]


def test_an_old_failure_stays_one_however_old(base: Record, item: ItemResult) -> None:
    joined = combine.join([run(base, item, Status.FAIL, 100)], NOW, OLDEST)
    assert statuses(joined) == [Status.PENDING]
    assert joined.verdict == "HOLD"


def test_other_builds_targets_and_rehearsals_are_refused(base: Record, item: ItemResult) -> None:
    one = run(base, item, Status.PASS, 1)
    for changes in (
        {"target": base.target.model_copy(update={"build": "9"})},
        {"target": base.target.model_copy(update={"name": "other"})},
        {"rehearsal": True},
        {"suite": one.suite.model_copy(update={"checklist": "another"})},
    ):
        with pytest.raises(UsageError):
            combine.join([one, run(base, item, Status.PASS, 1, **changes)], NOW, OLDEST)
