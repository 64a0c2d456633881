"""An entry of the audit log, read from its line.

Both documented forms are read: `[time] [LEVEL] [client] [endpoint] [RESULT] details`, and JSON lines with the same facts.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from preflight.probes import logs

_FIELDS = re.compile(r"\[([^\]]*)\]")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "level": ("level", "severity", "loglevel", "lvl", "levelname"),
    "client": ("clientip", "client", "ip", "clientaddress", "remoteaddr", "remoteip", "sourceip", "peer", "address"),
    "endpoint": ("endpoint", "path", "url", "resource"),
    "result": ("result", "event", "eventtype", "outcome", "action", "status"),
}
"""What the facts are called in JSON, in lower case and without - and _."""
_FAILURE = re.compile(
    r"(?i)FAIL|DENI|REFUS|REJECT|UNAUTH|INVALID|MISSING|FORBID|BLOCK|EXPIR|NO_?TOKEN|REQUIRED|\b40[13]\b"
    # an error of another kind, such as that of loading a scene, is no refusal
    r"|^error$|(?:AUTH|TOKEN|JWT)[A-Z]*_?ERROR|^false$"
)
_SUCCESS = re.compile(r"(?i)SUCC|\bOK\b|ALLOW|GRANT|ACCEPT|AUTHORI[SZ]ED|AUTHENTICATED|PASS(?:ED)?(?![A-Z])|\b200\b|^true$")
_OF_ITSELF = re.compile(r"(?i)START|STOP|ROTAT|OPENED|CLOSED")


@dataclass(frozen=True)
class Entry:
    """One entry, as far as it could be read; "" for what it does not say."""

    time: datetime | None
    level: str
    client: str
    endpoint: str
    result: str

    @property
    def lacking(self) -> list[str]:
        """What the entry does not name."""
        named = {"level": self.level, "client address": self.client, "endpoint": self.endpoint, "result": self.result}
        lacking = [] if self.time else ["time"]
        lacking += [name for name, value in named.items() if not value.strip("-? ")]
        if self.client.strip("-? ") and not address(self.client):
            lacking.append("client address")
        return lacking

    @property
    def of_itself(self) -> bool:
        """Whether the log speaks of itself (begun, rotated, ended) and of nobody's request, be it as of this machine."""
        who = address(self.client)
        nobody = ipaddress.ip_address(who).is_loopback if who else not self.client.strip("-? ")
        return bool(_OF_ITSELF.search(self.result)) and nobody and not self.endpoint.strip("-? ")

    @property
    def outcome(self) -> str:
        """What became of the request: "failure", "success", or "" where the entry does not say."""
        return "failure" if _FAILURE.search(self.result) else "success" if _SUCCESS.search(self.result) else ""


def read_entry(line: bytes) -> Entry:
    """An entry from its line; what can't be read stays empty."""
    at, text = logs.stamp(line), line.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return Entry(at, "", "", "", "")
        above = {_plain(name): value for name, value in said.items() if not isinstance(value, dict)}
        below: dict[str, object] = {}
        for name, value in said.items():
            for inner, fact in value.items() if isinstance(value, dict) else ():  # `details`, or `client: {ip}`, `log: {level}`
                below.setdefault(_plain(f"{name}{inner}"), fact)
                below.setdefault(_plain(inner), fact)
        return Entry(at, *(_first(above, names) or _first(below, names) for names in _NAMES.values()))
    found = [part.strip() for part in _FIELDS.findall(text)[1:5]]
    return Entry(at, *(found + [""] * (4 - len(found))))


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _first(said: Mapping[str, object], names: tuple[str, ...]) -> str:
    return next((str(said[name]) for name in names if said.get(name) not in (None, "")), "")


def address(text: str) -> str:
    """An address without port or brackets, "" for what is none."""
    bare = re.sub(r"^\[(.*)\](?::\d+)?$", r"\1", text.strip())
    for candidate in (bare, bare.rpartition(":")[0]):
        try:
            found = ipaddress.ip_address(candidate)
            return str(getattr(found, "ipv4_mapped", None) or found)
        except ValueError:
            continue
    return ""
