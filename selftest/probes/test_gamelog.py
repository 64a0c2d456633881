"""The game log: levels decide, not words; starts, crashes and compiler messages are told apart."""

from __future__ import annotations

import gzip
import io
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preflight.probes import gamelog
from preflight.probes.logs import lines_since
from preflight.target import load
from selftest.probes.hosts import NOW, Files

SINCE = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "[2026-01-02 10:00:00] [INFO] 0 errors, 0 warnings; error reporting enabled",
        "[2026-01-02 10:00:00] [INFO] recovered from crash of last week, signal 11",
        "[2026-01-02 10:00:00] [DEBUG] ErrorHandler: registered for CRITICAL events",
        "[2026-01-02 10:00:00] [WARNING] Network: retry after error 5",
        "Player Zoe says: ERROR: I am stuck",
        "   at: push_error (core/variant/variant_utility.cpp:1024)",
        "res://ui/error_dialog.gd loaded",
        '{"time": "2026-01-02T10:00:00Z", "level": "info", "message": "error rate 0"}',
        "Error handler: ready",
        "[2026-01-02 10:00:00] Error handling ready",
        "[2026-01-02 10:00:00] [INFO] [ERROR] no",
        "[2026-01-02 10:00:00] [INFO] an ERROR: x",
        "[2026-01-02 10:00:00] [Chat] Zoe: [ERROR] I am stuck",
        "[2026-01-02 10:00:00] [GameState] handle_crash is registered",
        "[2026-01-02 10:00:00] ERRORS: none",
        "ERROR budget fine",
        "Jan 02 10:00:00 host godot[12]: Error handling ready",
        "Jan 02 10:00:00 host kernel: [INFO] ERROR: no",
        "",
    ],
)
def test_harmless_lines_are_harmless(line: str) -> None:
    assert gamelog.kinds_of(line.encode()) == []


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("ERROR: Condition is true.", ["errors"]),
        ("USER ERROR: out of lives", ["errors"]),
        ("SCRIPT ERROR: Division by zero error in operator '/'.", ["critical", "errors"]),
        ("SCRIPT ERROR: Parse Error: Identifier not declared", ["compile_errors", "errors"]),
        ("[2026-01-02 10:00:00] SCRIPT ERROR: Compile Error: foo", ["compile_errors", "errors"]),
        ("ERROR: OutOfMemory: can't allocate", ["critical", "errors"]),
        ("[2026-01-02 10:00:00] [ERROR] out of memory", ["critical", "errors"]),
        ("[2026-01-02T10:00:00.123+02:00] [FATAL] gone", ["critical", "errors"]),
        ("2026-01-02 10:00:00 ERROR: x", ["errors"]),
        ("2026-01-02 10:00:00 ERROR boom", ["errors"]),
        ("[2026-01-02 10:00:00] CRITICAL boom", ["critical", "errors"]),
        ("[2026-01-02 10:00:00] [HttpApi] [ERROR] boom", ["errors"]),
        ("[2026-01-02 10:00:00] [ERROR ] boom", ["errors"]),
        ("[2026-01-02 10:00:00 UTC] [ERROR] boom", ["errors"]),
        ("[ERROR] boom", ["errors"]),
        ("Jan 02 10:00:00 host godot[12]: ERROR: boom", ["errors"]),
        ("Jan  2 10:00:00 host godot[12]: SCRIPT ERROR: Parse Error: x", ["compile_errors", "errors"]),
        ("Jan 02 10:00:00 host godot[12]: Godot Engine v4.5.1.stable.official", ["starts"]),
        ("2026-01-02 10:00:00 Godot Engine v4.5.1.stable.official", ["starts"]),
        ('{"ts": 1767348000, "level": "CRITICAL", "msg": "x"}', ["critical", "errors"]),
        ("handle_crash: Program crashed with signal 11", ["crashes", "critical", "errors"]),
        ("WARNING: unused at res://a.gd:9 (UNUSED_VARIABLE)", ["compile_warnings"]),
        ("Godot Engine v4.5.1.stable.official", ["starts"]),
        ("[2026-01-02 10:00:00] [INFO] Godot Engine v4.5.1.stable.official", ["starts"]),
    ],
)
def test_what_counts_is_counted_as_what_it_is(line: str, kinds: list[str]) -> None:
    assert gamelog.kinds_of(line.encode()) == kinds


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"\x1b[1;31mERROR:\x1b[0;91m boom", "errors"),
        (b"\x1b[1;31mSCRIPT ERROR:\x1b[0;91m boom", "critical"),
        (b"\x1b[90m[2026-01-02 10:00:00]\x1b[0m [ERROR] boom", "errors"),
        (b"\x1b[1mGodot Engine v4.5.1.stable.official\x1b[0m", "starts"),
    ],
)
def test_a_terminals_colours_hide_nothing(line: bytes, kind: str) -> None:
    assert gamelog.read_lines([line], None).since_deployment.count(kind) == 1
    assert gamelog.read_lines([b"\x1b[32m[INFO]\x1b[0m ERROR: no"], None).since_deployment.count("errors") == 0


