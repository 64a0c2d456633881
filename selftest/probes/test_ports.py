"""Ports and firewall: what a probe from here proves, and what it does not."""

from __future__ import annotations

import socket

import pytest

from preflight.errors import Undecided
from preflight.probes import ports
from selftest.probes.hosts import Files

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


@pytest.mark.parametrize(
    ("rules", "wrong"),
    [
        ("80,443/tcp (Nginx Full)    ALLOW IN    Anywhere\n8080/tcp    DENY IN    Anywhere", []),
        ("80,443/tcp (Nginx Full (v6))    ALLOW IN    Anywhere (v6)", []),
        ("80/tcp    ALLOW IN    Anywhere\n443    LIMIT IN    Anywhere", []),
        ("80,443/tcp    ALLOW IN    Anywhere\n8000:9000/tcp    ALLOW IN    Anywhere", ["port 8080 is not denied"]),
        ("Anywhere    ALLOW IN    Anywhere", ["port 8080 is not denied"]),
        ("Anywhere    ALLOW IN    192.0.2.7\n80,443/tcp    ALLOW IN    Anywhere", []),
    ],
)
def test_rules_are_read_as_ufw_writes_them(rules: str, wrong: list[str]) -> None:
    status = f"Status: active\nDefault: deny (incoming), allow (outgoing)\n\nTo   Action   From\n{rules}\n"

    assert ports.parse_status(status).wrong() == wrong


@pytest.mark.parametrize(
    ("tuples", "wrong"),
    [
        (["allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in"], []),
        (["allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in", "allow tcp 8080 0.0.0.0/0 any 10.0.0.5 in"], []),
        (
            ["allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in", "allow tcp 8000:9000 0.0.0.0/0 any 0.0.0.0/0 in"],
            ["port 8080 is not denied"],
        ),
        (["allow any any 0.0.0.0/0 any 0.0.0.0/0 in"], ["port 8080 is not denied"]),
        (["allow_log tcp 80 0.0.0.0/0 any 0.0.0.0/0 in", "limit tcp 443 0.0.0.0/0 any 0.0.0.0/0 in"], []),
        (["allow any any 0.0.0.0/0 any 0.0.0.0/0 out", "allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in"], []),
    ],
)
def test_rules_are_read_from_ufws_files(tuples: list[str], wrong: list[str]) -> None:
    host = Files(
        {
            "/etc/ufw/ufw.conf": "ENABLED=yes\n",
            "/etc/default/ufw": 'DEFAULT_INPUT_POLICY="DROP"\n',
            "/etc/ufw/user.rules": "".join(f"### tuple ### {one}\n" for one in tuples),
        }
    )

    assert ports._from_files(host).wrong() == wrong
