"""The game log: starts, crashes, errors and compiler messages, told apart by the level of a line, never by a word in it.

Godot writes `ERROR:`, `SCRIPT ERROR:`, `WARNING:` (with `USER` before them for the game's own) at the start of a line;
the game writes `[time] [LEVEL] text`, or JSON lines; a terminal's colours and syslog's prefix may stand around either.
Everything else is prose, whatever words it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from preflight.errors import LookError
from preflight.probes.host import Host
from preflight.probes.logs import MOST_BYTES, lines_since, stamp
from preflight.redact import printable
from preflight.target import Target

_KEPT = 20
_MOST_EARLIER = 50
_DATED = r"\d{4}-\d\d-\d\dT[\d.:]+|[-_.]\d{4}[\d.T_:-]*|\.\d{1,3}"
"""What stands in a log's name between stem and ending when it was put aside."""
_SUSPECT = re.compile(
    rb"Godot Engine v|(?i:error|critical|fatal|warn|crash|out ?of ?memory|backtrace|signal \d|segmentation|panic|alert|emerg)"
)
"""What a line must hold to be looked at more closely: everything else is counted and passed over quickly."""

_COLOUR = re.compile(rb"\x1b\[[\d;]*m")
_BEFORE = rb"""(?: (?P<time> \[ [\d\-T:., +Z/]+ (?:UTC|GMT)? \] \s* | [\d\-]{8,10}[T\ ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\s+ )
    | [A-Za-z]{3}\ [\d\ ]\d\ [\d:]{8}\ \S{1,80}\ \S{1,60}:\ )?"""
"""A time in front of a line, in brackets or without, or what syslog puts there."""
_START = re.compile(rb"(?x) ^" + _BEFORE + rb"(?:\[[^\]]*\]\s*)*Godot\ Engine\ v\d")
_KNOWN = rb"""(?:(?:user\ )?(?:script\ )?(?:error|warning)|err|severe|critical|fatal|panic|alert|emergency|emerg|warn
    |info|notice|debug|verbose|trace)"""
_LEVEL = re.compile(
    rb"(?ix) ^"
    + _BEFORE
    + rb"""(?: (?:\[[^\]\[]{1,40}\]\s*){0,2}? \[ \s* (?P<known>"""
    + _KNOWN
    + rb""") \s* \] | \[ (?P<bracketed>[a-z]+) \] | (?P<plain>(?:user\ )?(?:script\ )?[a-z]+) :
    | (?(time)(?-i:(?P<bare>ERROR|CRITICAL|FATAL|WARNING|WARN))\b | (?!)) )"""
)
"""The level of a line: the first that stands in brackets, at most two others before it; a word with a colon; after a
time also a word in capitals alone."""
_JSON_LEVEL = re.compile(rb'^\s*\{.*?"(?:level|severity)"\s*:\s*"(?P<level>[A-Za-z]+)"', re.IGNORECASE)
_CRITICAL_LEVELS = {b"CRITICAL", b"FATAL", b"PANIC", b"ALERT", b"EMERGENCY", b"EMERG"}
_ERROR_LEVELS = {b"ERROR", b"USER ERROR", b"SCRIPT ERROR", b"USER SCRIPT ERROR", b"ERR", b"SEVERE"}
_WARNING_LEVELS = {b"WARNING", b"USER WARNING", b"SCRIPT WARNING", b"WARN"}
_CRASH = re.compile(rb"(?i)\bhandle_crash\b|program crashed with signal|segmentation fault|\bSIG(?:SEGV|ABRT|BUS|ILL)\b")
_MEMORY = re.compile(rb"(?i)\bout ?of ?memory\b|\boom[- ]kill")
_COMPILE = re.compile(
    rb"(?i)\b(?:parse|parser|compile|compilation) error\b|failed to (?:load|compile|parse) script|GDScript::reload|\bshader compilation failed"
)
_SCRIPT = re.compile(rb"GDScript|\.gd\b|\b(?:UNUSED|SHADOWED|UNASSIGNED|UNREACHABLE|NARROWING|INTEGER)_[A-Z_]+")
_BEFORE_A_TIME = (b"[", b"{", b"2")
_PLACE = re.compile(rb"^\s+(?:at:|GDScript backtrace)")


@dataclass(frozen=True)
class Event:
    """A line that says something with the place that follows it, and the time that it is taken to be of."""

    text: str
    at: datetime | None
    dated: bool = False


