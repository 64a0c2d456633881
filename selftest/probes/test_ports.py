"""Ports and firewall: what a probe from here proves, and what it does not."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import LookError, Undecided
from preflight.probes import ports
from preflight.target import load
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


ALL_OPEN = [f"port {number} is not denied" for number in ports.GAME_PORTS]


def test_open_and_refused_ports_are_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        assert [p.state for p in ports.look("127.0.0.1", [number])[0]] == ["open"]
    assert [p.state for p in ports.look("127.0.0.1", [number])[0]] == ["refused"]


@pytest.mark.parametrize(
    ("number", "state", "untried"),
    [
        (errno.EHOSTUNREACH, "filtered", []),
        (errno.ENETUNREACH, None, ["2001:db8::7"]),
        (errno.EAFNOSUPPORT, None, ["2001:db8::7"]),
    ],
)
def test_a_family_without_a_way_is_said_to_be_untried(
    monkeypatch: pytest.MonkeyPatch, number: int, state: str | None, untried: list[str]
) -> None:
    """No route to a host is how firewalls reject; no network at all is this machine's own lack."""

    def connect(address: tuple[str, int], _: float) -> Any:
        if ":" in address[0]:
            raise OSError(number, "no way")
        raise ConnectionRefusedError

    monkeypatch.setattr(ports, "addresses", lambda _: ["198.51.100.7", "2001:db8::7"])
    monkeypatch.setattr(ports.socket, "create_connection", connect)
    seen, left = ports.look("game.example", [8080])

    assert [port.state for port in seen] == ["refused", *([state] if state else [])]
    assert left == untried


@pytest.mark.parametrize(
    ("told", "found", "elsewhere"),
    [
        ("", ports.INNER_PORTS, []),
        ('[telemetry]\nurl = "ws://127.0.0.1:9999"\n', ports.INNER_PORTS, []),
        ('[telemetry]\nurl = "ws://game.example:8082"\n', {**ports.INNER_PORTS, "telemetry": 8082}, []),
        (
            '[grafana]\nurl = "http://watch.example:3001"\n',
            {**ports.INNER_PORTS, "grafana": None},
            ["grafana at watch.example:3001"],
        ),
        ('[grafana]\nurl = "https://game.example/grafana"\n', ports.INNER_PORTS, []),
        ('[absent]\ngrafana = "none here"\n', {**ports.INNER_PORTS, "grafana": None}, []),
    ],
)
def test_inner_ports_are_those_of_the_target_file(
    tmp_path: Path, told: str, found: dict[str, int | None], elsewhere: list[str]
) -> None:
    path = tmp_path / "target.toml"
    path.write_text(f'name = "t"\nbuild = "1"\n[api]\nurl = "https://game.example"\n{told}')

    expected = {part: port for part, port in found.items() if port is not None}
    assert ports.inner_ports(load(path), {8082}) == (expected, elsewhere)


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
    assert ports.parse_status(without.replace("Default: deny", "Default: allow")).wrong() == ALL_OPEN


def test_a_rule_for_one_address_opens_nothing_to_everybody() -> None:
    assert 8081 not in ports.parse_status(STATUS).rules


AGREED = "80,443/tcp    ALLOW IN    Anywhere"
TUPLES = ["allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in"]


