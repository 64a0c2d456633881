"""The front's access log: when requests came in that must have left an audit entry."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from preflight.errors import LookError
from preflight.probes import nginx
from preflight.probes.api import PROTECTED_CALLS
from preflight.probes.host import Host
from preflight.probes.logs import lines_since
from preflight.probes.tokens import BY_ADDRESS
from preflight.target import Target

DEFAULT = "/var/log/nginx/access.log"
PROTECTED_PATHS = frozenset(path for _, path in PROTECTED_CALLS)
_MOST_BYTES = 64 * 1024 * 1024
_COMBINED = re.compile(rb'\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "([^"]*)" (\d{3})\b')
_REQUEST = re.compile(rb"(?:GET|POST|PUT|DELETE|PATCH) ([^ ?]+)")
_WITHOUT_THE_GAME = {301, 302, 307, 308, 400, 404, 408, 429, 444, 499, 502, 503, 504}
"""What the front answers, or may answer, by itself: to the other scheme, to half a request or to too many, for what it does
not pass on, for a game that is down."""


def path_of(host: Host, target: Target) -> str | None:
    """Where the front writes its access log; None when there is no such file on the host."""
    named: str | None = None
    try:
        named = nginx.with_tls(nginx.read_site(host, target.facts.paths.nginx)).value("access_log")
    except LookError:
        named = None  # the site file is judged by its own items
    path = (named or DEFAULT).split()[0]
    return path if path.startswith("/") and host.facts(path) is not None else None


def protected_paths(target: Target) -> frozenset[str]:
    """The paths, as the front sees them, that want a token: those of the contract and those that the target file adds."""
    below = (urlsplit(target.facts.api.url).path or "").rstrip("/")
    return frozenset(below + path for path in (*PROTECTED_PATHS, *target.facts.api.protected))


@dataclass(frozen=True)
class Requests:
    """How many requests there were, as far as the log says, and whether it says all of that time."""

    count: int
    whole: bool


def protected_requests(
    host: Host, path: str, start: datetime, end: datetime, paths: Collection[str] = PROTECTED_PATHS
) -> Requests:
    """The requests for a protected path that reached the game between two moments (the last 64 MB of a log are read).

    The log before the last rotation is read too where this one begins later; one of another format says nothing.
    """
    count = 0
    for log in (path, f"{path}.1"):
        if log != path and host.facts(log) is None:
            break
        first: datetime | None = None
        for at, asked, status in _read(host, log):
            first = first or at
            count += start < at < end and asked in paths and not _without_the_game(asked, status)
        if first is not None and first <= start:
            return Requests(count, whole=True)
    return Requests(count, whole=False)


def _without_the_game(path: str, status: int) -> bool:
    return status in _WITHOUT_THE_GAME or (status == 403 and any(part in path for part in BY_ADDRESS))


def _read(host: Host, log: str) -> Iterator[tuple[datetime, str, int]]:
    """Time, path ("" for no request of a kind that is audited) and status of every line in nginx's combined format."""
    with host.open(log) as file:
        for line in lines_since(file, None, most=_MOST_BYTES):
            found = _COMBINED.search(line)
            if not found:
                continue
            try:
                at = datetime.strptime(found[1].decode(), "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
            except (ValueError, OverflowError):
                continue  # no time of a calendar: a line that nginx did not write
            asked = _REQUEST.match(found[2])
            yield at, asked[1].decode("utf-8", "replace") if asked else "", int(found[3])
