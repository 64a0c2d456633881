"""The database and Redis: where the environment file says they are, and whether the game gets there."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from preflight.errors import Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes.envfile import EnvFile
from preflight.probes.gamelog import Seen
from preflight.probes.host import Host, LocalHost

CONNECT_SECONDS = 5.0
_PORTS = {"redis": 6379, "rediss": 6379, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mongodb": 27017}
_COMPLAINT = re.compile(
    r"(?i)\b(?:redis|database|postgres\w*|mysql|mongo\w*)\b.*\b(?:refused|failed|lost|time[d ]?-?out|unreachable)"
)


@dataclass(frozen=True)
class Service:
    """One service that the game is configured to use."""

    name: str
    host: str
    port: int

    @property
    def place(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"


def named(environment: EnvFile) -> list[Service]:
    """The services of `*_URL` settings, and of `REDIS_HOST`, `DB_HOST` and their like with their port.

    Raises Undecided when the file names none.
    """
    found = []
    for name, value in environment.entries:
        parts = urlsplit(value)
        if name.endswith(("_URL", "_URI", "_DSN")) and parts.scheme.partition("+")[0] in _PORTS and parts.hostname:
            scheme = parts.scheme.partition("+")[0]
            found.append(Service(scheme, parts.hostname, parts.port or _PORTS[scheme]))
        kind = re.fullmatch(r"(REDIS|DB|DATABASE|POSTGRES|MYSQL|MONGO)_HOST", name)
        if kind and value:
            port = environment.number(f"{kind[1]}_PORT")
            default = {"REDIS": 6379, "MYSQL": 3306, "MONGO": 27017}.get(kind[1], 5432)
            found.append(Service(kind[1].lower(), value, int(port) if port else default))
    if not found:
        raise Undecided(
            Reason.OPERATOR,
            "the environment file names no database and no Redis: declare [absent] database, or say where they are in it",
        )
    return found


def reach(service: Service, host: Host) -> None:
    """Connect from the game's host, and say nothing.

    Raises Unreachable, and Undecided where the game's host is another machine: from here the answer may be another.
    """
    if not isinstance(host, LocalHost):
        raise Undecided(Reason.OPERATOR, f"{service.place} is to be reached from {host.name}; run the suite there")
    try:
        socket.create_connection((service.host, service.port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise Unreachable(f"{service.name} at {service.place} can't be reached: {error.strerror or error}") from error


def complaints(seen: Seen) -> list[str]:
    """Errors of the game log that say that a database or Redis can't be reached."""
    return [event.text for event in (*seen.critical, *seen.errors) if _COMPLAINT.search(event.text)]
