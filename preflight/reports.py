"""What became of a test, in pytest's words: its outcome, its text, its letter."""

from __future__ import annotations

import pytest

from preflight import terminal
from preflight.checklist import Item
from preflight.evidence import Evidence
from preflight.judge import Judged
from preflight.outcome import Status, worst
from preflight.session import Session


def speak(report: pytest.TestReport, judged: Judged, entry: Item, evidence: Evidence, run: Session) -> None:
    """Put a judgement into pytest's report: passed, skipped with its reason, xfailed, or failed with all that helps."""
    if judged.status in (Status.PENDING, Status.NOT_APPLICABLE):
        said = run.redact(f"{judged.status} ({judged.code}): {judged.reason}")
        report.outcome, report.longrepr = "skipped", (str(report.location[0]), report.location[1] or 0, said)
    elif judged.status in (Status.WARN, Status.WAIVED):
        report.outcome, report.wasxfail = "skipped", run.redact(f"{judged.status}: {judged.reason}")
        report.longrepr = run.redact(terminal.failure(judged, entry, evidence))
    elif judged.status is not Status.PASS:
        text = run.redact(terminal.failure(judged, entry, evidence))
        report.outcome = "failed"
        report.longrepr = f"{text}\n\n{run.redact(str(report.longrepr))}" if judged.trace else text
    report.sections = [(name, run.redact(content)) for name, content in report.sections]
    report.user_properties = [(name, run.redact.tree(value)) for name, value in report.user_properties]
    report.preflight = str(judged.status)  # type: ignore[attr-defined]


def together(statuses: list[Status]) -> Status:
    """One status of the phases of a test: a set-up that says "does not apply" is the whole answer."""
    if Status.NOT_APPLICABLE in statuses:
        rest = [s for s in statuses if s not in (Status.PASS, Status.NOT_APPLICABLE)]
        return worst(rest) if rest else Status.NOT_APPLICABLE
    return worst(statuses)


WORDS: dict[str, tuple[str, str, str]] = {
    Status.WARN: ("warned", "W", "WARN"),
    Status.WAIVED: ("waived", "w", "WAIVED"),
    Status.PENDING: ("pending", "p", "PENDING"),
    Status.NOT_APPLICABLE: ("not applicable", "-", "NOT APPLICABLE"),
    Status.ERROR: ("error", "E", "ERROR"),
    Status.FAIL: ("failed", "F", "FAIL"),
}
