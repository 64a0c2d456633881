"""The audit log: entries of either form, whoever is named in them, and how long it was silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preflight.errors import Unreachable
from preflight.probes import audit, logrotate, ports
from preflight.probes.auditentry import Entry, address, read_entry
from preflight.probes.http import Answer
from preflight.target import Target, load
from selftest.probes.hosts import Files

AT = datetime(2026, 1, 2, 10, 0, 0, tzinfo=UTC)
FOLDER = "/var/log/spacetime/audit"


@pytest.fixture
def target(tmp_path: Path) -> Target:
    path = tmp_path / "target.toml"
    path.write_text('name = "t"\nbuild = "2.5.0"\n[api]\nurl = "https://localhost:1"\n[host]\nkind = "local"\n')
    return load(path)


@pytest.mark.parametrize(
    "line",
    [
        "[2026-01-02 10:00:00] [INFO] [10.0.0.9] [/scene] [AUTH_SUCCESS] GET by 'x'",
        "[2026-01-02T12:00:00+02:00] [INFO] [10.0.0.9] [GET /scene] [AUTH_SUCCESS]",
        "[2026-01-02 10:00:00.123] [INFO] [10.0.0.9:51123] [/scene] [AUTH_SUCCESS] x [y]",
        "[2026-01-02 10:00:00Z] [INFO] [::ffff:10.0.0.9] [/scene] [OK]",
        '{"timestamp": "2026-01-02T05:00:00-05:00", "level": "INFO", "client_ip": "10.0.0.9", "endpoint": "/scene", "result": "OK"}',
        '{"ts": 1767348000.5, "severity": "info", "ip": "10.0.0.9", "path": "/scene", "event": "AUTH_SUCCESS"}',
        '{"client_ip":"10.0.0.9","details":{"m":"'
        + "x" * 300
        + '"},"endpoint":"/scene","level":"INFO","result":"OK","timestamp":1767348000}',
        '{"client-ip":"10.0.0.9","details":"expired at 2025-01-01 00:00:00","endpoint":"/scene","level":"I","result":"OK","time":"2026-01-02 10:00:00"}',
        '{"Timestamp": "2026-01-02T10:00:00Z", "Level": "INFO", "ClientIp": "10.0.0.9", "Endpoint": "/scene", "Result": "PASS"}',
        '{"@timestamp": "2026-01-02T10:00:00Z", "level": "INFO", "source_ip": "10.0.0.9", "path": "/scene", "event_type": "AUTHENTICATED"}',
        '{"ts": 1767348000, "level": "INFO", "status": 200, "details": {"remote_ip": "10.0.0.9", "endpoint": "/scene"}}',
    ],
)
def test_both_forms_say_the_same(line: str) -> None:
    entry = read_entry(line.encode())

    assert entry.time is not None
    assert abs(entry.time - AT) < timedelta(seconds=1)
    assert entry.lacking == []
    assert entry.outcome == "success"
    assert address(entry.client) == "10.0.0.9"


@pytest.mark.parametrize(
    ("line", "lacking"),
    [
        ("[2026-01-02 10:00:00] [INFO] [-] [/scene] [AUTH_SUCCESS]", ["client address"]),
        ("[2026-01-02 10:00:00] [INFO] [nobody] [/scene] [AUTH_SUCCESS]", ["client address"]),
        ("[2026-01-02 10:00:00] [INF", ["level", "client address", "endpoint", "result"]),
        ("[yesterday] [INFO] [10.0.0.9] [/scene] [OK]", ["time"]),
        ("[2026-01-02 10:00:00] [INFO] [10.0.0.9] [] [OK]", ["endpoint"]),
        ('{"timestamp": "2026-01-02T10:00:00Z", "level": "INFO", "endpoint": "/scene", "result": "OK"}', ["client address"]),
    ],
)
def test_what_an_entry_lacks_is_named(line: str, lacking: list[str]) -> None:
    assert read_entry(line.encode()).lacking == lacking


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("AUTH_FAILURE", "failure"),
        ("UNAUTHORIZED", "failure"),
        ("ACCESS_DENIED", "failure"),
        ("401", "failure"),
        ("EXPIRED_TOKEN", "failure"),
        ("NO_TOKEN", "failure"),
        ("AUTH_REQUIRED", "failure"),
        ("AUTH_ERROR", "failure"),
        ("error", "failure"),
        ("False", "failure"),
        ("UNAUTHENTICATED", "failure"),
        ("AUTHENTICATED", "success"),
        ("AUTH_PASS", "success"),
        ("True", "success"),
        ("PASSIVE", ""),
        ("SCENE_LOAD_ERROR", ""),
        ("AUTHORIZED", "success"),
        ("AUTH_SUCCESS", "success"),
        ("RATE_LIMIT", ""),
    ],
)
def test_results_are_understood(result: str, outcome: str) -> None:
    assert Entry(AT, "INFO", "10.0.0.9", "/scene", result).outcome == outcome


def recorded(client: str, at: datetime = AT, source: str = "") -> audit.Recorded:
    answer = Answer("GET", "https://x/scene", 200, (), b"", 0.01, True, "curl", sent_at=AT.timestamp(), address=source)
    return audit.Recorded(answer, Entry(at, "INFO", client, "/scene", "OK"), 0.1, 1, 1)


@pytest.mark.parametrize(
    ("endpoint", "named"),
    [
        ("GET /scene", True),
        ("http://localhost:8080/scene?a=1", True),
        ("/scenes", False),
        ("//[a", False),
        ("GET http://[::1/scene", False),
        ("", False),
    ],
)
def test_an_endpoint_that_is_no_address_names_nothing(endpoint: str, named: bool) -> None:
    assert audit._names(endpoint, "/scene") is named


def test_the_fronts_address_in_the_clients_place_is_wrong(target: Target) -> None:
    assert audit.wrong(recorded("127.0.0.1"), target) == []
    assert "127.0.0.2" in audit.wrong(recorded("127.0.0.2"), target)[0]


@pytest.mark.parametrize(
    ("there", "source", "client", "phrase"),
    [
        (["8.8.8.8"], "192.168.1.10", "203.0.113.9", ""),  # a network in between gave it another address
        (["8.8.8.8"], "192.168.1.10", "127.0.0.1", "that is the front"),
        (["10.0.0.1"], "192.168.1.10", "203.0.113.9", "came from 192.168.1.10"),
        (["8.8.8.8"], "9.9.9.9", "203.0.113.9", "came from 9.9.9.9"),
        (["127.0.0.1"], "127.0.0.7", "127.0.0.1", "came from 127.0.0.7"),
        (["127.0.0.1"], "", "127.0.0.1", ""),
        (["127.0.1.1"], "", "127.0.0.1", ""),
        (["::1", "127.0.0.1"], "", "::1", ""),
        (["::1"], "", "127.0.0.1", ""),
        (["::1", "127.0.0.1"], "", "::FFFF:127.0.0.1", ""),
        (["127.0.0.1"], "", "10.0.0.1", "came from 127.0.0.1"),
        (["10.0.0.1"], "", "127.0.0.1", "that is the front"),
        (["10.0.0.1"], "", "::ffff:127.0.0.1", "that is the front"),
        (["10.0.0.1"], "", "10.0.0.7", ""),
        ([], "", "10.0.0.7", ""),
    ],
)
def test_the_client_must_be_who_asked_where_that_can_be_known(
    target: Target, monkeypatch: pytest.MonkeyPatch, there: list[str], source: str, client: str, phrase: str
) -> None:
    def resolved(host: str) -> list[str]:
        if not there:
            raise Unreachable("the name can't be resolved")
        return there

    monkeypatch.setattr(ports, "addresses", resolved)
    wrong = audit.wrong(recorded(client, source=source), target)

    assert phrase in wrong[0] if phrase else wrong == []


def test_the_suite_is_known_by_the_entry_of_its_own_request_unless_that_is_wrong(target: Target) -> None:
    assert audit.own_client(recorded("127.0.0.1:4711"), target) == "127.0.0.1"
    assert audit.own_client(recorded("127.0.0.2"), target) == "", "the front's address is everybody's"
    assert audit.own_client(replace(recorded("127.0.0.1"), entry=None), target) == ""


@pytest.mark.parametrize("hours", [-1, 1, 8])
def test_a_time_in_another_zone_that_is_not_named_is_wrong(target: Target, hours: int) -> None:
    assert f"{3600 * hours:+d} s" in audit.wrong(recorded("127.0.0.1", AT + timedelta(hours=hours)), target)[0]


def lines(*minutes: float) -> str:
    times = [AT + timedelta(minutes=m) for m in minutes]
    return "".join(f"[{at:%Y-%m-%d %H:%M:%S}] [INFO] [10.0.0.9] [/scene] [OK] x\n" for at in times)


def test_silences_are_measured_over_all_files(target: Target) -> None:
    host = Files({f"{FOLDER}/audit.log": lines(9, 12), f"{FOLDER}/audit-1.log": lines(1, 4, 7)})

    silence = audit.longest_silence(host, target, AT, AT + timedelta(minutes=15))

    assert silence.minutes == 3
    assert silence.entries == 5
    assert audit.longest_silence(host, target, AT, AT + timedelta(minutes=40)).minutes == 28


def test_an_empty_log_is_one_silence(target: Target) -> None:
    host = Files({f"{FOLDER}/audit.log": ""})

    assert audit.longest_silence(host, target, AT, AT + timedelta(hours=1)).minutes == 60


def test_a_line_that_is_cut_off_is_counted(target: Target) -> None:
    host = Files({f"{FOLDER}/audit.log": lines(1) + "[2026-01-02 10:01:00] [INF\n" + lines(2)})

    found = audit.incomplete(host, target, None)

    assert (found.entries, found.broken) == (3, 1)


ITSELF = "[2026-01-02 10:01:00] [INFO] [-] [-] [LOG_ROTATED] audit log opened\n"
BROKEN = "[2026-01-02 10:01:00] [INFO] [-] [-] [AUTH_SUCCESS] x\n"
UNDATED = "[yesterday] [INFO] [10.0.0.9] [/scene] [OK]\n"


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[2026-01-01 10:00:00] [INFO] old build, no client\n" + lines(1), 0),
        (lines(-60) + "an old build's line\n" + lines(1), 0),
        (lines(1) + "[2026-01-02 10:02:00] [INFO] [10.0", 0),
        (lines(1) + ITSELF, 0),
        (lines(1) + ITSELF.replace("[-]", "[10.0.0.9]", 1), 1),
        (lines(1) + BROKEN, 1),
        (lines(-60, 1) + UNDATED, 1),
        (UNDATED, 1),
        (UNDATED + lines(1), 1),
        (UNDATED + lines(-1), 0),
    ],
)
def test_only_whole_entries_since_the_deployment_must_name_everything(target: Target, text: str, broken: int) -> None:
    assert audit.incomplete(Files({f"{FOLDER}/audit.log": text}), target, AT).broken == broken


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("daily\nrotate 30", 30),
        ("daily\nrotate 7", 7),
        ("weekly\nrotate 5", 35),
        ("rotate 400\nmaxage 10\ndaily", 10),
        ("size 10M\nrotate 30", 30),
        ("daily\nrotate -1", float("inf")),
        ("daily\nrotate 30\npostrotate\n  kill -HUP 1 # rotate 1\nendscript", 30),
        ("# rotate 1\nhourly\nrotate 48", 2),
        ("daily", 0),
    ],
)
def test_logrotate_keeps_what_its_rules_say(rule: str, days: float) -> None:
    host = Files({"/etc/logrotate.d/x": f"/var/log/spacetime/audit/*.log {{\n{rule}\n}}\n/var/log/other.log {{\nrotate 1\n}}\n"})

    assert [one.days for one in logrotate.rules_for(host, FOLDER)] == [days]


@pytest.mark.parametrize(
    ("client", "endpoint", "result", "of_itself"),
    [
        ("-", "-", "LOG_ROTATED", True),
        ("127.0.0.1", "-", "STARTUP", True),
        ("::1", "", "SHUTDOWN_STOPPED", True),
        ("10.0.0.9", "-", "STARTUP", False),
        ("somebody", "-", "STARTUP", False),
        ("127.0.0.1", "/scene", "STARTED", False),
        ("127.0.0.1", "-", "AUTH_FAILURE", False),
    ],
)
def test_what_the_log_says_of_itself_names_no_endpoint(client: str, endpoint: str, result: str, *, of_itself: bool) -> None:
    assert Entry(AT, "INFO", client, endpoint, result).of_itself is of_itself
