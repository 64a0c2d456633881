"""What a person reads on the terminal: failures, the checklist, the verdict. Readable at 80 columns without colour."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from preflight.checklist import Checklist, Item, uncovered, written_lines, written_rows
from preflight.evidence import Evidence
from preflight.judge import Judged
from preflight.outcome import Reason, Status
from preflight.run import advice, later

if TYPE_CHECKING:
    from preflight.record.tree import Record


def show(text: str) -> None:
    """Print `text`, whatever letters the console knows; in colour where it is a terminal."""
    from preflight.colours import console

    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    console().print("\n" + text.encode(encoding, "replace").decode(encoding))


def width() -> int:
    """The columns to write in."""
    return max(60, min(100, shutil.get_terminal_size((80, 24)).columns))


def failure(judged: Judged, item: Item, evidence: Evidence) -> str:
    """What happened, the limit, what to do, how to reproduce it: what pytest shows for one test."""
    start = f"{judged.status}  {item.id}  "
    rows = textwrap.wrap(start + item.title, width(), subsequent_indent=" " * len(start), break_on_hyphens=False)
    rows += _block("seen", judged.reason)
    for value in evidence.judgements:
        if not value.kept:
            many = f", n = {value.n}" if value.n is not None else ""
            rows += _block("value", f"{value.name} = {value.value:g} {value.unit}, limit {value.limit}{many}")
    rows += _block("facts", "; ".join(f"{name}: {text}" for name, text in evidence.facts.items()))
    rows += _block("do", advice(judged.status, item.remedy))
    for command in evidence.reproduce[:3]:
        first, *more = shell_lines(command, width() - 12)
        rows += [f"  again   {first}", *(f"            {line}" for line in more)]
    rows += _block("lines", ", ".join(map(str, item.lines)) or "-")
    return "\n".join(rows)


def shell_lines(command: str, columns: int) -> list[str]:
    """A shell command broken between its words, with backslashes, so that it can be copied as it stands."""
    words = re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", command)
    if " ".join(words) != command:  # an open quote, or spaces that may matter
        return [command]
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) + 3 > columns:
            lines[-1] += " \\"
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _block(name: str, text: str) -> list[str]:
    if not text:
        return []
    lines = textwrap.wrap(text, width() - 10, break_on_hyphens=False) or [""]
    return [f"  {name:<8}{lines[0]}", *(f"          {line}" for line in lines[1:])]


def checklist(checklist_: Checklist, planned: Mapping[str, Item]) -> None:
    """The table of items, lines, tests and severities, and how much of the written checklist is answered."""
    tests: dict[str, list[str]] = {}
    for node, entry in planned.items():
        tests.setdefault(entry.id, []).append(node)
    rows = []
    for entry in checklist_.item:
        mine = tests.get(entry.id, [])
        lines = ",".join(map(str, entry.lines)) or "-"
        rows.append(f"{entry.id:<14} {entry.severity.value:<9} {entry.stage.value:<9} lines {lines}")
        rows += [f"{'':15}{line}" for line in textwrap.wrap(entry.title, width() - 15)]
        rows += [f"{'':15}{node}" for node in mine[:3]] or [f"{'':15}no test"]
        if len(mine) > 3:
            rows.append(f"{'':15}and {len(mine) - 3} more")
    lines_left, rows_left = uncovered(entry for entry in checklist_.item if entry.id in tests)
    whole_lines, whole_rows = len(written_lines()), len(written_rows())
    rows.append("")
    rows.append(f"{len(tests)} of {len(checklist_.item)} items have a test ({len(planned)} tests)")
    rows.append(
        f"{whole_lines - len(lines_left)} of {whole_lines} lines and {whole_rows - len(rows_left)} of {whole_rows} rows are answered"
    )
    show("\n".join(rows))


def ending(record: Record, folder: Path) -> str:
    """Every item in a line, then what blocks, what is open, and the verdict on the last lines."""
    rows = [_line(str(i.status), i.id, i.title) for i in record.items if not later(i)]
    waiting = [i for i in record.items if later(i)]
    if waiting:
        rows.append(f"later stages, not counted: {len(waiting)} items")
    for heading, status in (("FAIL", Status.FAIL), ("ERROR", Status.ERROR), ("WARN", Status.WARN)):
        chosen = [i for i in record.items if i.status is status]
        if chosen:
            rows.append("")
            rows.append(f"{heading} ({len(chosen)})")
            for i in chosen:
                rows += textwrap.wrap(f"{i.id}: {i.reason}", width() - 2, initial_indent="  ", subsequent_indent="    ")
    reasons = Counter(i.code for i in record.items if i.status is Status.PENDING and not later(i))
    if reasons:
        rows.append("")
        rows.append("Not decided:")
        rows += [f"  {n:4d}  {code}{_HELP.get(code, '')}" for code, n in reasons.most_common()]
    if any(not use.counts for use in record.waivers):
        rows.append("")
        rows += [f"Waiver of {use.waiver.item} does not count: {use.why_not}" for use in record.waivers if not use.counts]
    tally = ", ".join(f"{n} {status}" for status, n in record.counts().items())
    rows += [
        "",
        f"{tally}",
        f"Record: {_near(folder / 'record.html')}",
        f"Readiness score {record.score.value:g} of 100 (decides nothing)",
        f"Verdict ({record.stage}): {record.headline}",
    ]
    return "\n".join(rows)


_HELP: dict[str, str] = {
    Reason.PERSON: ": preflight attest ITEM",
    Reason.CONSENT: ": --intrusive, or [consent] in the target file",
    Reason.ALONE: ": pytest --pending RECORD, without -n",
    Reason.OPERATOR: ": preflight doctor says what to add",
}


def _line(status: str, name: str, title: str) -> str:
    text = f"{status:<14} {name:<14} {title}"
    return text if len(text) <= width() else text[: width() - 1].rstrip() + "…"


def _near(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
