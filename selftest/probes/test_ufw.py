"""The real ufw in a network namespace of its own, looked at from another: what outsiders reach, and what ufw says."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from preflight.probes import ports
from selftest.probes.hosts import Files

OPEN, GAME, MONITORING = (80, 443), 8080, 9090
KNOCKED = (*OPEN, GAME, MONITORING)
INSIDE, OUTSIDE = "198.51.100.1", "198.51.100.2"  # documentation range (RFC 5737): exists nowhere but between the two
INSIDE6, OUTSIDE6 = "2001:db8::1", "2001:db8::2"
LISTEN = """
import socket, sys
held = []
for port in map(int, sys.argv[1:]):
    held.append(socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True))
print("listening", flush=True)
sys.stdin.read()
"""
KNOCK = """
import json, sys
from preflight.probes import ports
ports._SECONDS = 0.5
print(json.dumps({port.number: port.state for port in ports.look(sys.argv[1], list(map(int, sys.argv[2:])))[0]}))
"""


def lacking() -> str:
    """Why these tests can't run here; empty when they can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "program missing: network namespaces need root"
    without = [tool for tool in ("ip", "ufw", "iptables") if shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if without:
        return f"program missing: {', '.join(without)} (apt-get install iproute2 ufw iptables)"
    tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "program missing: this machine allows no network namespaces"


WHY_NOT = lacking()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@dataclass(frozen=True)
class Net:
    """Two namespaces joined by a cable: `inside` has the firewall and the listeners, `outside` knocks."""

    inside: str
    outside: str
    etc: Path

    def run(self, *command: str, inside: bool = True) -> str:
        """What a command says in one of the two. Raises CalledProcessError when it fails."""
        where = self.inside if inside else self.outside
        done = subprocess.run(["ip", "netns", "exec", where, *command], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def ufw(self, *words: str) -> str:
        """ufw, in the namespace with the firewall."""
        return self.run("ufw", *words)

    def seen(self, address: str = INSIDE, *, inside: bool = False) -> dict[int, str]:
        """The state of each port, as this suite sees it."""
        said = self.run(sys.executable, "-c", KNOCK, address, *map(str, KNOCKED), inside=inside)
        return {int(port): state for port, state in json.loads(said).items()}

    def agreed(self) -> None:
        """The rules of the checklist."""
        for words in (["default", "deny", "incoming"], ["allow", "443/tcp"], ["allow", "80/tcp"], ["deny", "8080/tcp"]):
            self.ufw(*words)
        self.ufw("--force", "enable")


@pytest.fixture
def net() -> Iterator[Net]:
    tag = str(os.getpid() % 100000)
    made = Net(f"pfi{tag}", f"pfo{tag}", Path("/etc/netns") / f"pfi{tag}")
    listening = None
    try:
        # what lies here is /etc for that namespace alone: the machine's own ufw is not touched
        made.etc.mkdir(parents=True)
        for part in ("ufw", "default"):
            shutil.copytree(Path("/etc") / part, made.etc / part)
        for name in (made.inside, made.outside):
            ip("netns", "add", name)
        ip("link", "add", f"pi{tag}", "netns", made.inside, "type", "veth", "peer", "name", f"po{tag}", "netns", made.outside)
        for name, cable, four, six in (
            (made.inside, f"pi{tag}", INSIDE, INSIDE6),
            (made.outside, f"po{tag}", OUTSIDE, OUTSIDE6),
        ):
            ip("-n", name, "addr", "add", f"{four}/30", "dev", cable)
            ip("-n", name, "addr", "add", f"{six}/64", "dev", cable, "nodad")
            ip("-n", name, "link", "set", cable, "up")
            ip("-n", name, "link", "set", "lo", "up")
        listening = subprocess.Popen(
            ["ip", "netns", "exec", made.inside, sys.executable, "-c", LISTEN, *map(str, KNOCKED)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert listening.stdout is not None
        assert listening.stdout.readline().strip() == "listening"
        yield made
    finally:
        if listening is not None:
            listening.communicate()
        for name in (made.inside, made.outside):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        shutil.rmtree(made.etc, ignore_errors=True)
        with contextlib.suppress(OSError):  # somebody else's namespaces have files there
            made.etc.parent.rmdir()


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)


def test_the_agreed_rules_close_what_they_should_and_ufw_says_so(net: Net) -> None:
    assert set(net.seen().values()) == {"open"}

    net.agreed()

    closed = {80: "open", 443: "open", GAME: "filtered", MONITORING: "filtered"}
    assert net.seen() == net.seen(INSIDE6) == closed
    assert ports.parse_status(net.ufw("status", "verbose")).wrong() == []
    assert from_files(net).wrong() == []


def test_from_the_machine_itself_everything_seems_open(net: Net) -> None:
    net.agreed()

    assert set(net.seen("127.0.0.1", inside=True).values()) == {"open"}


def test_a_rule_that_opens_the_game_is_seen_from_outside_and_in_the_rules(net: Net) -> None:
    net.agreed()
    net.ufw("delete", "deny", "8080/tcp")
    net.ufw("allow", "8080/tcp")

    assert net.seen()[GAME] == "open"
    assert ports.parse_status(net.ufw("status", "verbose")).wrong() == ["port 8080 is not denied"]
    assert from_files(net).wrong() == ["port 8080 is not denied"]


def test_a_firewall_that_is_off_is_seen(net: Net) -> None:
    net.agreed()
    net.ufw("disable")

    assert set(net.seen().values()) == {"open"}
    assert "the firewall is not active (ufw status verbose)" in ports.parse_status(net.ufw("status", "verbose")).wrong()
    assert "the firewall is not active (/etc/ufw/ufw.conf)" in from_files(net).wrong()


def test_ipv6_left_open_is_seen_from_outside(net: Net) -> None:
    net.agreed()
    net.ufw("delete", "deny", "8080/tcp")
    net.ufw("allow", "proto", "tcp", "from", "::/0", "to", "any", "port", "8080")

    assert net.seen()[GAME] == "filtered"
    assert net.seen(INSIDE6)[GAME] == "open"
    assert ports.parse_status(net.ufw("status", "verbose")).wrong() == ["port 8080 is not denied"]
    assert from_files(net).wrong() == ["port 8080 is not denied"]


@pytest.mark.parametrize(
    "words",
    [
        ["allow", "in", "on", "{cable}", "to", "any", "port", "8080", "proto", "tcp"],
        ["allow", "proto", "tcp", "to", INSIDE, "port", "8080"],
        ["allow", "in", "on", "{cable}"],
        ["allow", "to", INSIDE],
    ],
)
def test_a_rule_for_one_interface_or_address_opens_the_game_as_well(net: Net, words: list[str]) -> None:
    net.agreed()
    net.ufw("delete", "deny", "8080/tcp")
    net.ufw(*(word.format(cable=f"pi{net.inside.removeprefix('pfi')}") for word in words))

    assert net.seen()[GAME] == "open"
    assert "port 8080 is not denied" in ports.parse_status(net.ufw("status", "verbose")).wrong()
    assert "port 8080 is not denied" in from_files(net).wrong()


def test_what_follows_a_denial_opens_nothing(net: Net) -> None:
    net.agreed()
    net.ufw("allow", "8080")

    assert net.seen()[GAME] == "filtered"
    assert ports.parse_status(net.ufw("status", "verbose")).wrong() == []
    assert from_files(net).wrong() == []


def test_a_port_that_is_rejected_is_refused(net: Net) -> None:
    net.agreed()
    net.ufw("delete", "deny", "8080/tcp")
    net.ufw("reject", "8080/tcp")

    assert net.seen()[GAME] == "refused"
    assert ports.parse_status(net.ufw("status", "verbose")).wrong() == []


def from_files(net: Net) -> ports.Firewall:
    """The rules as the files that this ufw wrote say them."""
    written = [net.etc / "default/ufw", *(net.etc / "ufw").glob("*.conf"), *(net.etc / "ufw").glob("*.rules")]
    return ports._from_files(Files({f"/etc/{path.relative_to(net.etc)}": path.read_text() for path in written}))
