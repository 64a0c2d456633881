"""Mutation testing: is every change of the modules that decide noticed by the quick tests that concern them?

    python -m selftest.mutants [MODULE …]        all modules, or some of them: outcome, measure/trend …

mutmut changes one expression at a time in a copy of the repository and runs the tests of TESTS. A mutant that survives has
to be explained: its changed line stands in docs/mutants.md. One that does not is printed, and the exit status is 1.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXPLAINED = ROOT / "docs" / "mutants.md"

TESTS: dict[str, list[str]] = {
    "outcome": ["selftest/engine/test_lattice.py"],
    "run": ["selftest/engine/test_fold.py"],
    "people": ["selftest/engine/test_people.py", "-k", "not project and not pending and not waiver_counts"],
    "evidence": ["selftest/engine/test_evidence.py"],
    "measure/percentile": [
        "selftest/measure/test_figures.py",
        "selftest/measure/test_percentile.py",
        "-k",
        "not rarely and not weaken",
    ],
    "measure/change": ["selftest/measure/test_figures.py"],
    "measure/trend": ["selftest/measure/test_figures.py"],
    "measure/stable": ["selftest/measure/test_figures.py"],
    "measure/windows": ["selftest/measure/test_exact.py", "selftest/measure/test_windows.py"],
    "measure/frames": ["selftest/measure/test_exact.py", "selftest/measure/test_frames.py"],
    "measure/witness": ["selftest/measure/test_exact.py", "selftest/measure/test_witness.py"],
}
"""Module (under preflight/) → the tests that run in this process, within seconds, and concern it."""

_KILLED = (1, 3)
_ALIVE = (0, 5, 33)
"""mutmut's codes: the tests were green, there were none, none reaches the mutant."""


def main(modules: list[str]) -> int:
    """Try every mutant of the modules; 0 when each is killed or explained."""
    known = EXPLAINED.read_text(encoding="utf-8")
    status = 0
    for module in modules or list(TESTS):
        with tempfile.TemporaryDirectory(prefix="preflight-mutants-") as place:
            copy = Path(place)
            _prepare(copy, module)
            command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1"]
            done = subprocess.run(command, cwd=copy, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
            found = copy / "mutants" / "preflight" / f"{module}.py.meta"
            if not found.exists() or not (codes := json.loads(found.read_text())["exit_code_by_key"]):
                print(f"{module}: mutmut did not get to it:\n{(done.stdout + done.stderr)[-2000:]}")
                status = 1
                continue
            if None in codes.values():
                print(f"{module}: the tests are not green without a mutant:\n{done.stdout[-2000:]}")
                status = 1
                continue
            alive = [name for name, code in codes.items() if code in _ALIVE]
            killed = sum(code in _KILLED for code in codes.values())
            diffs = {name: list(_changed(copy, name)) for name in alive}
        unknown = {name: lines for name, lines in diffs.items() if not _explained(lines, known)}
        rest = len(codes) - killed - len(alive)
        print(
            f"{module}: {len(codes)} mutants, {killed} killed, {rest} ended by time or crash, "
            f"{len(alive) - len(unknown)} explained, {len(unknown)} survive",
            flush=True,
        )
        for name, lines in unknown.items():
            print(name, *lines, sep="\n    ", flush=True)
        status = status or int(bool(unknown))
    return status


def _prepare(copy: Path, module: str) -> None:
    """What git knows of the repository, as it stands in the work tree, and which tests are for the module."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    project = (copy / "pyproject.toml").read_text(encoding="utf-8")
    chosen = f"only_mutate = {json.dumps([f'preflight/{module}.py'])}\npytest_add_cli_args_test_selection = {json.dumps(TESTS[module])}"
    (copy / "pyproject.toml").write_text(project.replace("[tool.mutmut]", f"[tool.mutmut]\n{chosen}"), encoding="utf-8")


def _explained(lines: list[str], known: str) -> bool:
    """Whether the page quotes the changed line; the line that is gone where none took its place."""
    told = [line for line in lines if line[0] == "+"] or lines
    return all(f"`{line[2:]}`" in known for line in told)


def _changed(copy: Path, name: str) -> Iterator[str]:
    shown = subprocess.run([sys.executable, "-m", "mutmut", "show", name], cwd=copy, capture_output=True, text=True)
    for line in shown.stdout.splitlines():
        if line[:1] in "+-" and line[:3] not in ("+++", "---"):
            yield line[0] + " " + line[1:].strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
