"""Everything that must hold of the suite itself: style, types, architecture, tests.

`python3 accept.py --selftest` calls this; words after it go to pytest (and then the other checks are left out).
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from preflight.checklist import ROOT
from selftest import machine

CHECKS: list[list[str]] = [
    ["ruff", "check", "."],
    ["ruff", "format", "--check", "."],
    ["mypy"],
    ["lint-imports", "--no-cache"],
]


def main(arguments: list[str]) -> int:
    """Run every check, even after one has failed; 0 when all are green."""
    red = []
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the tests run the suite some hundred times, each would compile it anew
    lacking = machine.provide()
    if lacking:
        print("Not at hand, so that the tests that need it are skipped:", *lacking, sep="\n  ", flush=True)
    scripts = str((ROOT / ".venv") if (ROOT / ".venv").exists() else "")
    commands = [] if arguments else [[_tool(name[0]), *name[1:]] for name in CHECKS]
    commands.append(
        [
            sys.executable,
            "-m",
            "pytest",
            *(arguments or ["selftest", "-q", "-n", "4", "--dist", "worksteal", "--durations=15", "-m", "not lengthy"]),
        ]
    )
    for command in commands:
        began = time.monotonic()
        print(f"== {' '.join(command).replace(scripts, '.venv')}", flush=True)
        if subprocess.call(command, cwd=ROOT):
            red.append(command)
        print(f"== {time.monotonic() - began:.1f} s", flush=True)
    for command in red:
        print(f"RED: {' '.join(command).replace(scripts, '.venv')}")
    return 1 if red else 0


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
