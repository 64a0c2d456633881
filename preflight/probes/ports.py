"""Ports from where the suite stands, and the firewall's rules on the host.

A probe from the deployment's own machine says nothing about "from outside": the loopback is always let through. And a
closed port that nobody listens on proves nothing: its listener has to be seen from inside.
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from preflight.errors import LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes.host import Host, read_text
from preflight.probes.processes import host_is_folder
from preflight.target import Target

_SECONDS = 2.0
_NO_WAY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.ENETUNREACH)
"""No such family here, or no network: nothing can be said of the port."""
GAME_PORTS = (8080, 8083, 8084, 8085)
"""The game's own port and its fall-backs, checklist.md lines 95 and 1536."""

INNER_PORTS = {"telemetry": 8081, "prometheus": 9090, "grafana": 3000, "alertmanager": 9093}
"""Part of the target → its port, checklist.md lines 1538-1541."""


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


def look(host: str, numbers: Sequence[int]) -> tuple[list[Port], list[str]]:
    """The state of ports on every address of a host, and the addresses that this machine has no way to: IPv6 as a rule."""
    found, untried = [], []
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
                if error.errno in _NO_WAY:
                    untried.append(address)
                    break
                state = "filtered"  # a firewall that rejects may say that there is no route to the host
            found.append(Port(address, number, state))
    if not found:
        raise LookError(f"no address of {host} can be tried from this machine")
    return found, untried


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


def inner_ports(target: Target, listening: set[int]) -> tuple[dict[str, int], list[str]]:
    """The ports of telemetry and monitoring on the deployment's machine, by part, and the parts that are on another one.

    A part has the port of its address in the target file, where the machine listens on it; where that address is a way of
    the suite's own (through the front, or a tunnel that begins on this machine), the checklist's.
    """
    found, elsewhere = {}, []
    for part, port in INNER_PORTS.items():
        named = getattr(target.facts, part)
        if part in target.facts.absent:
            continue
        parts = urlsplit(named.url) if named is not None else None
        if parts is None or parts.port in (None, 80, 443) or _is_loopback(parts.hostname or ""):
            found[part] = port
        elif parts.port in listening:
            found[part] = parts.port
        else:
            elsewhere.append(f"{part} at {parts.netloc}")
    return found, elsewhere


def _is_loopback(name: str) -> bool:
    return name.lower() == "localhost" or name == "::1" or name.startswith("127.")


@dataclass(frozen=True)
class Firewall:
    """The rules of ufw: whether it is on, what it does by default (None: not to be seen), and port → actions.

    `closed`: the ports that must not be open.
    """

    active: bool
    default_deny: bool | None
    rules: dict[int, set[str]]
    source: str
    closed: tuple[int, ...] = GAME_PORTS

    def wrong(self) -> list[str]:
        """What is not as agreed (checklist.md lines 353-383). Raises LookError where only the default, unseen, would say it."""
        found = [] if self.active else [f"the firewall is not active ({self.source})"]
        found += [f"port {port} is not allowed" for port in _OPEN_PORTS if "allow" not in self.rules.get(port, set())]
        unseen = []
        for port in self.closed:
            actions = self.rules.get(port, set())
            if "allow" in actions or (not actions and self.default_deny is False):
                found.append(f"port {port} is not denied")
            elif not actions and self.default_deny is None:
                unseen.append(port)
        if unseen and not found:
            raise LookError(f"no rule speaks of port {unseen[0]}, and {_DEFAULTS} is missing: what becomes of it can't be judged")
        return found


def firewall(host: Host, target: Target) -> Firewall:
    """The firewall of a host: asked of `ufw`, or read from its files where the host is a folder."""
    closed = to_be_closed(target)
    if host_is_folder(target):
        return _from_files(host, closed)
    ran = host.run("firewall")
    if ran.status != 0:
        raise LookError(f"ufw status verbose: {ran.output.strip()[:160]}")
    return parse_status(ran.output, closed)


def to_be_closed(target: Target) -> tuple[int, ...]:
    """The ports that no rule may open: the game's, its fall-backs, and the one that the target names for it.

    Telemetry's 8081 is among them only where the target says that the game is there: it must not be open either
    (checklist.md line 1538), and that is what SEC-FW-04 looks at, from outside.
    """
    own = target.port_of_the_game()
    return GAME_PORTS if own is None or own in (*_OPEN_PORTS, *GAME_PORTS) else (own, *GAME_PORTS)


@dataclass(frozen=True)
class _Rule:
    """A rule for what comes in from any address. `ports`: "" for all; the rest narrows what it applies to."""

    action: str
    ports: str
    interface: str
    address: str
    v6: bool

    @property
    def everywhere(self) -> bool:
        """Whether it applies on every interface and to every address of the machine."""
        return not (self.interface or self.address)

    @property
    def inside(self) -> bool:
        """Whether only the machine itself, its containers or its tunnels come in that way."""
        own = self.address.startswith("127.") or self.address.partition("/")[0] == "::1"
        return own or bool(_INSIDE.fullmatch(self.interface))


