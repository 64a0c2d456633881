"""Ports from where the suite stands, and the firewall's rules on the host.

A probe from the deployment's own machine says nothing about "from outside": the loopback is always let through. And a
closed port that nobody listens on proves nothing: its listener has to be seen from inside.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from preflight.errors import LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes.host import Host, read_text
from preflight.probes.processes import host_is_folder
from preflight.target import Target

_SECONDS = 2.0
GAME_PORTS = (8080, 8083, 8084, 8085)
"""The game's own port and its fall-backs, checklist.md lines 95 and 1536."""

INNER_PORTS = {"telemetry": 8081, "Prometheus": 9090, "Grafana": 3000, "Alertmanager": 9093}
"""checklist.md lines 1538-1541."""


@dataclass(frozen=True)
class Port:
    """One port of one address, as seen from here: "open", "refused" or "filtered"."""

    address: str
    number: int
    state: str

    def __str__(self) -> str:
        return f"{self.address} port {self.number} is {self.state}"


def addresses(host: str) -> list[str]:
    """Every IPv4 and IPv6 address of a name. Raises Unreachable when it has none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(f"{host}: the name can't be resolved") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_this_machine(address: str) -> bool:
    """Whether an address is this machine's own: loopback, or one that can be bound here."""
    parsed = ipaddress.ip_address(address.split("%", 1)[0])
    if parsed.is_loopback:
        return True
    family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
    return True


def look(host: str, numbers: Sequence[int]) -> list[Port]:
    """The state of ports on every address of a host. An address family this machine lacks is left out."""
    found = []
    for address in addresses(host):
        for number in numbers:
            try:
                socket.create_connection((address, number), _SECONDS).close()
                state = "open"
            except ConnectionRefusedError:
                state = "refused"
            except TimeoutError:
                state = "filtered"
            except OSError as error:
                if error.errno in (97, 99, 101, 113):  # no such family here, no route: nothing can be said
                    continue
                state = "filtered"
            found.append(Port(address, number, state))
    if not found:
        raise LookError(f"no address of {host} can be tried from this machine")
    return found


def from_outside(host: str) -> None:
    """The suite stands outside. Raises Undecided when it runs on the deployment's own machine."""
    own = [address for address in addresses(host) if is_this_machine(address)]
    if own:
        raise Undecided(
            Reason.OPERATOR, f"{host} is this machine ({own[0]}): what outsiders see can only be seen from another machine"
        )


def listeners(host: Host) -> set[int]:
    """The TCP ports that something listens on, seen on the host itself (`ss`)."""
    ran = host.run("listeners")
    return {int(found) for found in re.findall(r":(\d+)\s", ran.output)}


@dataclass(frozen=True)
class Firewall:
    """The rules of ufw: whether it is on, what it does by default, and port → actions."""

    active: bool
    default_deny: bool
    rules: dict[int, set[str]]
    source: str

    def wrong(self) -> list[str]:
        """What is not as agreed (checklist.md lines 353-383)."""
        found = [] if self.active else [f"the firewall is not active ({self.source})"]
        found += [f"port {port} is not allowed" for port in (443, 80) if "allow" not in self.rules.get(port, set())]
        for port in GAME_PORTS[:1]:
            actions = self.rules.get(port, set())
            if "allow" in actions or not (actions & {"deny", "reject"} or self.default_deny):
                found.append(f"port {port} is not denied")
        return found


def firewall(host: Host, target: Target) -> Firewall:
    """The firewall of a host: asked of `ufw`, or read from its files where the host is a folder."""
    if host_is_folder(target):
        return _from_files(host)
    ran = host.run("firewall")
    if ran.status != 0:
        raise LookError(f"ufw status verbose: {ran.output.strip()[:160]}")
    return parse_status(ran.output)


_RULE = re.compile(
    r"\s*(?:(?P<ports>\d[\d,:]*)(?:/tcp)?|Anywhere)(?: \([^()]*(?:\(v6\))?\))?(?: \(v6\))?\s+"
    r"(?P<action>ALLOW|DENY|REJECT|LIMIT)(?: IN)?\s+(?P<source>.+)"
)
"""`80,443/tcp (Nginx Full)  ALLOW IN  Anywhere`: ports, ranges and the names of applications, as `ufw status` prints them."""

_TUPLE = re.compile(
    r"^### tuple ### (allow|deny|reject|limit)\S* (?:tcp|any) (\S+) (?:0\.0\.0\.0/0|::/0) any (?:0\.0\.0\.0/0|::/0)(?! .*\bout\b)",
    re.MULTILINE,
)
"""The same rule in ufw's own file: action, protocol, port, destination, its port, source."""


def _numbers(text: str) -> Iterator[int]:
    """The ports that `80`, `80,443` or `8000:8100` names; those that are asked about where a rule names none."""
    if not text:
        yield from (80, 443, *GAME_PORTS)
    for first, last in re.findall(r"(\d{1,5})(?::(\d{1,5}))?", text):
        yield from range(int(first), min(int(last or first), 65_535) + 1)


def parse_status(text: str) -> Firewall:
    """`ufw status verbose` as rules; those for one source address only do not open a port to everybody."""
    rules: dict[int, set[str]] = {}
    for line in text.splitlines():
        found = _RULE.match(line)
        if found and found["source"].strip().lower().startswith("anywhere"):
            for port in _numbers(found["ports"] or ""):
                rules.setdefault(port, set()).add("allow" if found["action"] == "LIMIT" else found["action"].lower())
    return Firewall(
        active=bool(re.search(r"^Status:\s*active\b", text, re.MULTILINE)),
        default_deny=bool(re.search(r"^Default:\s*(?:deny|reject) \(incoming\)", text, re.MULTILINE)),
        rules=rules,
        source="ufw status verbose",
    )


def _from_files(host: Host) -> Firewall:
    conf = read_text(host, "/etc/ufw/ufw.conf")
    default = "/etc/default/ufw"
    policy = read_text(host, default) if host.facts(default) else ""
    rules: dict[int, set[str]] = {}
    for path in ("/etc/ufw/user.rules", "/etc/ufw/user6.rules"):
        if host.facts(path):
            for action, ports in _TUPLE.findall(read_text(host, path)):
                for port in _numbers("" if ports == "any" else ports):
                    rules.setdefault(port, set()).add("allow" if action == "limit" else action)
    return Firewall(
        active=bool(re.search(r"^\s*ENABLED\s*=\s*[\"']?yes\b", conf, re.MULTILINE | re.IGNORECASE)),
        default_deny=bool(re.search(r"^\s*DEFAULT_INPUT_POLICY\s*=\s*[\"']?(?:DROP|REJECT)", policy, re.MULTILINE)),
        rules=rules,
        source="/etc/ufw/ufw.conf",
    )