@pytest.mark.parametrize(
    ("rules", "wrong"),
    [
        ("80,443/tcp (Nginx Full)    ALLOW IN    Anywhere\n8080/tcp    DENY IN    Anywhere", []),
        ("80,443/tcp (Nginx Full (v6))    ALLOW IN    Anywhere (v6)", []),
        ("80/tcp    ALLOW IN    Anywhere\n443    LIMIT IN    Anywhere", []),
        ("80,443/tcp    ALLOW IN    Anywhere\n8000:9000/tcp    ALLOW IN    Anywhere", ALL_OPEN),
        ("Anywhere    ALLOW IN    Anywhere", ALL_OPEN),
        ("Anywhere/tcp    ALLOW IN    Anywhere/tcp", ALL_OPEN),
        (f"{AGREED}\n8083/tcp    ALLOW IN    Anywhere", ["port 8083 is not denied"]),
        (f"{AGREED}\n8080/tcp on eth0    ALLOW IN    Anywhere", ["port 8080 is not denied"]),
        (f"{AGREED}\n203.0.113.5 8080/tcp    ALLOW IN    Anywhere", ["port 8080 is not denied"]),
        (f"{AGREED}\n2001:db8::1 8080/tcp    ALLOW IN    Anywhere (v6)", ["port 8080 is not denied"]),
        (f"{AGREED}\n203.0.113.5 8080 on eth0    LIMIT IN    Anywhere  # game", ["port 8080 is not denied"]),
        (f"{AGREED}\n203.0.113.5    ALLOW IN    Anywhere", ALL_OPEN),
        (f"{AGREED}\nAnywhere on eth0    ALLOW IN    Anywhere", ALL_OPEN),
        (f"{AGREED}\nAnywhere (v6) on eth0    ALLOW IN    Anywhere (v6)", ALL_OPEN),
        (f"{AGREED}\n8080/tcp on eth0    DENY IN    Anywhere\n8080/tcp    ALLOW IN    Anywhere", ["port 8080 is not denied"]),
        ("443/tcp on eth0    ALLOW IN    Anywhere\n203.0.113.5 80/tcp    ALLOW IN    Anywhere", []),
        (f"{AGREED}\nAnywhere on lo    ALLOW IN    Anywhere\nAnywhere on tailscale0    ALLOW IN    Anywhere", []),
        (f"{AGREED}\n127.0.0.1 8080/tcp    ALLOW IN    Anywhere", []),
        (f"{AGREED}\n8080/tcp    DENY IN    Anywhere\n8080/tcp on eth1    ALLOW IN    Anywhere", []),
        (f"{AGREED}\n8080/tcp    DENY IN    Anywhere\n8080/tcp (v6)    ALLOW IN    Anywhere (v6)", ["port 8080 is not denied"]),
        (f"{AGREED}\n8080/udp    ALLOW IN    Anywhere\n8080/tcp    ALLOW OUT    Anywhere on eth0", []),
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
            ALL_OPEN,
        ),
        (["allow any any 0.0.0.0/0 any 0.0.0.0/0 in"], ALL_OPEN),
        ([*TUPLES, "allow tcp 8080 203.0.113.5 any 0.0.0.0/0 in"], ["port 8080 is not denied"]),
        ([*TUPLES, "allow tcp 8080 2001:db8::1 any ::/0 in"], ["port 8080 is not denied"]),
        ([*TUPLES, "allow tcp 8084 0.0.0.0/0 any 0.0.0.0/0 in_eth0 comment=67616d65"], ["port 8084 is not denied"]),
        (
            [*TUPLES, "deny tcp 8080 203.0.113.5 any 0.0.0.0/0 in", "allow tcp 8080 0.0.0.0/0 any 0.0.0.0/0 in"],
            ["port 8080 is not denied"],
        ),
        ([*TUPLES, "deny tcp 8080 0.0.0.0/0 any 0.0.0.0/0 in", "allow any any 0.0.0.0/0 any 0.0.0.0/0 in_eth1"], ALL_OPEN[1:]),
        ([*TUPLES, "allow any any 0.0.0.0/0 any 0.0.0.0/0 in_lo", "allow any any 0.0.0.0/0 any 0.0.0.0/0 out_eth0"], []),
        ([*TUPLES, "allow tcp 8080 0.0.0.0/0 any 0.0.0.0/0 Game - in"], ["port 8080 is not denied"]),
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


@pytest.mark.parametrize(
    ("internal", "opened", "wrong"),
    [
        ("http://127.0.0.1:9000", 9000, ["port 9000 is not denied"]),
        ("http://127.0.0.1:8081", 8081, ["port 8081 is not denied"]),
        ("http://127.0.0.1:8080", 8081, []),  # telemetry's: SEC-FW-04 looks whether it can be reached
        ("http://game.internal", 80, []),  # the front's own port, which is to be open
        (None, 9000, []),
    ],
)
def test_the_port_that_the_target_names_is_not_to_be_open(
    tmp_path: Path, internal: str | None, opened: int, wrong: list[str]
) -> None:
    url = f'internal_url = "{internal}"\n' if internal else ""
    (tmp_path / "target.toml").write_text(f'name = "t"\nbuild = "2.5.0"\n[api]\nurl = "https://api.example"\n{url}')
    closed = ports.to_be_closed(load(tmp_path / "target.toml"))

    assert ports.parse_status(f"{STATUS}{opened}/tcp    ALLOW IN    Anywhere\n", closed).wrong() == wrong


def test_a_default_that_can_not_be_seen_is_not_guessed() -> None:
    rules = "".join(f"### tuple ### {one}\n" for one in TUPLES)
    files = {"/etc/ufw/ufw.conf": "ENABLED=yes\n", "/etc/ufw/user.rules": rules}

    with pytest.raises(LookError, match="default/ufw is missing"):
        ports._from_files(Files(files)).wrong()
    off = ports._from_files(Files({**files, "/etc/ufw/ufw.conf": "ENABLED=no\n"}))
    assert off.wrong() == ["the firewall is not active (/etc/ufw/ufw.conf)"]
