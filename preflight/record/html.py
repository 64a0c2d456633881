"""The record as HTML: one template, used inside pytest-html's page for a run and alone for a combined record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from preflight.checklist import written_lines
from preflight.outcome import Severity, Status
from preflight.record.tree import Record
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
_GAIN = {Severity.RED_FLAG: 5, Severity.MANDATORY: 3, Severity.WARNING: 1}


def section(record: Record, redact: Redactor) -> str:
    """The record as an HTML fragment with its own style, to stand in a page."""
    return _render("record.html.j2", record, redact)


def page(record: Record, redact: Redactor) -> str:
    """The record as a page of its own, self-contained."""
    return _render("page.html.j2", record, redact)


def _render(template: str, record: Record, redact: Redactor) -> str:
    environment = Environment(
        loader=PackageLoader("preflight.record"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else redact(value) if isinstance(value, str) else value,
    )
    environment.filters |= {"utc": _utc, "number": _number, "slug": _slug, "printable": printable}
    return environment.get_template(template).render(
        record=record,
        sections=[(name, title, [i for i in record.items if i.section == name]) for name, title in SECTIONS.items()],
        blockers=_by_gain(record.items, Status.FAIL, Status.ERROR),
        pending=_by_gain([i for i in record.items if not later(i)], Status.PENDING),
        pending_why=Counter(i.code for i in record.items if i.status is Status.PENDING).most_common(),
        warnings=[i for i in record.items if i.status is Status.WARN],
        waived=[i for i in record.items if i.status is Status.WAIVED],
        approvals=[i for i in record.items if i.stage == "signoff"],
        later=[i for i in record.items if later(i)],
        sign=_SIGN,
        counts=_count,
        written={line.number: line.text for line in written_lines()},
        statuses=list(Status),
    )


def _by_gain(items: Sequence[ItemResult], *statuses: Status) -> list[ItemResult]:
    """The items of these statuses, those first that move the verdict and the score most."""
    chosen = [i for i in items if i.status in statuses]
    return sorted(chosen, key=lambda i: (-statuses[::-1].index(i.status) if len(statuses) > 1 else 0, -_GAIN[i.severity], i.id))


def _count(items: Sequence[ItemResult]) -> list[tuple[Status, int]]:
    tally = Counter(i.status for i in items)
    return [(status, tally[status]) for status in Status if tally[status]]


def _utc(value: datetime | str | None) -> str:
    if not value:
        return "–"
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1e6 else f"{value:.6g}"


def _slug(value: Any) -> str:
    return re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-")
