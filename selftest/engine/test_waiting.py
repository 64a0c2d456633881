"""What a long look says on the terminal while it lasts."""

from __future__ import annotations

import io
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from preflight import waiting
from preflight.waiting import Waiting


def test_a_short_look_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "QUIET_S", 5.0)
    screen = io.StringIO()
    with Waiting(screen).on("X-01 something"):
        pass
    assert screen.getvalue() == ""


def test_a_long_one_says_what_and_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "QUIET_S", 0.05)
    monkeypatch.setattr(waiting, "_EVERY_S", 0.05)
    screen = io.StringIO()
    saying = Waiting(screen)
    with saying.on("X-01 something"):
        saying.expect(42.0)
        time.sleep(0.3)
    assert "X-01 something" in screen.getvalue()
    assert "of about 42 s" in screen.getvalue()


def test_a_failing_look_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "QUIET_S", 0.01)

    def fail() -> None:
        with Waiting(io.StringIO()).on("X-01"):
            time.sleep(0.05)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_a_run_in_a_terminal_shows_it_although_pytest_captures(tmp_path: Path, root: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "pytest",
        "--rehearse",
        "--record",
        str(tmp_path),
        "tests/health/test_telemetry.py::test_stream_begins_within_two_seconds",
    ]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "XDG_CACHE_HOME": str(tmp_path), "PREFLIGHT_PROGRAMS": str(tmp_path)}
    # setsid and the first open make the pseudo-terminal the controlling one
    run = subprocess.Popen(
        [sys.executable, "-c", _LEAD, *words], cwd=root, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        said += part
    run.wait(30)
    os.close(ours)
    assert b"HLT-TEL-0" in said
    assert b"0:00:0" in said, "no time was shown"


_LEAD = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
