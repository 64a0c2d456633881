"""What the documentation says is there, and works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from preflight.checklist import ROOT, Consent, Part, load
from preflight.targetfile import Paths, SecretName
from selftest.docs import CHECKLIST, broken_links, checklist_page

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "reports").glob("README.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_the_checklist_page_is_made_from_the_checklist() -> None:
    assert CHECKLIST.read_text("utf-8") == checklist_page(load(ROOT / "checklist.toml")), "run: python -m selftest.docs"


def named_commands() -> list[str]:
    """The `preflight …` commands in code of the pages, as far as their subcommand."""
    found = set()
    for page in PAGES:
        text = page.read_text("utf-8")
        code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^\s*\$ (.+?)(?:\s+#.*)?$", text, re.M)
        for line in code:
            words = line.split("#")[0].split()
            if len(words) > 1 and words[0] == "preflight" and re.fullmatch(r"[a-z]+", words[1]):
                found.add(words[1])
    return sorted(found)


@pytest.mark.parametrize("name", named_commands())
def test_named_commands_exist(name: str) -> None:
    done = subprocess.run([sys.executable, "-m", "preflight.cli", name, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_readme_is_short_and_its_pytest_options_are_known() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) < 150
    given = {
        word for line in re.findall(r"pytest [^`\n]*", text) for word in shlex.split(line.split("#")[0]) if word.startswith("--")
    }
    known = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout
    assert given
    assert {option for option in given if option.partition("=")[0] not in known} == set()


def test_the_page_of_the_target_file_names_every_key_that_is_chosen_from() -> None:
    page = (ROOT / "docs" / "target.md").read_text("utf-8")
    keys = {*get_args(Part), *get_args(Consent), *get_args(SecretName), *Paths.model_fields}
    assert {key for key in keys if f"`{key}`" not in page} == set()
