"""The end of a run: from the journals to the record on disk and the exit status."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight import terminal
from preflight.outcome import exit_status
from preflight.record import html, summary, write
from preflight.record.compare import previous
from preflight.record.tree import Record, build, stale, waiver_uses
from preflight.record.words import copy_evidence
from preflight.run import fold, summarise
from preflight.session import Session, crashed, now, read_journals

USAGE_ERROR = 4


@dataclass(frozen=True)
class Said:
    """What a run leaves: its exit status, the last words for the terminal, and the HTML of its record."""

    exit_status: int
    text: str
    html: str
    title: str


def _clean(session: Session) -> None:
    """Take out of the journals what was not known to be secret when they were written."""
    for path in (session.folder / "journal").glob("*.jsonl"):
        text = path.read_text("utf-8", "replace")
        clean = session.redact(text)
        if clean != text:
            path.write_text(clean, "utf-8")


def finish(session: Session, pytest_status: int, *, interrupted: bool, command: Sequence[str]) -> Said:
    """Write the record of the run from its journals.

    A full disk or a folder that went away is one sentence and exit status 7 at least; the journals stay readable.
    """
    _clean(session)
    told = read_journals(session.folder)
    if told.usage:
        return Said(USAGE_ERROR, f"ERROR: {told.usage[0]}", "", "")
    if not told.planned:
        return Said(pytest_status, "Nothing was selected: no verdict.", "", "")
    results = fold(session.checklist.item, told.planned, [*told.outcomes, *crashed(told)])
    stage = summarise(
        results,
        session.checklist.item,
        session.stage,
        stale_waiver=stale(waiver_uses(session.waivers, results, now()), results),
        interrupted=interrupted,
    )
    status = exit_status(stage.verdict, pytest_status=pytest_status, rehearsal=session.target.facts.rehearsal)
    record = build(
        session,
        session.checklist,
        results,
        told,
        summary=stage,
        exit_status=status,
        interrupted=interrupted,
        command=command,
        since=previous(session.folder, session.target.facts.name, results, rehearsal=session.target.facts.rehearsal),
    )
    text = session.redact(terminal.ending(record, session.folder))
    drawn = html.section(record, session.redact)
    try:
        _write(record, session, drawn)
    except OSError as error:
        text += f"\nThe record could not be written ({error.strerror}); what was judged is in {session.folder / 'journal'}"
        status = status or 7
    return Said(status, text, drawn, f"{record.headline} – {record.title}")


def _write(record: Record, session: Session, drawn: str) -> None:
    folder = session.folder
    write.atomic(folder / "record.json", write.record_json(record, session.redact))
    write.atomic(folder / "junit.xml", write.junit_xml(record, session.redact))
    # pytest-html writes the whole page after this; until then, and without it, the record stands alone
    write.atomic(folder / "record.html", html.page(record, session.redact, drawn))
    _point(folder.parent / "latest", folder)
    source = session.target.beside(session.target.facts.people.attestations).parent
    copy_evidence(session.attestations, source, folder, {use.file for use in record.attestations if use.file})
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(session.redact(summary.markdown(record)))


def _point(link: Path, folder: Path) -> None:
    """`latest` names the newest run: a link where the system has links, else a file with the name."""
    part = link.with_name(f".latest-{os.getpid()}")
    try:
        part.symlink_to(folder.name, target_is_directory=True)
        part.replace(link)
    except OSError:
        part.unlink(missing_ok=True)
        write.atomic(link.with_suffix(".txt"), folder.name + "\n")
