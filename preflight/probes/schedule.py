"""crontabs: which entry runs a command, and whether it does so once a day."""

from __future__ import annotations

import re
from dataclasses import dataclass

from preflight.errors import LookError
from preflight.probes.host import Host, read_text

SYSTEM_TABLES = ("/etc/crontab", "/etc/cron.d")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_DAYS = {name: str(number) for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}


@dataclass(frozen=True)
class Entry:
    """One active line: when it runs, what it runs, where it stands."""

    minutes: frozenset[int]
    hours: frozenset[int]
    every_day: bool
    command: str
    place: str

    @property
    def hourly(self) -> bool:
        """Whether it runs in every hour of every day."""
        return self.every_day and len(self.hours) == 24

    def once_a_day_at(self, hour: int) -> bool:
        """Whether it runs every day, in that hour and in no other, once."""
        return self.every_day and self.hours == {hour} and len(self.minutes) == 1


def entries_for(host: Host, crontab: str, word: str) -> list[Entry]:
    """The active entries of the host's crontabs whose command names `word`.

    Raises LookError when a table is there and can't be read.
    """
    tables = [crontab] if host.facts(crontab) is not None else []
    for path in SYSTEM_TABLES:
        facts = host.facts(path)
        if facts is not None:
            tables += [f"{path}/{name}" for name in host.listing(path)] if facts.is_folder else [path]
    found = []
    for path in tables:
        text = read_text(host, path)
        system = path.startswith("/etc/")
        found += [entry for entry in parse(text, path, system=system) if word in entry.command]
    return found


def parse(text: str, path: str, *, system: bool = False) -> list[Entry]:
    """The entries of a crontab; `system` tables name a user before the command. Lines that are no entry are passed over."""
    entries = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#") or re.match(r"\w+\s*=", line):
            continue
        word = line.split(None, 1)[0].lower()
        if word in _NICKNAMES:
            line = f"{_NICKNAMES[word]} {line.split(None, 1)[1] if ' ' in line else ''}"
        parts = line.split(None, 6 if system else 5)
        if len(parts) < (7 if system else 6):
            continue
        try:
            fields = [_field(part, *bounds) for part, bounds in zip(parts[:5], _RANGES, strict=True)]
        except (ValueError, LookError):
            continue
        days = {day % 7 for day in fields[4]}
        every_day = len(fields[2]) == 31 and len(fields[3]) == 12 and len(days) == 7
        entries.append(Entry(frozenset(fields[0]), frozenset(fields[1]), every_day, parts[-1], f"{path} line {number}"))
    return entries


def _field(text: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step = part.partition("/")
        span = re.sub(r"[a-z]{3}", lambda name: _DAYS.get(name[0], name[0]), span)
        first, _, last = span.partition("-")
        if span == "*":
            start, end = low, high
        else:
            start = int(first)
            end = int(last) if last else high if step else start
        if not (low <= start <= end <= high):
            raise ValueError(f"{text!r} is no field of a crontab")
        found |= set(range(start, end + 1, int(step or 1)))
    return found
