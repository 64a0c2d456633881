"""Ports and firewall: what a probe from here proves, and what it does not."""

from __future__ import annotations

import socket

import pytest

from preflight.errors import Undecided
from preflight.probes import ports

STATUS = """Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
443/tcp                    ALLOW IN    Anywhere
80/tcp                     ALLOW IN    Anywhere
8080/tcp                   DENY IN     Anywhere
8081                       ALLOW IN    192.0.2.7
443/tcp (v6)               ALLOW IN    Anywhere (v6)
"""


def test_open_and_refused_ports_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        assert [p.state for p in ports.look("127.0.0.1", [number])] == ["open"]
    assert [p.state for p in ports.look("127.0.0.1", [number])] == ["refused"]


def test_a_look_from_the_machine_itself_is_not_from_outside() -> None:
    with pytest.raises(Undecided, match="this machine"):
        ports.from_outside("localhost")


def test_the_agreed_rules_are_right() -> None:
    assert ports.parse_status(STATUS).wrong() == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Status: active", "Status: inactive", "not active"),
        ("443/tcp                    ALLOW", "444/tcp                    ALLOW", ""),
        ("8080/tcp                   DENY IN", "8080/tcp                   ALLOW IN", "8080 is not denied"),
        ("80/tcp                     ALLOW IN    Anywhere\n", "", "80 is not allowed"),
    ],
)
def test_a_wrong_rule_is_named(old: str, new: str, said: str) -> None:
    wrong = ports.parse_status(STATUS.replace(old, new)).wrong()
    assert any(said in sentence for sentence in wrong) if said else wrong == []


def test_without_a_deny_rule_the_default_decides() -> None:
    without = STATUS.replace("8080/tcp                   DENY IN     Anywhere\n", "")
    assert ports.parse_status(without).wrong() == []
    assert ports.parse_status(without.replace("Default: deny", "Default: allow")).wrong() == ["port 8080 is not denied"]


def test_a_rule_for_one_address_opens_nothing_to_everybody() -> None:
    assert 8081 not in ports.parse_status(STATUS).rules
