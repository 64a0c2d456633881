"""Logs read from their end, as far back as matters: a log of many gigabytes costs seconds."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import IO

from preflight.errors import LookError
from preflight.probes import leaks
from preflight.probes.host import Host
from preflight.redact import Secret, spellings
from preflight.target import Target

_BLOCK = 1 << 20
MOST_BYTES = 512 * _BLOCK
"""As much of a log as a run reads; what is older is said to be unread."""

_LOG_NAME = re.compile(r"\.(?:log|jsonl?|ndjson)(?:[.-]\d+)*(?:\.gz)?$")
_GZIP = b"\x1f\x8b\x08"
_STAMP = re.compile(rb"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?\s*(Z|[+-]\d\d:?\d\d)?")
_NAMED = re.compile(rb'(?i)"@?(?:timestamp|time|ts|datetime)"\s*:\s*"?(?=\d)')
_UNIX = re.compile(rb'(?i)"@?(?:timestamp|time|ts|datetime)"\s*:\s*"?(1[5-9]\d{8})(?:\.\d+)?')


def stamp(line: bytes) -> datetime | None:
    """The time a line carries, in UTC; one without a zone is taken for UTC. None when it carries none.

    In JSON it is what is named so: Godot sorts the names, so that a message with another time may stand before it.
    """
    if line[:8].lstrip()[:1] == b"{" and (named := _NAMED.search(line)):
        line = line[named.start() :]
    found = _STAMP.search(line[:200])
    if found:
        zone = (found[3] or b"+00:00").decode().replace("Z", "+00:00")
        zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
        try:
            return datetime.fromisoformat(f"{found[1].decode()}T{found[2].decode()}{zone}").astimezone(UTC)
        except (ValueError, OverflowError):  # the first and the last day of the calendar, in another zone
            return None
    unix = _UNIX.search(line[:400])
    return datetime.fromtimestamp(int(unix[1]), UTC) if unix else None


def lines_since(file: IO[bytes], since: datetime | None, most: int = MOST_BYTES, *, whole: bool = False) -> Iterator[bytes]:
    """The lines of an open log from `since` on (all of them for None), at most the last `most` bytes.

    `whole`: a last line that has no end yet is left out.

    Times are taken to rise through the file; lines without a time belong to the line before them. A compressed log is
    read from its start, whatever its times. Raises LookError when it is damaged, or holds more than `MOST_BYTES`.
    """
    file.seek(0)
    if file.read(len(_GZIP)) == _GZIP:
        file.seek(0)
        yield from _unpacked(file)
        return
    file.seek(0, 2)
    size = file.tell()
    start = max(0, size - most)
    if since is not None:
        start = max(start, _bisect(file, size, since))
    file.seek(start)
    if start:
        file.readline()
    yield from _split(iter(lambda: file.read(_BLOCK), b""), whole=whole)


def _split(blocks: Iterator[bytes], *, whole: bool = False) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield from lines
    if rest and not whole:
        yield rest


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    def blocks() -> Iterator[bytes]:
        left = MOST_BYTES
        with gzip.open(file) as unpacked:
            while block := unpacked.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise LookError(f"a compressed log holds more than {MOST_BYTES >> 20} MiB: unpack it to have it read")
                yield block

    try:
        yield from _split(blocks())
    except (OSError, EOFError, zlib.error) as error:
        raise LookError(f"a compressed log can't be unpacked: {error}") from error


def _bisect(file: IO[bytes], size: int, since: datetime) -> int:
    low, high = 0, size
    while high - low > 64 * 1024:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        at = next((found for _ in range(2000) if (line := file.readline()) and (found := stamp(line))), None)
        if at is not None and at < since:
            low = middle
        else:
            high = middle
    return max(0, low - 1)


@dataclass
class Scan:
    """What was read of some logs, and the lines that matched."""

    files: int = 0
    lines: int = 0
    found: list[str] = field(default_factory=list)


_SUSPECT = re.compile(
    rb"(?i)eyJ[\w-]{5,}|PRIVATE KEY|password|passwd|pwd|secret|(?:api|access|private)[_-]?key|token|sessionid|jwt|basic\s|bearer|\b[0-9a-f]{64}\b|://[^/\s]*:[^/\s]*@|AKIA|ASIA|gh[pousr]_|AIza|xox|k_live_"
)
_WORDS = tuple(
    b"eyj|private key|password|passwd|pwd|secret|key|token|sessionid|jwt|basic|bearer|"
    b"akia|asia|ghp_|gho_|ghu_|ghs_|ghr_|aiza|xox|k_live_".split(b"|")
)
_HEXADECIMAL = re.compile(rb"[0-9a-f]{64}")
_AT_ONCE = 1_000
"""Lines."""


def _may_suspect(lowered: bytes) -> bool:
    """Whether `_SUSPECT` can match in a text in small letters: words are found a hundred times as fast as an expression."""
    return (
        any(word in lowered for word in _WORDS)
        or (b"://" in lowered and b"@" in lowered)
        or _HEXADECIMAL.search(lowered) is not None
    )


def scan_for_secrets(host: Host, paths: Iterable[str], known: Sequence[Secret]) -> Scan:
    """Look for credentials in logs, these secrets and others; they are named but never quoted."""
    values = [form.encode("utf-8", "surrogateescape") for secret in known for form in spellings(secret.reveal())]
    result = Scan()
    for path in paths:
        with host.open(path) as file:
            result.files += 1
            numbered = enumerate(lines_since(file, None), 1)
            while some := list(islice(numbered, _AT_ONCE)):
                result.lines += len(some)
                together = b"".join(line for _, line in some)  # a secret has a hundred spellings: not each line is asked for each
                present = [value for value in values if value in together]
                if not present and not _may_suspect(together.lower()):
                    continue
                for number, line in some:
                    if not (_SUSPECT.search(line) or any(value in line for value in present)):
                        continue
                    kinds = list(leaks.credentials(line.decode("utf-8", "replace"), known))
                    if kinds and len(result.found) < 100:
                        result.found.append(f"{kinds[0]} in line {number} of {path}")
    return result


def audit_files(host: Host, target: Target) -> list[str]:
    """The audit logs, oldest name first; a single file where the target names one.

    Raises LookError when there are none, or when nobody at all may read one of them.
    """
    place = target.facts.paths.audit_log.rstrip("/")
    facts = host.facts(place)
    if facts is None:
        raise LookError(f"{place} is missing: no audit log is written there")
    found = logs_in(host, place) if facts.is_folder else [place]
    if not found:
        raise LookError(f"{place} holds no log")
    for path in found:
        mine = host.facts(path)
        # the superuser reads what nobody may: the mode is looked at, so that every user sees the same
        if mine is not None and mine.mode & 0o444 == 0:
            raise LookError(f"{path} may be read by nobody (mode {mine.permissions})")
    return found


def written_since(host: Host, paths: Sequence[str], since: datetime | None) -> list[str]:
    """Those logs that were written to since a time: the others need not be read."""
    if since is None:
        return list(paths)
    return [path for path in paths if (facts := host.facts(path)) and facts.modified >= since.timestamp()]


def logs_in(host: Host, folder: str) -> list[str]:
    """The logs that lie in a folder, with those that logrotate has numbered, dated or compressed."""
    return [f"{folder}/{name}" for name in host.listing(folder) if _LOG_NAME.search(name)]
