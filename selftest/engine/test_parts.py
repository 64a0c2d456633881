"""An item of which single tests are named on the command line is not decided, however they are named."""

from __future__ import annotations

import pytest

from selftest.conftest import Project, entry

TESTS = """
@item("SEC-01")
def test_one(api, evidence):
    evidence.request(api.get("/health"))


@item("SEC-01")
@pytest.mark.parametrize("path", ["/health", "/status"])
def test_other(api, evidence, path):
    evidence.request(api.get(path))


@item("SEC-02")
def test_another(api, evidence):
    evidence.request(api.get("/health"))
"""


@pytest.mark.parametrize(
    ("named", "statuses"),
    [
        (["::test_one"], {"SEC-01": "PENDING"}),
        (["::test_other[/health]"], {"SEC-01": "PENDING"}),
        (["::test_one", "::test_other"], {"SEC-01": "PASS"}),
        (["::test_another"], {"SEC-02": "PASS"}),
        (["::test_one", ""], {"SEC-01": "PASS", "SEC-02": "PASS"}),
        (["::test_one", "tests"], {"SEC-01": "PASS", "SEC-02": "PASS"}),
    ],
)
def test_a_part_of_an_item_is_no_look_at_it(project: Project, named: list[str], statuses: dict[str, str]) -> None:
    project.checklist(entry("SEC-01"), entry("SEC-02"))
    project.tests(TESTS)
    project.run(*(name if name == "tests" else f"tests/security/test_it.py{name}" for name in named))

    assert project.statuses() == statuses


def test_a_test_that_is_not_there_is_said(project: Project) -> None:
    project.checklist(entry("SEC-01"), entry("SEC-02"))
    project.tests(TESTS)
    result = project.run("tests/security/test_it.py::test_on")

    assert result.ret == 4
    assert "not found: " in "".join([*result.outlines, *result.errlines])
