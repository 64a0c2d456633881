"""The whole way: rehearsals, clean and broken, give the vector they must give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from preflight.checklist import load
from preflight.rehearsal.faults import LOOK_ALIKES
from selftest.faults import look
from selftest.vectors import EXPECTED, changes, expectations, judge

# One fault of each kind, run in CI on the modules that it must and must not touch. The whole matrix is
# `python -m selftest.faults`.
TWENTY = (
    "hsts_missing",
    "permissions_policy_missing",
    "auth_missing_on_scenes",
    "alg_none_accepted",
    "limiter_absent",
    "limiter_trusts_everybody",
    "debug_profile_open",
    "env_served",
    "certificate_29_days",
    "tls_1_0_offered",
    "redirect_drops_path",
    "memory_811_mb",
    "memory_over_1_gb",
    "health_unhealthy",
    "telemetry_garbage",
    "env_enable_debug_endpoints_wrong",
    "gdscript_auth_enabled_wrong",
    "backup_truncated",
    "tests_authentication_fails",
    "cors_any_origin",
    "whitelist_ignored",
)
LOOK_ALIKES_IN_CI = (
    "headers_lower_case",
    "certificate_30_days",
    "json_as_html",
    "closes_connections",
    "memory_809_mb",
    "env_quoted",
)


def modules_of(items: set[str], root: Path) -> list[str]:
    """The test modules that answer these items."""
    found = []
    for path in sorted((root / "tests").rglob("test_*.py")):
        text = path.read_text()
        if any(f'"{item}"' in text for item in items):
            found.append(str(path.relative_to(root)))
    return found


def clean_vector() -> dict[str, list[str]]:
    """Items that do not simply pass on the clean rehearsal: status and reason code."""
    found: dict[str, list[str]] = tomllib.loads((EXPECTED / "clean.toml").read_text())["not_passing"]
    return found


def as_pass(items: set[str]) -> dict[str, tuple[str, str]]:
    known = clean_vector()
    return {item: (known[item][0], "") if item in known else ("PASS", "") for item in items}


# every third in CI, all of them with `python -m selftest selftest/test_rehearsal_runs.py -m ""`
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.lengthy] if TWENTY.index(n) % 3 else []) for n in TWENTY])
def test_a_fault_changes_what_it_must_and_nothing_else(root: Path, name: str) -> None:
    expected = expectations()[name]
    modules = modules_of(set(expected), root)
    vector = look(name, [*modules, "-m", "not measuring"])
    case = judge(name, vector, as_pass(set(vector)), dict(expected))
    assert case.outcome == "exact", case.said


@pytest.mark.parametrize("name", LOOK_ALIKES_IN_CI)
def test_an_odd_but_right_deployment_changes_nothing(root: Path, name: str) -> None:
    assert name in LOOK_ALIKES
    modules = [f"tests/security/test_{part}.py" for part in ("security_headers", "tls", "authentication", "environment_file")]
    modules.append("tests/health/test_api_health.py")
    vector = look(name, [*modules, "-m", "not measuring"])
    assert changes(vector, as_pass(set(vector))) == {}


def run(place: Path, root: Path, *arguments: str) -> dict[str, Any]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(place / "cache"), "PREFLIGHT_PROGRAMS": str(place / "none")}
    environment["PREFLIGHT_BROWSER"] = ""
    environment.pop("PREFLIGHT_HEADSET_DIR", None)
    command = [sys.executable, "-m", "pytest", "--rehearse", "-q", "-p", "no:cacheprovider", f"--record={place}", *arguments]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=400)
    record: dict[str, Any] = json.loads((place / "latest" / "record.json").read_text())
    assert done.returncode == record["exit_status"], done.stdout[-2000:]
    assert done.stdout.rstrip().splitlines()[-1].startswith("Verdict (")
    return record


def test_the_clean_rehearsal_gives_the_expected_vector(root: Path, tmp_path: Path) -> None:
    """Everything but what measures: no FAIL, no ERROR, and each PENDING and WARN is one that is known."""
    record = run(tmp_path, root, "-m", "not measuring")
    found = {i["id"]: [i["status"], i["code"] if i["status"] != "WARN" else ""] for i in record["items"] if i["status"] != "PASS"}
    measuring = {item.id for item in load().item if item.measuring}
    wanted = {item: want for item, want in clean_vector().items() if item not in measuring}
    assert found == wanted
    assert (record["rehearsal"], record["verdict"], record["exit_status"]) == (True, "HOLD", 0)
    assert record["coverage"]["of_lines"] == 245
    assert record["footprint"]["requests"]


def test_workers_give_the_same_vector(root: Path, tmp_path: Path) -> None:
    """What may run beside others comes out the same with -n 2."""
    selection = ("-m", "(security or health) and not intrusive and not measuring")
    alone = run(tmp_path / "alone", root, *selection)
    beside = run(tmp_path / "beside", root, *selection, "-n", "2")
    assert {i["id"]: (i["status"], i["code"]) for i in alone["items"]} == {
        i["id"]: (i["status"], i["code"]) for i in beside["items"]
    }


def test_a_polite_rehearsal_leaves_no_ban(root: Path, tmp_path: Path) -> None:
    record = run(tmp_path, root, "--polite", "-m", "security")
    statuses = {i["id"]: (i["status"], i["code"]) for i in record["items"]}
    assert statuses["SEC-RATE-01"] == ("PENDING", "needs consent")
    assert statuses["SEC-AUTH-01"][0] == "PASS"
    assert not [call for call in record["footprint"]["requests"] if call.endswith("429")]
    assert not [i for i, (status, _) in statuses.items() if status in ("FAIL", "ERROR")]
