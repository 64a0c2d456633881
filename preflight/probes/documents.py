"""Documents of the project: what they say of this deployment, and the contacts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from preflight.errors import LookError
from preflight.probes.host import Host, read_text
from preflight.target import Target

CONTACTS = (
    "Primary On-Call",
    "Secondary On-Call",
    "Escalation Path",
    "DevOps Team",
    "Security Team",
    "Engineering Lead",
    "Product Owner",
    "Hosting Provider",
    "CDN Provider",
    "Monitoring Service",
    "Incident Channel",
    "Incident Tracker",
    "War Room",
)
"""checklist.md lines 1444-1465."""

_PLACES = ("CONTACTS.md", "RUNBOOK.md", "docs/CONTACTS.md", "docs/RUNBOOK.md", "DEPLOYMENT_NOTES.md", "README.md")
_BRACKETED = re.compile(r"^\W*\[(?!x\]|\s\])[^\]()]*\](?!\()")


def text(host: Host, target: Target, name: str) -> str | None:
    """A document of the project's folder, None when it is missing."""
    path = f"{target.facts.paths.project}/{name}"
    return read_text(host, path) if host.facts(path) is not None else None


def names_build(document: str, build: str) -> bool:
    """Whether a document names the build (a leading v is no difference), as a word of its own."""
    bare = re.escape(build.removeprefix("v"))
    return re.search(rf"(?<![\w.])v?{bare}(?![\w-]|\.\w)", document) is not None or build in document.split()


def sections(document: str) -> set[str]:
    """The words of all headings and bold labels, lower case."""
    heads = re.findall(r"(?m)^(?:#{1,6}\s+|\*\*|[-*]\s+\*\*)(.+?)(?:\*\*|$)", document)
    return {word for head in heads for word in re.findall(r"[a-z]+", head.lower())}


def after(document: str, moment: datetime) -> bool:
    """Whether a document names a date on or after the day of a moment."""
    days = re.findall(r"\b(20\d\d-\d\d-\d\d)\b", document)
    return any(day >= f"{moment:%Y-%m-%d}" for day in days)


def contacts(host: Host, target: Target) -> dict[str, str]:
    """The contacts that are written down, by their name in the checklist; a placeholder is a contact with "" behind it.

    Raises LookError when none of the documents that may hold them is there.
    """
    read = [document for name in _PLACES if (document := text(host, target, name)) is not None]
    if not read:
        raise LookError(f"none of {', '.join(_PLACES)} is in {target.facts.paths.project}: no contact can be read")
    found: dict[str, str] = {}
    for document in read:
        for name, value in _entries(document):
            if value or name not in found:
                found[name] = found.get(name) or value
    return found


def _entries(document: str) -> Iterator[tuple[str, str]]:
    for line in document.splitlines():
        plain = line.replace("*", "").replace("`", "")
        for name in CONTACTS:
            loose = re.escape(name).replace(r"\-", "[- ]?").replace(r"\ ", r"\s+")
            match = re.match(rf"(?i)^[\s\-|#+>]*{loose}\s*[:|–—-]+\s*(.*)$", plain)
            if match:
                value = match[1].strip(" |")
                yield name, "" if not value or _BRACKETED.match(value) or value.lower() in ("tbd", "todo", "n/a?") else value