@dataclass
class Seen:
    """What a stretch of the log holds."""

    lines: int = 0
    starts: list[Event] = field(default_factory=list)
    crashes: list[Event] = field(default_factory=list)
    compile_errors: list[Event] = field(default_factory=list)
    compile_warnings: list[Event] = field(default_factory=list)
    critical: list[Event] = field(default_factory=list)
    errors: list[Event] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, event: Event) -> None:
        """Count an event, and keep the first twenty of its kind (starts: all)."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        kept: list[Event] = getattr(self, kind)
        if len(kept) < _KEPT or kind == "starts":
            kept.append(event)

    def date(self, at: datetime) -> None:
        """Give the events without a time the one that was found for them."""
        for kind in self.counts:
            kept: list[Event] = getattr(self, kind)
            kept[:] = [event if event.at else replace(event, at=at) for event in kept]

    def count(self, kind: str) -> int:
        """How many events of a kind there were."""
        return self.counts.get(kind, 0)

    def first(self, kind: str) -> str:
        """The first event of a kind in words, "" when there is none."""
        kept: list[Event] = getattr(self, kind)
        if not kept:
            return ""
        when = f"{kept[0].at:%Y-%m-%d %H:%M:%S} UTC: " if kept[0].at and not kept[0].dated else ""
        return f"{when}{kept[0].text}"


@dataclass
class GameLog:
    """The log since the deployment, and since the game's last start; `earlier`: the files it was continued from."""

    since_deployment: Seen
    since_start: Seen
    earlier: tuple[str, ...] = ()


def level_of(line: bytes) -> bytes:
    """The level a line is written at, in capitals; b"" for a line that has none."""
    found = _LEVEL.match(line)
    if found:
        return (found["known"] or found["bracketed"] or found["plain"] or found["bare"]).upper()
    in_json = _JSON_LEVEL.match(line)
    return in_json["level"].upper() if in_json else b""


def kinds_of(line: bytes) -> list[str]:
    """What a line reports: "starts", "crashes", "compile_errors", "compile_warnings", "critical", "errors"."""
    if _START.match(line):
        return ["starts"]
    level = level_of(line)
    if not level and _CRASH.search(line):
        return ["crashes", "critical", "errors"]
    if level in _WARNING_LEVELS:
        return ["compile_warnings"] if _SCRIPT.search(line) else []
    if level not in _ERROR_LEVELS and level not in _CRITICAL_LEVELS:
        return []
    if _COMPILE.search(line):
        return ["compile_errors", "errors"]
    grave = level in _CRITICAL_LEVELS or b"SCRIPT ERROR" in level or _MEMORY.search(line)
    crashed = ["crashes"] if _CRASH.search(line) else []
    return [*crashed, *(["critical"] if grave or crashed else []), "errors"]


class _Reading:
    """A log taken in line by line: what counts, what is older, and what waits for a time that says which."""

    def __init__(self, since: datetime | None) -> None:
        self.deployed, self.started = Seen(), Seen()
        self._since = since
        self._fresh, self._waits = since is None, since is not None
        self._dated = b""
        self._pending: list[tuple[list[str], bytes]] = []

    def take(self, line: bytes) -> None:
        """The next line."""
        if b"\x1b[" in line:
            line = _COLOUR.sub(b"", line)
        head = line[:48]
        calm = (b"[INFO]" in head or b"[DEBUG]" in head) and b"Godot Engine v" not in line
        suspect = not calm and _SUSPECT.search(line)
        if self._pending:
            self._close(line if _PLACE.match(line) else b"")
        # times are read only where they matter: reading one takes longer than all the rest
        if line[:1] in _BEFORE_A_TIME and (calm or stamp(line) is not None):
            self._dated = line
        if not self._fresh:
            at = stamp(line) if self._dated is line else None
            if at is not None:
                self._reached(at)
            elif suspect and _START.match(line):
                # the engine writes no times: it is the next line of the game that says when it was started
                self._waits, self._dated = True, b""
        if not (self._fresh or self._waits):
            return
        self.deployed.lines += 1
        self.started.lines += 1
        if suspect:
            kinds = kinds_of(line)
            if "starts" in kinds:
                self.started = Seen(lines=1)
            if kinds:
                self._pending.append((kinds, line))

    @property
    def fresh(self) -> bool:
        """Whether what was taken in last counts."""
        return self._fresh

    def end(self, written: datetime | None) -> None:
        """There are no more lines; what still waits is as old as the file, which was `written` to last."""
        self._close()
        if self._waits and written is not None and self._since is not None:
            self._fresh = written >= self._since
        if not self._fresh:
            self.deployed, self.started = Seen(), Seen()

    def _close(self, place: bytes = b"") -> None:
        while self._pending:
            kinds, line = self._pending.pop()
            text = printable((line + b" " + place.strip()).decode("utf-8", "replace").strip(), 200)
            event = Event(text, stamp(self._dated), dated=line is self._dated)
            for kind in kinds:
                self.deployed.add(kind, event)
                self.started.add(kind, event)

    def _reached(self, at: datetime) -> None:
        self._fresh = self._since is None or at >= self._since
        if self._waits and self._fresh:
            self.deployed.date(at)
            self.started.date(at)
        elif self._waits:
            self.deployed, self.started = Seen(), Seen()
        self._waits = False