_OPEN_PORTS = (443, 80)
_DEFAULTS = "/etc/default/ufw"
_INSIDE = re.compile(r"lo|(?:wg|tun|tap|tailscale|docker|virbr|lxdbr|veth)[\w.-]*|zt\w{8,}|br-[0-9a-f]{12}")
"""Interfaces that no stranger's packet comes in by: loopback, tunnels, bridges of containers."""

_ACTION = re.compile(r"(?<=\s)(ALLOW|DENY|REJECT|LIMIT)(?: IN)?\s+Anywhere\b")
_NUMBERS = r"\d{1,5}(?::\d{1,5})?(?:,\d{1,5}(?::\d{1,5})?)*"
_TO = re.compile(
    rf"(?:(?P<ports>{_NUMBERS})|Anywhere|(?P<address>[\da-fA-F.:]+(?:/\d+)?)(?: (?P<theirs>{_NUMBERS}))?)(?:/tcp)?"
    r"(?: \(.*\))?(?: on (?P<interface>\S+))?"
)
"""`80,443/tcp (Nginx Full)`, `203.0.113.5 8080/tcp on eth0`, `Anywhere (v6)`: as `ufw status verbose` prints where to."""

_TUPLE = re.compile(
    r"^### tuple ### (allow|deny|reject|limit)\S* (?:tcp|any) (\S+) (\S+) any (?:0\.0\.0\.0/0|::/0)(.*)$", re.MULTILINE
)
"""The same rule in ufw's own file: action, protocol, port, destination, its port, source, applications, direction."""


def _numbers(text: str, closed: Sequence[int]) -> Iterator[int]:
    """The ports that `80`, `80,443` or `8000:8100` names; those that are asked about where a rule names none."""
    if not text:
        yield from (*_OPEN_PORTS, *closed)
    for first, last in re.findall(r"(\d{1,5})(?::(\d{1,5}))?", text):
        yield from range(int(first), min(int(last or first), 65_535) + 1)


def _effects(rules: Iterable[_Rule], closed: Sequence[int]) -> dict[int, set[str]]:
    """What becomes of each port: the first rule that fits a packet decides, so that what follows a plain deny is idle.

    An allow for one interface or address of the machine opens the port; a deny for one leaves the others as they were.
    """
    found: dict[int, set[str]] = {}
    shut: set[tuple[int, bool]] = set()
    for rule in rules:
        opens = rule.action in ("allow", "limit")
        if rule.inside if opens else not rule.everywhere:
            continue
        for port in _numbers(rule.ports, closed):
            if (port, rule.v6) in shut:
                continue
            found.setdefault(port, set()).add("allow" if opens else rule.action)
            if not opens:
                shut.add((port, rule.v6))
    return found


def parse_status(text: str, closed: tuple[int, ...] = GAME_PORTS) -> Firewall:
    """`ufw status verbose` as rules; those for one source address only do not open a port to everybody."""
    return Firewall(
        active=bool(re.search(r"^Status:\s*active\b", text, re.MULTILINE)),
        default_deny=bool(re.search(r"^Default:\s*(?:deny|reject) \(incoming\)", text, re.MULTILINE)),
        rules=_effects(_printed(text), closed),
        source="ufw status verbose",
        closed=closed,
    )


def _printed(text: str) -> Iterator[_Rule]:
    for line in text.splitlines():
        found = _ACTION.search(line)
        to = _TO.fullmatch(line[: found.start()].strip()) if found else None
        if found and to:
            address = to["address"] or ""
            v6 = "(v6)" in line.partition("#")[0] or ":" in address
            yield _Rule(found[1].lower(), to["ports"] or to["theirs"] or "", to["interface"] or "", address, v6)


def _from_files(host: Host, closed: tuple[int, ...] = GAME_PORTS) -> Firewall:
    conf = read_text(host, "/etc/ufw/ufw.conf")
    policy = read_text(host, _DEFAULTS) if host.facts(_DEFAULTS) else None
    written = [read_text(host, path) for path in ("/etc/ufw/user.rules", "/etc/ufw/user6.rules") if host.facts(path)]
    denies = re.compile(r"^\s*DEFAULT_INPUT_POLICY\s*=\s*[\"']?(?:DROP|REJECT)", re.MULTILINE)
    return Firewall(
        active=bool(re.search(r"^\s*ENABLED\s*=\s*[\"']?yes\b", conf, re.MULTILINE | re.IGNORECASE)),
        default_deny=None if policy is None else bool(denies.search(policy)),
        rules=_effects((rule for text in written for rule in _tuples(text)), closed),
        source="/etc/ufw/ufw.conf",
        closed=closed,
    )


def _tuples(text: str) -> Iterator[_Rule]:
    for action, ports, to, rest in _TUPLE.findall(text):
        words = rest.partition(" comment=")[0].split()
        direction, _, interface = (words[-1] if words else "in").partition("_")
        if direction == "in":
            address = "" if to in ("0.0.0.0/0", "::/0") else to
            yield _Rule(action, "" if ports == "any" else ports, interface, address, ":" in to)
