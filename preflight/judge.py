"""From what happened in a phase of a test to a status: the rules of the lattice applied to exceptions."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight import evidence
from preflight.checklist import Item
from preflight.errors import LookError, NotApplicable, Undecided, Unreachable
from preflight.evidence import Evidence, LimitBroken, missing
from preflight.outcome import Reason, Severity, Status
from preflight.people import Waiver
from preflight.redact import printable

_SAYING = (Path(evidence.__file__), Path(__file__).with_name("fixtures.py"))
"""Where, beside the tests themselves, an AssertionError is a definite no. Elsewhere it is somebody's bug: ERROR."""

_LONGEST = 600


@dataclass(frozen=True)
class Judged:
    """A status with its reason code and the sentence for people."""

    status: Status
    code: str = ""
    reason: str = ""
    trace: bool = False


def judge(
    error: BaseException | None, phase: str, seen: Evidence, test: str, waiver: Waiver | None, *, alone: bool, tests: Path
) -> Judged:
    """The status that one phase ("setup", "call", "teardown") of a test gives its item.

    `error`: what was raised, or None. `test`: the test's name with its parameters, which is the reason code of a
    FAIL. `waiver`: one that is in force. `alone`: no other test answers the item, so the least evidence must be here. `tests`: the folder whose assertions speak for the target.
    """
    if error is None:
        return _green(seen, test, waiver, alone=alone) if phase == "call" else Judged(Status.PASS)
    if isinstance(error, NotApplicable):
        return Judged(Status.NOT_APPLICABLE, Reason.ABSENT, _text(error))
    if isinstance(error, Undecided):
        return Judged(Status.PENDING, error.reason, _text(error))
    item = seen.item
    if phase == "call" and isinstance(error, AssertionError) and _speaks_for_the_target(error, tests):
        severity = error.severity if isinstance(error, LimitBroken) else item.severity
        return _broken(severity, item, test, _text(error), waiver)
    if isinstance(error, Unreachable) and item.reachability and phase != "teardown":
        return _broken(item.severity, item, f"{test}:unreachable", _text(error), waiver)
    if isinstance(error, LookError):
        return Judged(Status.ERROR, type(error).__name__, _text(error))
    kind = type(error).__name__
    return Judged(Status.ERROR, kind, f"the suite itself failed in {phase}: {kind}: {_text(error)}", trace=True)


def _green(seen: Evidence, test: str, waiver: Waiver | None, *, alone: bool) -> Judged:
    lacking = missing(seen.item.evidence, seen.counts) if alone else "" if +seen.counts else "nothing"
    if lacking:
        return Judged(Status.ERROR, "too little evidence", f"no evidence, no pass: seen only {lacking}")
    if seen.warnings:
        return _broken(Severity.WARNING, seen.item, test, "; ".join(seen.warnings), waiver)
    return Judged(Status.PASS)


def _broken(severity: Severity, item: Item, test: str, text: str, waiver: Waiver | None) -> Judged:
    if waiver is not None and severity is not Severity.RED_FLAG and item.severity is not Severity.RED_FLAG:
        until = f"{waiver.until:%Y-%m-%d %H:%M} UTC"
        return Judged(Status.WAIVED, test, f"{text} (waived by {waiver.approver} until {until}: {printable(waiver.reason)})")
    return Judged(Status.WARN if severity is Severity.WARNING else Status.FAIL, test, text)


def _speaks_for_the_target(error: AssertionError, tests: Path) -> bool:
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    if not frames:
        return False
    raised = Path(frames[-1].filename)
    # whatever it was raised through: the innermost frame says whose assertion it is
    return any(raised == place or place in raised.parents for place in (tests, *_SAYING))


def _text(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    # pytest appends its own account of the comparison after the message; the message is written for people
    message = text.split("\nassert ", 1)[0]
    return printable(message.replace("\n", " | "), _LONGEST)
