"""The front's access log: when requests came in that must have left an audit entry."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from preflight.errors import LookError
from preflight.probes import nginx
from preflight.probes.host import Host
from preflight.probes.logs import lines_since
from preflight.target import Target

DEFAULT = "/var/log/nginx/access.log"
_MOST_BYTES = 64 * 1024 * 1024
_COMBINED = re.compile(rb'\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "(?:GET|POST|PUT|DELETE|PATCH) ([^ "]+)')
_PUBLIC = re.compile(rb"^(?:/health|/status|/web/|/favicon)")


def path_of(host: Host, target: Target) -> str | None:
    """Where the front writes its access log; None when there is no such file on the host."""
    named: str | None = None
    try:
        named = nginx.with_tls(nginx.read_site(host, target.facts.paths.nginx)).value("access_log")
    except LookError:
        named = None  # the site file is judged by its own items
    path = (named or DEFAULT).split()[0]
    return path if path.startswith("/") and host.facts(path) is not None else None


def protected_requests(host: Host, path: str, start: datetime, end: datetime) -> int:
    """How many requests for a protected path came in between two moments (the last 64 MB of the log are read)."""
    count = 0
    with host.open(path) as file:
        for line in lines_since(file, None, most=_MOST_BYTES):
            found = _COMBINED.search(line)
            if found and not _PUBLIC.match(found[2]):
                try:
                    at = datetime.strptime(found[1].decode(), "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
                except (ValueError, OverflowError):
                    continue  # no time of a calendar: a line that nginx did not write
                count += start < at < end
    return count
