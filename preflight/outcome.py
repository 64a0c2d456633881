"""Statuses, verdicts and exit statuses: the lattice, nothing else.

A status says what is known about one item; a verdict what follows for a stage.
Both only ever get worse when something is added: see :func:`worst` and :func:`verdict`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """What a line in the record means, from best to worst; NOT_APPLICABLE stands apart."""

    PASS = "PASS"  # noqa: S105 - a status, no password
    WAIVED = "WAIVED"
    WARN = "WARN"
    PENDING = "PENDING"
    ERROR = "ERROR"
    FAIL = "FAIL"
    NOT_APPLICABLE = "NOT APPLICABLE"


_RISING = (Status.PASS, Status.WAIVED, Status.WARN, Status.PENDING, Status.ERROR, Status.FAIL)


class Severity(StrEnum):
    """What breaking a limit does: NO-GO for good, NO-GO unless waived, or GO WITH WARNINGS."""

    WARNING = "warning"
    MANDATORY = "mandatory"
    RED_FLAG = "red_flag"


class Stage(StrEnum):
    """When an item is judged. The four windows after the deployment together are `postdeploy`."""

    PREDEPLOY = "predeploy"
    SIGNOFF = "signoff"
    IMMEDIATE = "immediate"
    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"
    ROLLBACK = "rollback"


class VerdictStage(StrEnum):
    """What a verdict is about: may it be deployed, is it approved, was it successful, was it taken back well."""

    PREDEPLOY = "predeploy"
    SIGNOFF = "signoff"
    POSTDEPLOY = "postdeploy"
    ROLLBACK = "rollback"


_WINDOWS = (Stage.IMMEDIATE, Stage.SHORT, Stage.MEDIUM, Stage.LONG)

REQUIRED: dict[VerdictStage, tuple[Stage, ...]] = {
    VerdictStage.PREDEPLOY: (Stage.PREDEPLOY,),
    VerdictStage.SIGNOFF: (Stage.PREDEPLOY, Stage.SIGNOFF),
    VerdictStage.POSTDEPLOY: _WINDOWS,
    VerdictStage.ROLLBACK: (Stage.ROLLBACK,),
}
"""The items a complete record of that stage has looked at."""

COUNTED: dict[VerdictStage, tuple[Stage, ...]] = {
    VerdictStage.PREDEPLOY: (Stage.PREDEPLOY,),
    VerdictStage.SIGNOFF: (Stage.PREDEPLOY, Stage.SIGNOFF),
    VerdictStage.POSTDEPLOY: (Stage.PREDEPLOY, Stage.SIGNOFF, *_WINDOWS),
    VerdictStage.ROLLBACK: tuple(Stage),
}
"""The items that count when they were judged: an earlier stage that fails again is never overlooked."""


class Reason(StrEnum):
    """Why an item is PENDING or NOT APPLICABLE: what would change it."""

    PERSON = "needs a person"
    CONSENT = "needs consent"
    WINDOW = "window not over"
    LATER = "later stage"
    PROGRAM = "program missing"
    OPERATOR = "only the operator can supply it"
    SAMPLES = "needs more samples"
    ALONE = "run without -n"
    ADDRESS = "needs another address"
    STALE = "look too old"
    PART = "only in part selected"
    ABSENT = "declared absent"


class Verdict(StrEnum):
    """The five words of the release meeting."""

    GO = "GO"
    GO_WITH_WARNINGS = "GO WITH WARNINGS"
    HOLD = "HOLD"
    INVALID = "INVALID"
    NO_GO = "NO-GO"


EXIT_STATUS: dict[Verdict, int] = {
    Verdict.GO: 0,
    Verdict.GO_WITH_WARNINGS: 0,
    Verdict.NO_GO: 1,
    Verdict.HOLD: 6,
    Verdict.INVALID: 7,
}


def worst(statuses: Iterable[Status]) -> Status:
    """The status of an item that several tests answered; ERROR when nothing did.

    NOT APPLICABLE is all or nothing: beside any other status it is a contradiction, hence at least ERROR.
    """
    seen = set(statuses)
    if seen == {Status.NOT_APPLICABLE}:
        return Status.NOT_APPLICABLE
    if not seen:
        return Status.ERROR
    if Status.NOT_APPLICABLE in seen:
        seen = (seen - {Status.NOT_APPLICABLE}) | {Status.ERROR}
    return max(seen, key=_RISING.index)


def verdict(statuses: Iterable[Status], *, stale_waiver: bool = False, interrupted: bool = False) -> Verdict:
    """What follows from the statuses of the items of a stage.

    `stale_waiver`: a waiver was given that no longer counts (expired, or its item passes).
    `interrupted`: the run did not end by itself, so what was not run is unknown.
    Nothing judged at all is INVALID: silence is no GO.
    """
    seen = set(statuses)
    if Status.FAIL in seen:
        return Verdict.NO_GO
    if Status.ERROR in seen or interrupted or not seen:
        return Verdict.INVALID
    if Status.PENDING in seen:
        return Verdict.HOLD
    if Status.WARN in seen or stale_waiver:
        return Verdict.GO_WITH_WARNINGS
    return Verdict.GO


def exit_status(result: Verdict, *, pytest_status: int, rehearsal: bool) -> int:
    """The exit status of the run: pytest's own 2 to 5 stay, its 0 and 1 are replaced by the verdict's.

    A rehearsal has nobody to sign for it: there HOLD is the normal end and exits 0.
    """
    if pytest_status not in (0, 1):
        return pytest_status
    if rehearsal and result is Verdict.HOLD:
        return 0
    return EXIT_STATUS[result]
