"""The Markdown summary of a CI run, and `preflight show`."""

from __future__ import annotations

import pytest

from preflight.cli import main
from selftest.conftest import SECRET, Project, entry


def test_the_summary_page_of_a_ci_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = project.path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    project.checklist(entry("SEC-01"))
    project.tests(
        f'@item("SEC-01")\ndef test_it(api, evidence):\n    evidence.request(api.get("/health"))\n    assert False, "a | b <script> {SECRET}"\n'
    )
    project.run()
    text = page.read_text()
    assert text.startswith("before\n## NO-GO")
    assert "a \\| b \\<script\\>" in text
    assert SECRET not in text
    capsys.readouterr()
    assert main(["show", str(project.path / "reports" / "latest")]) == 1
    assert "Verdict (predeploy): NO-GO" in capsys.readouterr().out