def test_errors_before_the_deployment_are_not_counted() -> None:
    lines = [
        b"[2026-01-01 23:59:59] [ERROR] before",
        b"   at: an undated line belongs to the one before",
        b"SCRIPT ERROR: an undated error, still before",
        b"[2026-01-02 00:00:00] [INFO] Godot Engine v4.5",
        b"SCRIPT ERROR: an undated error, now after",
        b"   at: _process (res://vr_main.gd:41)",
    ]

    log = gamelog.read_lines(lines, SINCE)

    assert log.since_deployment.count("errors") == 1
    assert "vr_main.gd:41" in log.since_deployment.first("critical")
    assert gamelog.about_the_scene(log.since_start, "res://vr_main.tscn")


BANNER = [
    b"Godot Engine v4.5.1.stable.official",
    b'SCRIPT ERROR: Parse Error: Identifier "x" not declared.',
    b"   at: GDScript::reload (res://a.gd:3)",
    b'ERROR: Failed to load script "res://a.gd".',
]
OLD, NEW, LATE = b"[2026-01-01 23:00:00] [INFO] old", b"[2026-01-02 00:00:05] [INFO] up", b"[2026-01-02 05:00:00] [INFO] up"


@pytest.mark.parametrize("before", [[], [OLD], [OLD, *BANNER, OLD], [OLD, b"SCRIPT ERROR: an undated one, of before"]])
def test_the_engine_writes_no_times_so_that_a_start_is_as_young_as_the_line_after_it(before: list[bytes]) -> None:
    log = gamelog.read_lines([*before, *BANNER, NEW], SINCE)

    assert log.since_deployment.counts == log.since_start.counts == {"starts": 1, "compile_errors": 2, "errors": 2}
    assert log.since_deployment.lines == 5
    assert log.since_deployment.first("errors").startswith("2026-01-02 00:00:05 UTC: SCRIPT ERROR")


def test_a_start_of_before_stays_one_of_before() -> None:
    log = gamelog.read_lines([OLD, *BANNER, OLD, b"SCRIPT ERROR: x", NEW], SINCE, SINCE + timedelta(days=1))

    assert log.since_deployment.counts == {}
    assert log.since_deployment.lines == 1


def test_a_start_long_after_the_deployment_is_a_restart_although_the_engine_does_not_date_it() -> None:
    assert gamelog.restarts(gamelog.read_lines([OLD, *BANNER, LATE], SINCE).since_deployment, SINCE, None) == 1
    assert gamelog.restarts(gamelog.read_lines([OLD, *BANNER, NEW], SINCE).since_deployment, SINCE, None) == 0


@pytest.mark.parametrize("before", [[], [OLD]])
@pytest.mark.parametrize(("hours", "errors"), [(1, 2), (-1, 0)])
def test_what_no_time_follows_is_as_old_as_the_file(before: list[bytes], hours: int, errors: int) -> None:
    written = SINCE + timedelta(hours=hours)
    blob = io.BytesIO(b"\n".join([*before, *BANNER]) + b"\n")

    log = gamelog.read_lines(lines_since(blob, SINCE), SINCE, written)

    assert log.since_deployment.count("errors") == errors
    assert log.since_deployment.lines == (4 if errors else 0)
    assert gamelog.restarts(log.since_deployment, SINCE, None) == 0, "when the file was written says nothing of the start"


