"""Whether somebody guessed a way in: an address that was refused again and again, and then admitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from preflight.probes import auditentry, logs
from preflight.probes.auditentry import Entry
from preflight.probes.host import Host
from preflight.target import Target

REFUSALS = 5
"""As many failed logins as intrusion detection bans for (within a minute)."""
WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Guesses:
    """The entries of a time, whom they name, and the addresses that got in after refusals, each with when."""

    entries: int
    clients: frozenset[str]
    admitted: tuple[str, ...]


def guesses(host: Host, target: Target, since: datetime, until: datetime) -> Guesses:
    """What the audit log says of guessing between two moments. Raises LookError when there is no log."""
    entries: list[Entry] = []
    for path in logs.audit_files(host, target):
        with host.open(path) as file:
            read = (auditentry.read_entry(line) for line in logs.lines_since(file, since) if line.strip())
            entries += [one for one in read if one.time is not None and since <= one.time <= until]
    return Guesses(len(entries), frozenset(map(_client, entries)), tuple(_admitted(entries)))


def _client(entry: Entry) -> str:
    return auditentry.address(entry.client) or entry.client  # its port is another one each time


def _admitted(entries: Sequence[Entry]) -> list[str]:
    refused: dict[str, list[datetime]] = {}
    found = []
    timed = sorted(((entry.time, entry) for entry in entries if entry.time and entry.client), key=lambda pair: pair[0])
    for at, one in timed:
        client = _client(one)
        late = [then for then in refused.get(client, []) if at - then <= WITHIN]
        if one.outcome == "failure":
            refused[client] = [*late, at]
        elif one.outcome == "success" and len(late) >= REFUSALS:
            found.append(f"{client} at {at:%Y-%m-%d %H:%M:%S} UTC after {len(late)} refusals")
            refused[client] = []
    return found
