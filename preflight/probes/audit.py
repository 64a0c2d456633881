"""The audit log: the suite's own request found in it, its entries read, its silences measured."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import urlsplit

from preflight.errors import Unreachable
from preflight.probes import logs, ports
from preflight.probes.api import PROTECTED, Api
from preflight.probes.auditentry import Entry, address, read_entry
from preflight.probes.host import Host
from preflight.probes.http import Answer
from preflight.probes.limiter import Burst
from preflight.redact import Secret
from preflight.target import Target

WAIT_SECONDS = 8.0
"""How long an entry is waited for: a little longer than the five seconds it may take."""

LONGEST_SILENCE_MINUTES = 10
"""What a log may be silent for without a question (docs/rulings.md)."""

CLOCK_SECONDS = 60.0
"""How far the time of an entry may be from ours (docs/rulings.md: clocks within 60 s)."""

_EVERY = 0.1
_LIMITED = re.compile(r"(?i)RATE|LIMIT|THROTTL|\b429\b")
_TAIL_BYTES = 1 << 20
_SAME_SECONDS = 5.0
_MOST_WAITING = 100_000


@dataclass(frozen=True)
class Recorded:
    """One request of the suite, and what the audit log says of it. `delay` in seconds, None when nothing was found."""

    answer: Answer
    entry: Entry | None
    delay: float | None
    files: int
    new_lines: int


def record(host: Host, target: Target, api: Api, token: Secret | None) -> Recorded:
    """Ask GET /scene, with the token or without, and wait until the audit log has an entry for it.

    An entry is taken for the request's when it was appended after the request had left, names the endpoint, and has the
    outcome that the answer had; an entry with our own address is preferred. Times in the log play no part.
    Raises LookError when nobody may read a log; that there is none is an answer as well.
    """
    before = {path: _size(host, path) for path in (logs.audit_files(host, target) if _any(host, target) else [])}
    began = time.monotonic()
    answer = api.get(PROTECTED, token=token)
    wanted = "success" if 200 <= answer.status_code < 300 else "failure"
    own, seen = own_address(answer, target), 0
    while True:
        new = [read_entry(line) for line in _appended(host, target, before)]
        seen = len(new)
        fitting = [e for e in new if e.outcome == wanted and _names(e.endpoint, PROTECTED)]
        found = next((e for e in fitting if own and _same(address(e.client), own)), None)
        waited = time.monotonic() - began
        if found is None and fitting and waited > 2 * _EVERY:
            found = fitting[-1]
        if found is not None or waited > WAIT_SECONDS:
            files = len(logs.audit_files(host, target)) if _any(host, target) else 0
            return Recorded(answer, found, waited if found else None, files, seen)
        time.sleep(_EVERY)


def record_of_the_limit(host: Host, target: Target, burst: Burst) -> Entry | None:
    """The entry of the refusal that ended a burst, waited for; None when there is none.

    Result, endpoint and time are looked at, the time up to whole quarters of an hour: whom an entry names, and a clock
    that stands in another zone, are judged by `wrong`.
    """
    refused, began = burst.refused, time.monotonic()
    while True:
        for path in reversed(_growing(host, target)):
            with host.open(path) as file:
                for line in logs.lines_since(file, None, most=_TAIL_BYTES):
                    entry = read_entry(line)
                    if _LIMITED.search(entry.result) and _names(entry.endpoint, PROTECTED) and entry.time:
                        off = entry.time.timestamp() - refused.sent_at
                        if abs((off + 450) % 900 - 450) <= _SAME_SECONDS:
                            return entry
        if time.monotonic() - began > WAIT_SECONDS:
            return None
        time.sleep(_EVERY)


def _any(host: Host, target: Target) -> bool:
    """Whether there is any audit log at all."""
    place = target.facts.paths.audit_log.rstrip("/")
    facts = host.facts(place)
    return facts is not None and (not facts.is_folder or bool(logs.logs_in(host, place)))


def _growing(host: Host, target: Target) -> list[str]:
    """The audit logs that may still be written to: none that is compressed."""
    return [path for path in logs.audit_files(host, target) if not path.endswith(".gz")]


def _names(endpoint: str, path: str) -> bool:
    words = endpoint.split()
    try:
        return bool(words) and urlsplit(words[-1]).path.endswith(path)
    except ValueError:  # an address such as //[a is none, and names nothing
        return False


def _size(host: Host, path: str) -> int:
    facts = host.facts(path)
    return facts.size if facts else 0


def _appended(host: Host, target: Target, before: Mapping[str, int]) -> Iterator[bytes]:
    """Whole lines written since `before`; a file that shrank was rotated and is read from its start."""
    for path in _growing(host, target) if _any(host, target) else []:
        size, start = _size(host, path), before.get(path, 0)
        if size == start:
            continue
        with host.open(path) as file:
            file.seek(start if size > start else 0)
            yield from file.read(size).split(b"\n")[:-1]


def own_address(answer: Answer, target: Target) -> str:
    """The address that the deployment must have seen us under; "" where a network in between may have changed it."""
    host = urlsplit(target.facts.api.url).hostname or ""
    try:
        there = [ipaddress.ip_address(one.partition("%")[0]) for one in ports.addresses(host)]
    except Unreachable:
        there = []
    if answer.address:
        own = ipaddress.ip_address(answer.address)
        translated = own.is_private and bool(there) and not any(one.is_private for one in there)
        return "" if translated else answer.address
    if not there or not all(one.is_loopback for one in there):
        return ""
    # whichever address of the loopback network is asked, it is asked from the first
    return "127.0.0.1" if any(one.version == 4 for one in there) else "::1"


def _same(one: str, other: str) -> bool:
    """Whether two addresses are the same; "localhost" is asked by the one or the other protocol."""
    return one == other or {one, other} == {"127.0.0.1", "::1"}


def wrong(recorded: Recorded, target: Target) -> list[str]:
    """What is wrong with the entry of the suite's own request, as phrases."""
    entry = recorded.entry
    if entry is None:
        return ["there is none"]
    found = [f"it names no {what}" for what in entry.lacking]
    client, own = address(entry.client), own_address(recorded.answer, target)
    if client and own and not _same(client, own):
        found.append(f"it names {client} as the client, and the request came from {own}")
    elif client and not own and ipaddress.ip_address(client).is_loopback:
        found.append(f"it names {client} as the client: that is the front, not who asked")
    if entry.time is not None:
        off = entry.time.timestamp() - recorded.answer.sent_at
        if abs(off) > CLOCK_SECONDS:
            found.append(f"its time is {off:+.0f} s from the request's, and names no other zone")
    return found


