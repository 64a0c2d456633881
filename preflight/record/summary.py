"""The record in Markdown, for the summary page of a CI run."""

from __future__ import annotations

from preflight.outcome import Status
from preflight.record.tree import Record
from preflight.redact import printable

_MOST = 40


def markdown(record: Record) -> str:
    """Verdict, counts, and what blocks, with its remedy; what came from the target can't break the table."""
    rows = [f"## {record.headline}", "", f"{record.title}, stage {record.stage}", ""]
    rows += ["| status | items |", "| --- | --- |", *(f"| {status} | {n} |" for status, n in record.counts().items()), ""]
    blocking = [i for i in record.items if i.status in (Status.FAIL, Status.ERROR)]
    if blocking:
        rows += ["| | item | seen | do |", "| --- | --- | --- | --- |"]
        rows += [f"| {i.status} | {i.id} {_cell(i.title)} | {_cell(i.reason)} | {_cell(i.advice)} |" for i in blocking[:_MOST]]
    if len(blocking) > _MOST:
        rows.append(f"\nand {len(blocking) - _MOST} more")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    shown = printable(text, 300)
    for char in "\\|<>`*_[]":
        shown = shown.replace(char, "\\" + char)
    return shown
