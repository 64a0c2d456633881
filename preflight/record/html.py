"""The record as HTML: one template, used inside pytest-html's page for a run and alone for a combined record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from preflight.checklist import load, written_lines
from preflight.outcome import Reason, Status, Verdict
from preflight.record import plots
from preflight.record.tree import WEIGHT, WORTH, Record
from preflight.redact import Redactor, printable
from preflight.run import ItemResult, later

SECTIONS: dict[str, str] = {
    "security": "Security",
    "health": "Health, configuration and monitoring",
    "performance": "Performance",
    "vr": "VR",
    "approval": "Approvals",
}
_SIGN: dict[Status, str] = {
    Status.PASS: "✓",
    Status.WAIVED: "≈",
    Status.WARN: "!",
    Status.PENDING: "…",
    Status.ERROR: "⚠",
    Status.FAIL: "✗",
    Status.NOT_APPLICABLE: "–",
}
_MEANING: dict[Verdict, str] = {
    Verdict.GO: "Everything that was to be looked at holds, is waived, or does not apply.",
    Verdict.GO_WITH_WARNINGS: "Nothing stops it; the warnings below are to be read before anybody signs.",
    Verdict.HOLD: "Nothing fails, but something is not decided yet: see what to do next.",
    Verdict.INVALID: "Something could not be looked at, so nothing can be said: see what blocks it.",
    Verdict.NO_GO: "At least one item does not hold: see what blocks it.",
}
_DO: dict[str, str] = {
    Reason.PERSON: "somebody who may say so runs: preflight attest ITEM",
    Reason.CONSENT: "give the consents ([consent] in the target file, or --intrusive) and run again",
    Reason.WINDOW: "run again when the window is over",
    Reason.PROGRAM: "install the programs that the items name, and run again",
    Reason.OPERATOR: "add to the target file what the items name; preflight doctor helps",
    Reason.SAMPLES: "run again without --quick, or with more time ([performance] cap_seconds)",
    Reason.ALONE: "run again without -n: pytest --pending RECORD",
    Reason.ADDRESS: "give another address in [intrusive] addresses, and run again",
    Reason.PART: "run again without the -k, --deselect or --lf that left tests of the item out",
    Reason.STALE: "look again: pytest --pending RECORD",
}


@dataclass(frozen=True)
class Step:
    """Something to do: for one item that fails, or for all that wait for the same thing."""

    status: Status
    do: str
    items: Sequence[ItemResult]
    gain: float


def section(record: Record, redact: Redactor) -> str:
    """The record as an HTML fragment with its own style, to stand in a page."""
    before = plots.baselines(record.items)
    return (
        _environment(redact)
        .get_template("record.html.j2")
        .render(
            record=record,
            sections=[(name, title, [i for i in record.items if i.section == name]) for name, title in SECTIONS.items()],
            blockers=_by_gain(record.items, Status.FAIL, Status.ERROR),
            steps=_steps(record.items),
            meaning=_MEANING[record.verdict],
            plots=lambda item: plots.of_item(item, before),
            scorecard=plots.scorecard(record.items),
            said={i.id: [use for use in record.attestations if use.word.item == i.id] for i in record.items},
            roles={entry.id: entry.roles for entry in load().item},
            warnings=[i for i in record.items if i.status is Status.WARN],
            approvals=[i for i in record.items if i.stage == "signoff"],
            sign=_SIGN,
            counts=_count,
            written={line.number: line.text for line in written_lines()},
            statuses=list(Status),
        )
    )


def page(record: Record, redact: Redactor, inner: str = "") -> str:
    """The record as a page of its own, self-contained; `inner` is its `section` where that is drawn already."""
    words = Markup(inner or section(record, redact))  # noqa: S704 - drawn by the escaping template above
    return _environment(redact).get_template("page.html.j2").render(record=record, section=words)


def overview(rows: Sequence[tuple[str, Record | None, str]]) -> str:
    """A page over several records, in the order given: what it is called, the record, and the folder it lies in."""
    return (
        _environment(Redactor()).get_template("overview.html.j2").render(rows=rows, sections=SECTIONS, counts=_count, sign=_SIGN)
    )


def _environment(redact: Redactor) -> Environment:
    environment = Environment(
        loader=PackageLoader("preflight.record"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else redact(value) if isinstance(value, str) else value,
    )
    environment.filters |= {"utc": _utc, "number": _number, "slug": _slug, "printable": printable, "limit": plots.in_words}
    return environment


def _by_gain(items: Sequence[ItemResult], *statuses: Status) -> list[ItemResult]:
    """The items of these statuses, those first that move the verdict and the score most."""
    chosen = [i for i in items if i.status in statuses]
    return sorted(chosen, key=lambda i: (-statuses[::-1].index(i.status) if len(statuses) > 1 else 0, -WEIGHT[i.severity], i.id))


def _steps(items: Sequence[ItemResult]) -> list[Step]:
    """What to do, in the order of the verdict it would change and of the points it may add to the score."""
    counted = [i for i in items if i.status is not Status.NOT_APPLICABLE and not later(i)]
    whole = sum(WEIGHT[i.severity] for i in counted) or 1
    groups: dict[tuple[Status, str], list[ItemResult]] = {}
    for item in counted:
        if item.status in (Status.FAIL, Status.ERROR):
            groups.setdefault((item.status, item.advice), []).append(item)
        elif item.status is Status.PENDING:
            groups.setdefault((item.status, _DO.get(item.code, item.code or item.remedy)), []).append(item)
        elif item.status is Status.WARN:
            groups.setdefault((item.status, "read each warning, and mend what it names"), []).append(item)
    order = (Status.FAIL, Status.ERROR, Status.PENDING, Status.WARN)
    steps = [
        Step(status, do, some, 100 * sum(WEIGHT[i.severity] * (1 - WORTH.get(status, 0.0)) for i in some) / whole)
        for (status, do), some in groups.items()
    ]
    return sorted(steps, key=lambda step: (order.index(step.status), -step.gain))


def _count(items: Sequence[ItemResult]) -> list[tuple[Status, int]]:
    tally = Counter(i.status for i in items)
    return [(status, tally[status]) for status in Status if tally[status]]


def _utc(value: datetime | str | None) -> str:
    if not value:
        return "–"
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _number(value: float) -> str:
    """Five figures are more than any limit needs; what is next to nothing is not written as a power of ten."""
    if abs(value) >= 1e5:
        return f"{value:.0f}"
    return f"{value:.5g}" if abs(value) >= 1e-3 or not value else f"{round(value, 3) + 0.0:.3f}"  # no minus nought


def _slug(value: Any) -> str:
    return re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-")
