"""Whatever a target does: every run ends in bounded time with FAIL or ERROR, a sentence, no leak and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from preflight.probes import http
from selftest.conftest import SECRET
from selftest.hostile.servers import EVIL, MODES, serving

# one of each kind in CI; all of them by `python -m selftest selftest/hostile -m ""`
QUICK = ("truncated_json", "short_body", "random_bytes", "evil_fields", "all_404", "gzip_bomb", "big_header")
MOST_SECONDS = 150.0
MOST_MEGABYTES = 300

# What is right against any server: an item may hold against a hostile one where its answer happens to be the right one
HOLDS_ANYWAY = {
    "HLT-API-02": "the port is the port, whoever listens on it",
}


def run(root: Path, place: Path, url: str, *selection: str) -> tuple[subprocess.CompletedProcess[str], float, float]:
    (place / "target.toml").write_text(
        f'name = "hostile"\nbuild = "1"\n[api]\nurl = "{url}"\n[consent]\nauth_sweep = true\n[manners]\nmissing_token_is_no_login = true\n'
        '[secrets]\ntoken = "env:HOSTILE_TOKEN"\n'
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--target={place / 'target.toml'}",
        f"--record={place}",
    ]
    environment = {**os.environ, "HOSTILE_TOKEN": SECRET, "XDG_CACHE_HOME": str(place / "cache")}
    measured = ["/usr/bin/time", "-f", "%M", "-o", str(place / "memory")] if Path("/usr/bin/time").exists() else []
    began = time.monotonic()
    done = subprocess.run(
        [*measured, *command, *selection],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS + 60,
        errors="replace",
    )
    seconds = time.monotonic() - began
    memory = float((place / "memory").read_text().split()[-1]) / 1024 if measured else 0.0
    return done, seconds, memory


@pytest.mark.parametrize("mode", [pytest.param(mode, marks=[pytest.mark.lengthy] if mode not in QUICK else []) for mode in MODES])
def test_a_hostile_target_ends_in_time_without_a_pass(root: Path, tmp_path: Path, mode: str) -> None:
    with serving(MODES[mode]) as url:
        selection = ["tests/security/test_authentication.py", "tests/health/test_api_health.py"]
        done, seconds, memory = run(root, tmp_path, url, *selection)

    assert done.returncode in (1, 7), done.stdout[-2000:]
    assert seconds < MOST_SECONDS
    assert memory < MOST_MEGABYTES
    record = json.loads((tmp_path / "latest" / "record.json").read_text())
    passed = {i["id"] for i in record["items"] if i["status"] in ("PASS", "WARN", "WAIVED")} - set(HOLDS_ANYWAY)
    assert passed <= RIGHT_BY_CHANCE.get(mode, set()), f"{mode}: {sorted(passed)}"
    page = (tmp_path / "latest" / "record.html").read_text()
    everything = done.stdout + done.stderr + page + json.dumps(record)
    assert "Traceback (most recent call last)" not in done.stdout + done.stderr, done.stdout[-3000:]
    assert "the suite itself failed" not in everything
    assert SECRET not in everything
    assert EVIL.split("\x1b")[0] not in page
    assert "\x1b[2J" not in done.stdout + page


# A hostile server can answer one question rightly by accident; each of these is what that item asks and nothing more.
RIGHT_BY_CHANCE: dict[str, set[str]] = {
    # /health does answer, as an object with a status; and a status in no known word is that item's warning
    "evil_fields": {"HLT-API-01", "HLT-API-04"},
}


def test_the_token_does_not_follow_a_redirect_to_another_host(root: Path, tmp_path: Path) -> None:
    seen: list[bytes] = []

    def thief(sock, request: bytes) -> None:  # type: ignore[no-untyped-def]
        seen.append(request)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with serving(thief) as elsewhere:

        def sends_away(sock, request: bytes) -> None:  # type: ignore[no-untyped-def]
            sock.sendall(f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n".encode())

        with serving(sends_away) as url:
            run(root, tmp_path, url, "tests/security/test_authentication.py")
    assert seen == []


def test_a_redirect_is_read_no_further_than_any_answer() -> None:
    with serving(MODES["redirect_bomb"]) as url:
        answer = http.send("GET", url)

    assert answer.status_code == 302
    assert answer.truncated
    assert len(answer.body) == http.MOST_BYTES


def test_nobody_there(root: Path, tmp_path: Path) -> None:
    done, seconds, _ = run(root, tmp_path, "http://127.0.0.1:1", "-m", "security or health")
    assert done.returncode == 1
    assert seconds < 60
    record = json.loads((tmp_path / "latest" / "record.json").read_text())
    statuses = {i["id"]: i["status"] for i in record["items"]}
    assert statuses["HLT-API-01"] == "FAIL"
    assert statuses["SEC-AUTH-01"] == "ERROR"
    assert not [i for i, s in statuses.items() if s == "PASS"]