def read_lines(lines: Iterable[bytes], since: datetime | None, written: datetime | None = None) -> GameLog:
    """What the lines of a log hold from `since` on (all of them for None).

    A line without a time belongs to the one before; those of a start, and those before the first time, belong to the
    next time, and to that at which the file was `written` to last where there is none.
    """
    reading = _Reading(since)
    for line in lines:
        reading.take(line)
    reading.end(written)
    return GameLog(reading.deployed, reading.started)


def read(host: Host, target: Target) -> GameLog:
    """The game log of a host, since the deployment where the target file gives its time.

    What was rotated since then is read as well: a crash is followed by a start, and Godot begins a new file with it.
    Raises LookError when there is no log, or it can't be read.
    """
    path = target.facts.paths.game_log
    facts = host.facts(path)
    if facts is None:
        raise LookError(f"{path} is missing, so that what the game logged can't be judged")
    since = target.facts.times.deployed_at
    earlier = _earlier(host, target)
    reading = _Reading(since)
    for one, began in earlier:
        _take(host, one, reading, since)
        # the copy that Godot makes is as young as the start after it: what no time dates is as old as the file before
        reading.end(began)
        reading = reading if reading.fresh else _Reading(since)
    _take(host, path, reading, since)
    reading.end(datetime.fromtimestamp(facts.modified, UTC))
    return GameLog(reading.deployed, reading.started, tuple(one for one, _ in earlier))


def _take(host: Host, path: str, reading: _Reading, since: datetime | None) -> None:
    with host.open(path) as file:
        for line in lines_since(file, since):
            reading.take(line)


def files(host: Host, target: Target) -> list[str]:
    """The game log, and before it what was rotated since the deployment, the oldest first."""
    return [*(one for one, _ in _earlier(host, target)), target.facts.paths.game_log]


def _earlier(host: Host, target: Target) -> list[tuple[str, datetime | None]]:
    """The logs that the game log continues, written to since the deployment: the oldest first, each with when it began at the earliest.

    Godot keeps godot2026-01-02T03.04.05.log at each start, logrotate godot.log.1 and godot.log-20260102.gz. Together
    they are read as far back as one log is.
    """
    since = target.facts.times.deployed_at
    if since is None:
        return []
    folder, _, name = target.facts.paths.game_log.rpartition("/")
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    named = re.compile(rf"{re.escape(stem)}(?:{_DATED})?{re.escape(dot + ending)}(?:[.-]\d[\d.T_:-]*)?(?:\.gz)?")
    others = [f"{folder}/{one}" for one in host.listing(folder or "/") if one != name and named.fullmatch(one)]
    known = sorted((facts.modified, one, facts.size) for one in others if (facts := host.facts(one)) and not facts.is_folder)
    found: list[tuple[str, datetime | None]] = []
    left = MOST_BYTES
    for at in range(len(known) - 1, -1, -1):
        modified, one, size = known[at]
        left -= size
        if modified < since.timestamp() or left < 0 or len(found) >= _MOST_EARLIER:
            break
        found.append((one, datetime.fromtimestamp(known[at - 1][0], UTC) if at else None))
    return found[::-1]


def about_the_scene(seen: Seen, scene: str) -> list[str]:
    """Errors that name the VR runtime, the scene at `scene` or its script, or a resource that could not be loaded."""
    stem = re.escape(scene.rpartition("/")[2].rpartition(".")[0] or "no scene")
    named = re.compile(rf"(?i)openxr|\bxr\b|\b{stem}\b|failed (?:loading|to load)|can't (?:open|load)|cannot (?:open|load)")
    return [event.text for event in seen.errors if named.search(event.text)]


def restarts(seen: Seen, deployed_at: datetime | None, process: datetime | None) -> int:
    """How often the game started again: starts beyond the deployment's own, or crashes, whichever are more.

    A start later than a quarter of an hour after the deployment is no start of the deployment. `process`: when the
    process that runs now began, where it says so; a log that knows nothing of it does not hide it.
    """
    late = process is not None and deployed_at is not None and (process - deployed_at).total_seconds() > 900
    starts = seen.count("starts")
    first = seen.starts[0].at if seen.starts else None
    own = first is None or deployed_at is None or (first - deployed_at).total_seconds() <= 900
    return max(starts - 1 if own and starts else starts, seen.count("crashes"), int(late))
