"""The four steps of docs/adding-an-item.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from preflight.checklist import ROOT


def steps() -> list[str]:
    """The code blocks of the page, in order: item, test, fault, vector, look-alike."""
    text = (ROOT / "docs" / "adding-an-item.md").read_text("utf-8")
    return [textwrap.dedent(code) for code in re.findall(r"^ *```(?:toml|python)\n(.*?)^ *```", text, re.S | re.M)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the four steps were done."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("preflight", "tests", "selftest"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("conftest.py", "pyproject.toml", "checklist.toml"):
        shutil.copy(ROOT / name, folder / name)
    item, test, fault, vector, look_alike = steps()
    append(folder / "checklist.toml", item)
    append(folder / "tests/security/test_security_headers.py", "\n" + test)
    insert(folder / "preflight/rehearsal/faults/headers.py", 'FAULTS = themed(\n    "headers",\n', fault)
    append(folder / "selftest/expected/headers.toml", vector)
    insert(folder / "preflight/rehearsal/faults/look_alikes.py", 'LOOK_ALIKES = themed(\n    "look-alike",\n', look_alike)
    return folder


def append(file: Path, text: str) -> None:
    file.write_text(f"{file.read_text('utf-8')}\n{text}", "utf-8")


def insert(file: Path, behind: str, text: str) -> None:
    before = file.read_text("utf-8")
    assert behind in before, f"{file.name} begins its list in another way"
    file.write_text(before.replace(behind, behind + textwrap.indent(f"{text.rstrip()},\n", "    ")), "utf-8")


def run(folder: Path, *words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )


@pytest.mark.parametrize(("fault", "status"), [("cache_control_public", "FAIL"), ("cache_control_private", "PASS")])
def test_new_item_fails_for_its_fault_and_for_nothing_else(copy: Path, fault: str, status: str) -> None:
    words = ["--rehearse", "--fault", fault, "-q", "-p", "no:html", "--record", str(copy / fault)]
    done = run(copy, "pytest", *words, "tests/security/test_security_headers.py")
    record = copy / fault / "latest" / "record.json"
    assert record.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    found = {item["id"]: item["status"] for item in json.loads(record.read_text())["items"]}
    assert found["SEC-HDR-99"] == status
    assert {name for name, said in found.items() if said not in ("PASS", "NOT APPLICABLE")} <= {"SEC-HDR-99", "SEC-HDR-12"}


def test_checklist_and_tests_agree_after_it(copy: Path) -> None:
    done = run(copy, "pytest", "--checklist")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SEC-HDR-99" in done.stdout


@pytest.mark.lengthy
def test_matrix_finds_both_exact(copy: Path) -> None:
    names = ("cache_control_public", "cache_control_private")
    done = run(copy, "selftest.faults", "--only", *names, "--workers", "3", seconds=500)
    assert done.returncode == 0, done.stdout + done.stderr
