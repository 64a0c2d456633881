"""The checklist as data: complete, and every item with a test that can fail."""

from __future__ import annotations

import ast
from pathlib import Path

from preflight.checklist import load, uncovered, written_lines, written_rows
from preflight.outcome import Severity


def functions(root: Path) -> dict[str, list[ast.FunctionDef]]:
    """Test functions by item."""
    found: dict[str, list[ast.FunctionDef]] = {}
    for path in (root / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "item":
                        found.setdefault(decorator.args[0].value, []).append(node)  # type: ignore[attr-defined]
    return found


def test_every_line_and_row_is_answered() -> None:
    assert (len(written_lines()), len(written_rows())) == (245, 275)
    assert uncovered(load().item) == ([], [])


def test_every_item_has_a_test_and_every_test_an_item(root: Path) -> None:
    assert set(functions(root)) == set(load().by_id)


def test_rows_that_share_a_line_have_an_item_each() -> None:
    for line in range(122, 127):
        names = [limit.name for entry in load().item if line in entry.rows for limit in entry.limits]
        assert {"p95", "p99"} <= set(names), f"line {line}"


def test_red_flags_of_the_checklist_are_red_before_the_deployment() -> None:
    red = {line.number for line in written_lines() if line.kind == "red"}
    for line in red:
        assert any(e.severity is Severity.RED_FLAG for e in load().item if line in e.lines), f"line {line}"


def test_effects_are_named_where_an_item_changes_something(root: Path) -> None:
    for name, tests in functions(root).items():
        entry = load().by_id[name]
        for test in tests:
            text = ast.unparse(test)
            if "empty_bucket" in text or "spent_bucket" in text or "login_ban" in text or "scenes.load" in text:
                assert entry.consent, f"{name} changes something without saying so"