def own_client(recorded: Recorded, target: Target) -> str:
    """The address that the audit log knows this suite by; "" where the entry of its request is wrong, or there is none."""
    return address(recorded.entry.client) if recorded.entry and not wrong(recorded, target) else ""


@dataclass(frozen=True)
class Broken:
    """Entries that do not name all they must: how many of how many, and an example (what is lacking, where)."""

    entries: int
    broken: int
    example: str


def incomplete(host: Host, target: Target, since: datetime | None) -> Broken:
    """Entries since a time that lack something; a last line that is still being written is left out."""
    entries = broken = 0
    example = ""
    for path in logs.written_since(host, logs.audit_files(host, target), since):
        with host.open(path) as file:
            for entry in _since(logs.lines_since(file, since, whole=True), since):
                entries += 1
                lacking = [] if entry.of_itself else entry.lacking
                if lacking:
                    broken += 1
                    example = example or f"an entry of {path} names no {', no '.join(dict.fromkeys(lacking))}"
    return Broken(entries, broken, example)


def _since(lines: Iterable[bytes], since: datetime | None) -> Iterator[Entry]:
    """The entries since a time; one without a time is as old as the one before it, the first ones as the one after."""
    waiting: list[Entry] = []
    fresh = None if since is not None else True
    for entry in (read_entry(line) for line in lines if line.strip()):
        if since is not None and entry.time is not None:
            fresh = entry.time >= since
            if fresh:
                yield from waiting
            waiting.clear()
        if fresh:
            yield entry
        elif fresh is None and len(waiting) < _MOST_WAITING:
            waiting.append(entry)
    yield from waiting


@dataclass(frozen=True)
class Silence:
    """The longest time without an entry: `minutes`, from when to when, among how many entries."""

    minutes: float
    start: datetime
    end: datetime
    entries: int


def longest_silence(host: Host, target: Target, since: datetime, until: datetime) -> Silence:
    """The longest time without an audit entry between two moments, which count as entries themselves."""
    times = []
    for path in logs.written_since(host, logs.audit_files(host, target), since):
        with host.open(path) as file:
            stamped = (logs.stamp(line) for line in logs.lines_since(file, since))
            times += [at for at in stamped if at is not None and since <= at <= until]
    marks = [since, *sorted(times), until]
    start, end = max(pairwise(marks), key=lambda pair: pair[1] - pair[0])
    return Silence((end - start).total_seconds() / 60, start, end, len(times))


def moment(answer: Answer) -> datetime:
    """When a request left."""
    return datetime.fromtimestamp(answer.sent_at, UTC)
