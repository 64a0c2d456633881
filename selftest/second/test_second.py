"""A deployment that the suite was not written beside: what is right of it passes, and what is broken is found there too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from preflight.checklist import ROOT

TARGET = """\
name = "second"
build = "2.5.0"
[api]
url = "https://localhost:{https}"
http_url = "http://localhost:{http}"
internal_url = "http://127.0.0.1:{internal}"
ca_file = "{folder}/ca.pem"
[telemetry]
url = "ws://127.0.0.1:{telemetry}"
[absent_metrics]
intrusion_alerts_total = "not exported by this build"
[consent]
limiter = true
auth_sweep = true
forged_tokens = true
bad_logins = true
scenes = true
injection = true
rotation = true
[manners]
missing_token_is_no_login = true
maintenance = true
addresses = [{addresses}]
scenes = ["res://halls/garden.tscn"]
[secrets]
token = "env:SECOND_TOKEN"
jwt_secret = "env:SECOND_SECRET"
"""
WITH_LOGS = '[host]\nkind = "local"\n[paths]\naudit_log = "{folder}/audit"\n'
Look = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    """Start the deployment, broken in one way or in none, and run a part of the checklist on it: status and reason."""
    started: list[subprocess.Popen[str]] = []

    def run(words: Sequence[str], broken: str = "", more: str = "") -> dict[str, tuple[str, str]]:
        command = [sys.executable, "-m", "selftest.second.deployment", str(tmp_path), "--broken", broken]
        server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(server)
        assert server.stdout is not None
        told = json.loads(server.stdout.readline())
        addresses = ", ".join(f'"127.0.1.{n}"' for n in range(10, 60))
        file = tmp_path / "target.toml"
        file.write_text((TARGET + more).format(**told, folder=tmp_path, addresses=addresses))
        environment = {**os.environ, "SECOND_TOKEN": told["token"], "SECOND_SECRET": told["secret"]}
        environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
        words = ["--target", str(file), "--record", str(tmp_path / "records"), "-q", "--tb=line", "-p", "no:html", *words]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
        record = tmp_path / "records" / "latest" / "record.json"
        assert record.exists(), done.stdout[-2000:] + done.stderr[-2000:]
        items = json.loads(record.read_text())["items"]
        return {item["id"]: (item["status"], item["reason"]) for item in items}

    yield run
    for server in started:
        server.stdin.close()  # type: ignore[union-attr]
        server.wait(10)
        server.stdout.close()  # type: ignore[union-attr]


def wrong(vector: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """What fails or could not be looked at."""
    return {item: said for item, said in vector.items() if said[0] in ("FAIL", "ERROR")}


def test_what_is_right_is_not_held_against_it(look: Look) -> None:
    vector = look(["tests/security", "tests/health", "-m", "not measuring"])
    assert wrong(vector) == {}
    assert {item: said[1] for item, said in vector.items() if said[0] == "WARN"}.keys() == {
        "SEC-FRONT-12",  # no HTTP/2
        "SEC-FRONT-13",  # no compression
        "SEC-FRONT-14",  # no kept connections
    }
    assert sum(status == "PASS" for status, _ in vector.values()) >= 70


def test_audit_log_in_json_is_read(look: Look) -> None:
    vector = look(["tests/security/test_audit_log.py", "tests/security/test_record_of_refusals.py"], more=WITH_LOGS)
    for name in ("SEC-AUDIT-01", "SEC-AUDIT-02", "SEC-AUDIT-03", "SEC-AUDIT-08"):
        assert vector[name][0] == "PASS", (name, vector[name])


@pytest.mark.parametrize(
    ("broken", "module", "found"),
    [
        ("put_open", "test_authentication", {"SEC-AUTH-05": "FAIL"}),
        ("alg_none", "test_authentication", {"SEC-AUTH-06": "FAIL"}),
        ("no_nosniff_on_404", "test_security_headers", {"SEC-HDR-08": "FAIL"}),
        ("token_in_status", "test_debug_and_secrets", {"SEC-LEAK-02": "FAIL"}),
        ("no_limiter", "test_rate_limiting", {"SEC-RATE-01": "FAIL", "SEC-RATE-03": "ERROR", "SEC-RATE-04": "ERROR"}),
    ],
)
def test_what_is_broken_is_found(look: Look, broken: str, module: str, found: dict[str, str]) -> None:
    vector = look([f"tests/security/{module}.py", "-m", "not measuring"], broken)
    assert {item: said[0] for item, said in wrong(vector).items()} == found, wrong(vector)


def test_sick_game_is_found(look: Look) -> None:
    vector = look(["tests/health/test_api_health.py", "-m", "not measuring"], "sick")
    assert {item: said[0] for item, said in wrong(vector).items()} == {"HLT-API-03": "FAIL", "HLT-API-06": "FAIL"}