def test_a_start_behind_twenty_megabytes_of_before_is_found() -> None:
    old = b"".join(heartbeat(SINCE - timedelta(hours=30) + timedelta(seconds=s)) for s in range(0, 100_000, 60))
    blob = io.BytesIO(old * 140 + b"\n".join(BANNER) + b"\n" + heartbeat(SINCE))

    assert gamelog.read_lines(lines_since(blob, SINCE), SINCE).since_deployment.count("compile_errors") == 2


def test_a_start_begins_anew_and_a_crash_does_not() -> None:
    lines = [b"Godot Engine v4", b"SCRIPT ERROR: x", b"handle_crash: Program crashed with signal 11", b"Godot Engine v4", b"fine"]

    log = gamelog.read_lines(lines, None)

    assert log.since_start.count("errors") == 0
    assert log.since_deployment.count("crashes") == 1
    assert gamelog.restarts(log.since_deployment, None, None) == 1


@pytest.mark.parametrize(("hours", "restarts"), [([0.01], 0), ([0.01, 5], 1), ([5], 1), ([0.01, 1, 2, 3], 3), ([], 0)])
def test_the_deployments_own_start_is_no_restart(hours: list[float], restarts: int) -> None:
    times = [SINCE + timedelta(hours=h) for h in hours]
    lines = [f"[{at:%Y-%m-%d %H:%M:%S}] [INFO] Godot Engine v4.5".encode() for at in times]

    assert gamelog.restarts(gamelog.read_lines(lines, SINCE).since_deployment, SINCE, None) == restarts


def heartbeat(at: datetime) -> bytes:
    return f"[{at:%Y-%m-%d %H:%M:%S}] [INFO] Heartbeat: fps 90.1, frame time 11.1 ms, memory 612 MB\n".encode()


def test_twenty_megabytes_from_before_are_not_read() -> None:
    """Only what is younger than the deployment is looked at: the rest is found by halving, not by reading."""
    old = b"".join(heartbeat(SINCE - timedelta(hours=30) + timedelta(seconds=s)) for s in range(0, 100_000, 60))
    blob = io.BytesIO(old * 140 + heartbeat(SINCE) + b"SCRIPT ERROR: x\n")
    began = time.process_time()

    log = gamelog.read_lines(lines_since(blob, SINCE), SINCE)

    assert blob.getbuffer().nbytes > 20_000_000 or len(old) * 140 > 15_000_000
    assert log.since_deployment.lines == 2
    assert log.since_deployment.count("critical") == 1
    assert time.process_time() - began < 2


CRASH = b"handle_crash: Program crashed with signal 11"
LOGS, HOUR = "/var/log/spacetime", 3600.0
WELL = b"\n".join([b"Godot Engine v4.5", LATE])


def read(tmp_path: Path, files: dict[str, tuple[bytes, float]], *, deployed: bool = True) -> gamelog.GameLog:
    """What is seen of logs by name, each with its text and its age in hours after the deployment."""
    times = f'[times]\ndeployed_at = "{SINCE.isoformat()}"\n' if deployed else ""
    (tmp_path / "target.toml").write_text(f'name = "t"\nbuild = "1"\n[api]\nurl = "http://127.0.0.1:1"\n{times}')
    host = Files(
        {f"{LOGS}/{name}": text for name, (text, _) in files.items()},
        ages={f"{LOGS}/{name}": (NOW - SINCE.timestamp()) / HOUR - hours for name, (_, hours) in files.items()},
    )
    return gamelog.read(host, load(tmp_path / "target.toml"))


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("godot2026-01-02T04.00.00.log", 1),
        ("godot.log.1", 1),
        ("godot.log.1.gz", 1),
        ("godot.log-20260102.gz", 1),
        ("godot-20260102.log", 1),
        ("godot_editor.log", 0),
        ("godot-server.log.1", 0),
        ("godot.log.bak", 0),
        ("godot2.log", 0),
        ("backup.log", 0),
    ],
)
def test_a_crash_before_the_last_start_lies_in_the_file_beside(tmp_path: Path, name: str, seen: int) -> None:
    crashed = b"\n".join([OLD, *BANNER[:1], NEW, CRASH])
    text = gzip.compress(crashed) if name.endswith(".gz") else crashed
    log = read(tmp_path, {name: (text, 4), "godot.log": (WELL, 5)})

    assert log.since_deployment.count("crashes") == seen
    assert log.since_start.count("crashes") == 0
    assert log.earlier == ((f"{LOGS}/{name}",) if seen else ())
    assert gamelog.restarts(log.since_deployment, SINCE, None) == 1


