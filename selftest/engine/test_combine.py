"""Joining records: the newest look counts, a pending never replaces one, other builds are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from preflight import combine
from preflight.checklist import load
from preflight.errors import UsageError
from preflight.outcome import Status, VerdictStage
from preflight.people import Waiver, WaiverUse
from preflight.record.read import read
from preflight.record.tree import Record
from preflight.run import ItemResult, TestOutcome, fold
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


def test_a_run_that_ended_later_may_have_looked_earlier(base: Record, item: ItemResult) -> None:
    long = run(base, item, Status.PASS, 3).model_copy(update={"finished": NOW - timedelta(minutes=5)})
    joined = combine.join([run(base, item, Status.FAIL, 2), long], NOW, OLDEST)
    assert statuses(joined) == [Status.FAIL]


def test_a_test_that_was_not_run_again_counts_as_it_was_seen(base: Record, item: ItemResult) -> None:
    def of(**tests: Status) -> ItemResult:
        outcomes = [
            TestOutcome(
                node=name, item=item.id, status=status, counts=load().item[0].evidence, at=(NOW - timedelta(hours=1)).isoformat()
            )
            for name, status in tests.items()
        ]
        (folded,) = fold([load().item[0]], dict.fromkeys(tests, item.id), outcomes)
        return folded

    def record(hours_ago: float, **tests: Status) -> Record:
        at = NOW - timedelta(hours=hours_ago)
        seen = of(**tests).model_copy(update={"looked_at": at.isoformat()})
        return run(base, item, Status.PASS, hours_ago, items=[seen], run_id=f"run-{hours_ago}")

    both = record(3, one=Status.FAIL, two=Status.FAIL)
    assert statuses(combine.join([both, record(2, one=Status.PASS)], NOW, OLDEST)) == [Status.FAIL]
    joined = combine.join([both, record(2, one=Status.PASS), record(1, two=Status.PASS)], NOW, OLDEST)
    assert (statuses(joined), joined.items[0].tests) == ([Status.PASS], ("one", "two"))


def test_a_waiver_that_has_expired_since_waives_nothing(base: Record, item: ItemResult) -> None:
    def waived(until: datetime) -> Record:
        waiver = Waiver(item=item.id, reason="known and small", approver="a manager", risk="little", ticket="T-1", until=until)
        return run(base, item, Status.WAIVED, 2, waivers=[WaiverUse(waiver=waiver, counts=True, why_not="")])

    expired = combine.join([waived(NOW - timedelta(hours=1))], NOW, OLDEST)
    assert (statuses(expired), expired.verdict) == ([Status.PENDING], "HOLD")
    assert "waiver has expired" in expired.items[0].reason
    assert statuses(combine.join([waived(NOW + timedelta(hours=1))], NOW, OLDEST)) == [Status.WAIVED]


def test_the_latest_stage_decides(base: Record, item: ItemResult) -> None:
    after = run(base, item, Status.FAIL, 2, stage=VerdictStage.POSTDEPLOY)
    before = run(base, item.model_copy(update={"id": load().item[1].id}), Status.PASS, 1, run_id="run-2")
    assert combine.join([after, before], NOW, OLDEST).stage is VerdictStage.POSTDEPLOY


def test_other_addresses_and_limits_are_refused(base: Record, item: ItemResult) -> None:
    for changes in ({"url": "https://staging.example"}, {"overridden_limits": {"HLT-01.memory.red_flag": 9.0}}):
        other = run(base, item, Status.PASS, 1, target=base.target.model_copy(update=changes))
        with pytest.raises(UsageError, match="of different"):
            combine.join([run(base, item, Status.PASS, 2), other], NOW, OLDEST)


def test_everything_in_the_folder_of_reports_may_be_named(
    base: Record, project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = project.path / "reports"
    (reports / "README.md").write_text("What is here.")
    (reports / "stopped").mkdir()
    checklist = load(project.path / "checklist.toml")
    monkeypatch.setattr(combine, "load", lambda: checklist)
    combine.combine(sorted(reports.iterdir()), project.path / "joined", 72)
    said = capsys.readouterr().out
    assert "left out" in said
    assert "README.md" in said
    assert read(project.path / "joined").footprint.requests == base.footprint.requests

    (run_of,) = reports.glob("test-*")
    text = (run_of / "record.json").read_text()
    (run_of / "record.json").write_text(text.replace('"PASS"', '"WARN"'))
    with pytest.raises(UsageError, match="not as its run wrote it"):
        combine.combine([run_of], project.path / "again", 72)
    with pytest.raises(UsageError, match="none of these"):
        combine.combine([reports / "README.md"], None, 72)


def test_a_part_that_one_target_file_calls_absent_is_there_when_another_run_has_looked(base: Record, item: ItemResult) -> None:
    """Whoever has no headset declares VR absent; that takes back nothing of what the station saw."""
    absent = run(base, item, Status.NOT_APPLICABLE, 1, run_id="run-2")
    joined = combine.join([run(base, item, Status.FAIL, 3), absent], NOW, OLDEST)

    assert (statuses(joined), joined.verdict) == ([Status.FAIL], "NO-GO")
    assert "declared absent in another record" in joined.items[0].facts
    assert statuses(combine.join([absent], NOW, OLDEST)) == [Status.NOT_APPLICABLE]


@pytest.mark.parametrize("moment", ["deployed_at", "rolled_back_at"])
def test_windows_of_another_deployment_are_refused(base: Record, item: ItemResult, moment: str) -> None:
    def of(days_ago: int, status: Status) -> Record:
        target = base.target.model_copy(update={moment: NOW - timedelta(days=days_ago)})
        return run(base, item, status, 1, target=target, run_id=f"run-{days_ago}")

    with pytest.raises(UsageError, match=r"different (deployment|rollback) times"):
        combine.join([of(2, Status.PASS), of(1, Status.PASS)], NOW, OLDEST)
    before = run(base, item, Status.PASS, 3)  # before the deployment nobody knows its time
    assert statuses(combine.join([before, of(1, Status.PASS)], NOW, OLDEST)) == [Status.PASS]


def test_an_item_is_as_old_as_its_oldest_test(base: Record, item: ItemResult) -> None:
    def outcome(name: str, hours_ago: float) -> TestOutcome:
        at = (NOW - timedelta(hours=hours_ago)).isoformat(timespec="seconds")
        return TestOutcome(node=name, item=item.id, status=Status.PASS, counts=load().item[0].evidence, at=at)

    (folded,) = fold([load().item[0]], dict.fromkeys(("one", "two"), item.id), [outcome("one", 500), outcome("two", 1)])
    joined = combine.join([run(base, item, Status.PASS, 1, items=[folded])], NOW, OLDEST)

    assert statuses(joined) == [Status.PENDING]
