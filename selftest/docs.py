"""The pages of docs/ that are made from data: `python -m selftest.docs` writes them, a self-test keeps them true."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from preflight.checklist import ROOT, Checklist, Item, Section, load

CHECKLIST = ROOT / "docs" / "checklist.md"
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)

_INTRODUCTION = """\
# The checklist, item by item

Made from `checklist.toml` by `python -m selftest.docs`; version {version}, {items} items.
Lines and rows are those of the written checklist and of its tables. The looks are the tests: `pytest --checklist` names them.
"""


def checklist_page(checklist: Checklist) -> str:
    """docs/checklist.md."""
    parts = [_INTRODUCTION.format(version=checklist.version, items=len(checklist.item))]
    for section in get_args(Section):
        items = [entry for entry in checklist.item if entry.section == section]
        parts.append(f"## {section}\n\n{_table(items)}")
    return "\n".join(parts)


def _table(items: Iterable[Item]) -> str:
    head = "| item | what must hold | answers | stage, severity | limits | looked at by | when it does not hold |"
    rows = [head, "| --- " * 7 + "|"]
    for entry in items:
        answers = [f"lines {_numbers(entry.lines)}" if entry.lines else "", f"rows {_numbers(entry.rows)}" if entry.rows else ""]
        limits = "; ".join(f"{limit.name} {limit} ({limit.severity.value})" for limit in entry.limits)
        cells = [
            entry.id,
            entry.title,
            "; ".join(filter(None, answers)) or "the suite's own",
            f"{entry.stage.value}, {entry.severity.value}",
            limits,
            _looked_at(entry),
            entry.remedy,
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _looked_at(entry: Item) -> str:
    parts = [", ".join(entry.needs)] if entry.needs else []
    parts += [f"attested by {' or '.join(entry.roles)}"] if entry.roles else []
    parts += [f"at least {', '.join(f'{n} {what}' for what, n in entry.evidence.items())}"]
    parts += [f"consent `{entry.consent}`"] if entry.consent else []
    return "; ".join(parts)


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def broken_links(page: Path) -> list[str]:
    """The links of a Markdown page that lead nowhere in this repository; addresses elsewhere are not asked."""
    broken = []
    for match in _LINK.finditer(page.read_text("utf-8")):
        link = match[1] or match[2]
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    return broken


def _anchors(page: Path) -> set[str]:
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in _HEADING.findall(page.read_text("utf-8"))
    }


if __name__ == "__main__":
    CHECKLIST.write_text(checklist_page(load(ROOT / "checklist.toml")), "utf-8")
    print(f"{CHECKLIST.relative_to(ROOT)} written")
