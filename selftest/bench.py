"""What the suite costs and how true its times are: `python -m selftest.bench [--only NAME] [--json FILE] [--write]`.

Figures, never a test: on a busy machine they are worse, and nothing is wrong. `--write` puts the table into
docs/benchmarks.md with the class of the machine; with `--only` the other rows stay.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np

from preflight.checklist import ROOT
from preflight.measure.change import judge_change
from preflight.measure.percentile import judge_percentile
from preflight.measure.trend import judge_trend
from preflight.session import SUITE
from selftest.measure.truth import generator, measured, rate, row, stall, truth

DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- written by `python -m selftest.bench --write` -->", "<!-- end of what is written -->"


def judging() -> list[dict[str, Any]]:
    """The time that judging takes."""
    rng = np.random.default_rng(1)
    ms = rng.lognormal(3, 0.3, 3000)
    looks: dict[str, Callable[[], Any]] = {
        "P99 of 3000 samples": lambda: judge_percentile(ms, 0.99, 200.0, inclusive=True),
        "comparison of 460 with 460 samples": lambda: judge_change(ms[:460].tolist(), ms[460:920].tolist(), 1.5),
        "trend over 3000 samples": lambda: judge_trend(np.arange(3000.0), ms, 40.0),
    }
    rows = []
    for name, look in looks.items():
        look()
        began = time.perf_counter()
        for _ in range(5):
            look()
        rows.append(row(f"judging: {name}", 200 * (time.perf_counter() - began), "ms"))
    return rows


def memory() -> list[dict[str, Any]]:
    """The generator's memory over a long run."""
    with truth() as url:
        measured(f"{url}/constant?ms=2", 200, 6000)
    # the largest child so far, in kB on Linux; in a process of its own this is the generator's
    return [
        row(
            "largest memory of a generator that keeps 6000 samples",
            resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
            "MB",
        )
    ]


def _wall(words: list[str], cwd: Path, repeat: int = 1) -> float:
    best = float("inf")
    for _ in range(repeat):
        began = time.perf_counter()
        subprocess.run(words, cwd=cwd, capture_output=True, check=False, timeout=1800)
        best = min(best, time.perf_counter() - began)
    return best


def collection() -> list[dict[str, Any]]:
    """Collecting the whole checklist, against bare pytest collecting nothing of ours."""
    with tempfile.TemporaryDirectory() as temporary:
        (Path(temporary) / "test_nothing.py").write_text("def test_nothing(): pass\n", "utf-8")
        bare = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:locust", "--rootdir", temporary, temporary]
        for ours in distribution(SUITE).entry_points.select(group="pytest11"):
            bare += ["-p", f"no:{ours.name}"]
        nothing = _wall(bare, Path(temporary), 5)
    whole = _wall([sys.executable, "-m", "pytest", "--collect-only", "-q", "tests"], ROOT, 5)
    return [row("collection of the checklist above bare pytest's", whole - nothing, "s", "under 1", bare=round(nothing, 2))]


def _rehearsal(words: list[str]) -> float:
    with tempfile.TemporaryDirectory() as temporary:
        return _wall([sys.executable, "-m", "pytest", "--rehearse", "-q", "--record", temporary, *words], ROOT)


def security() -> list[dict[str, Any]]:
    """The security section in the rehearsal."""
    return [row("pytest --rehearse -m security", _rehearsal(["-m", "security"]), "s", "under 15")]


def rehearsal() -> list[dict[str, Any]]:
    """The whole rehearsal."""
    return [row("pytest --rehearse, everything", _rehearsal([]), "s", "under 180")]


BENCHES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    bench.__name__: bench for bench in (memory, generator, rate, stall, judging, collection, security, rehearsal)
}
"""In this order: the memory of a child can be told only while no larger one has run."""


def machine() -> str:
    """The class of the machine, and no more."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    return f"{os.cpu_count()} cores, {pages:.0f} GB, no GPU, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def table(rows: list[dict[str, Any]], before: str = "") -> str:
    """The figures as Markdown; what the table `before` has besides stays where it is."""
    lines = {row["what"]: f"| {row['what']} | {row['measured']:g} {row['unit']} | {row['target']} |" for row in rows}
    kept = {what: line for line in before.splitlines() if (what := line.split(" | ")[0].removeprefix("| ")) != line}
    kept = {what: line for what, line in kept.items() if what not in ("what", "---")}
    head = [f"Measured on {machine()}.", "", "| what | measured | should be |", "| --- | --- | --- |"]
    return "\n".join([*head, *(kept | lines).values()])


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m selftest.bench", description="What the suite costs, and how true its times are."
    )
    parser.add_argument("--only", action="append", choices=list(BENCHES), help="only this one (repeatable)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    chosen = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each run would compile the suite anew
    rows = []
    for name, bench in BENCHES.items():
        if not chosen.only or name in chosen.only:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += bench()
    text = table(rows)
    print(text)
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine(), "figures": rows}, indent=1) + "\n", "utf-8")
    if chosen.write:
        before, _, rest = DOCUMENT.read_text("utf-8").partition(BEGIN)
        old, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}\n\n{table(rows, old if chosen.only else '')}\n\n{END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