def test_what_was_put_aside_before_the_deployment_or_without_its_time_is_not_read(tmp_path: Path) -> None:
    crashed = b"\n".join([NEW, CRASH])

    assert read(tmp_path, {"godot.log.1": (crashed, -1), "godot.log": (WELL, 5)}).since_deployment.count("crashes") == 0
    unread = read(tmp_path, {"godot.log.1": (crashed, 1), "godot.log": (WELL, 5)}, deployed=False)
    assert unread.since_deployment.count("crashes") == 0


def test_the_game_of_before_is_not_counted_although_its_log_was_copied_at_the_deployment(tmp_path: Path) -> None:
    """Godot copies at each start: the copy of what ran before is younger than the deployment."""
    dated = b"\n".join([*BANNER, OLD, CRASH])
    undated = b"\n".join([*BANNER, CRASH])
    for text in (dated, undated):
        files = {
            "godot2026-01-01T05.00.00.log": (undated, -19.0),
            "godot2026-01-02T00.01.00.log": (text, 0.02),
            "godot.log": (b"\n".join([BANNER[0], NEW]), 5),
        }
        log = read(tmp_path, files)
        assert log.since_deployment.counts == {"starts": 1}
        assert gamelog.restarts(log.since_deployment, SINCE, None) == 0


def test_starts_that_crash_before_the_game_writes_a_time_are_counted(tmp_path: Path) -> None:
    crashed = b"\n".join([*BANNER, CRASH])
    files = {f"godot2026-01-02T00.0{at}.00.log": (crashed, at / 60) for at in (1, 2, 3)}
    log = read(tmp_path, {**files, "godot.log": (WELL, 5)})

    assert log.since_deployment.count("crashes") == 2, "the first of them began before, or nobody knows when"
    assert log.since_start.counts == {"starts": 1}


def test_no_more_is_read_than_of_one_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashed = b"\n".join([NEW, CRASH])
    files = {f"godot.log.{at}": (crashed, 9.0 - at) for at in range(1, 4)}
    monkeypatch.setattr(gamelog, "MOST_BYTES", 2 * len(crashed))

    log = read(tmp_path, {**files, "godot.log": (WELL, 9)})

    assert log.earlier == (f"{LOGS}/godot.log.2", f"{LOGS}/godot.log.1")
    assert log.since_deployment.count("crashes") == 2


if __name__ == "__main__":
    # by hand, kept out of CI: 200 MB since the deployment, the whole of it read
    block = b"".join(heartbeat(SINCE + timedelta(seconds=s)) for s in range(10_000))
    big = io.BytesIO(block * (200_000_000 // len(block)) + b"SCRIPT ERROR: x\n")
    start = time.monotonic()
    found = gamelog.read_lines(lines_since(big, SINCE), SINCE)
    print(
        f"{found.since_deployment.lines} lines, {found.since_deployment.count('errors')} error, {time.monotonic() - start:.1f} s"
    )


@pytest.mark.parametrize(("hours", "restarts"), [(0.0, 0), (0.2, 0), (0.3, 1), (20, 1)])
def test_a_process_younger_than_the_deployment_has_started_again(hours: float, restarts: int) -> None:
    seen = gamelog.read_lines([], SINCE).since_deployment
    assert gamelog.restarts(seen, SINCE, SINCE + timedelta(hours=hours)) == restarts
