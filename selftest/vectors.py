"""The vector of a fault, what every item said, against the vector that it must give.

A case is exact when every item that should change did, to the right status and for the right reason, and no other
item did.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from preflight.checklist import ROOT
from preflight.rehearsal.faults import LOOK_ALIKES
from preflight.session import SUITE

EXPECTED = ROOT / "selftest" / "expected"
CLEAN = "clean"
Vector = dict[str, tuple[str, str]]
"""Status and reason by item."""


@dataclass(frozen=True)
class Case:
    """One fault, as it came out."""

    name: str
    kind: str
    outcome: str
    said: tuple[str, ...]


def expectations() -> dict[str, dict[str, list[str]]]:
    """Every expected vector: fault → item → [status, words of the reason]."""
    found: dict[str, dict[str, list[str]]] = {}
    for path in sorted(path for path in EXPECTED.glob("*.toml") if path.stem != "clean"):
        found.update(tomllib.loads(path.read_text("utf-8")))
    return found


def changes(vector: Vector, clean: Vector) -> Vector:
    """The items whose status differs from the clean run's."""
    return {item: found for item, found in vector.items() if found[0] != clean.get(item, ("", ""))[0]}


def unclean(vector: Vector) -> list[str]:
    """What must not be said of a right deployment, whatever is at hand: items that fail, or can't be looked at."""
    return [f"{item}: {status} ({reason[:100]})" for item, (status, reason) in vector.items() if status in ("FAIL", "ERROR")]


def judge(name: str, vector: Vector, clean: Vector, expected: Mapping[str, Sequence[str]] | None) -> Case:
    """Exact, inexact, missed or evaded; for a look-alike exact or false alarm."""
    changed = changes(vector, clean)
    kind = "look-alike" if name in LOOK_ALIKES or name.startswith(CLEAN) else "fault"
    said = [f"{item}: {status} ({reason[:100]})" for item, (status, reason) in sorted(changed.items())]
    if kind == "look-alike":
        wanted: Mapping[str, Sequence[str]] = expected or {}
    elif expected is None:
        return Case(name, kind, "no expectation", tuple(said))
    else:
        wanted = expected
    wrong = [
        f"{item}: wanted {want[0]} ({want[1]}), got {vector.get(item, ('nothing', ''))}"
        for item, want in wanted.items()
        if item != "*" and (item not in vector or vector[item][0] != want[0] or want[1].lower() not in vector[item][1].lower())
    ]
    # a fault that locks the suite out makes every later look impossible: "*" names the statuses that this may give
    elsewhere = set(wanted.get("*", [""])[0].split("|"))
    extra = [
        f"{item}: {status} ({reason[:100]})"
        for item, (status, reason) in sorted(changed.items())
        if item not in wanted and status not in elsewhere
    ]
    if name.startswith(CLEAN):
        extra = [*dict.fromkeys(extra + unclean(vector))]
    if not wrong and not extra:
        return Case(name, kind, "exact", ())
    if kind == "look-alike":
        return Case(name, kind, "false alarm", tuple(wrong + extra))
    fails = [item for item, want in wanted.items() if want[0] == "FAIL"]
    got = {vector.get(item, ("", ""))[0] for item in fails}
    if fails and not got & {"FAIL"}:
        return Case(name, kind, "evaded" if got & {"ERROR", "PENDING"} else "missed", tuple(wrong + extra))
    return Case(name, kind, "inexact", tuple(wrong + extra))


def _lasting(reason: str) -> str:
    """The part of a reason that is the same in every run: without ports, addresses, times."""
    parts = re.split(r"\w+://\S+|127\.0\.0\.\d+|;|\d+", reason)
    return max(parts, key=len).strip()[:60].strip()


def observed(name: str, vector: Vector, clean: Vector) -> str:
    """The vector of a fault as TOML, to be read by a person before it is kept."""
    rows = [f"[{name}]"]
    for item, (status, reason) in sorted(changes(vector, clean).items()):
        rows.append(f'"{item}" = {json.dumps([status, _lasting(reason)], ensure_ascii=False)}')
    return "\n".join(rows) + "\n"


def report(cases: Sequence[Case], untouched: int, files: Sequence[Path]) -> int:
    """Print the figures, write them to the files, and say by the exit status whether all was exact.

    Bounds are one-sided 95 % bounds of a share (Clopper and Pearson).
    """
    from scipy.stats import beta

    def at_least(hits: int, of: int) -> float:
        return float(beta.ppf(0.05, hits, of - hits + 1)) if hits else 0.0

    def at_most(hits: int, of: int) -> float:
        return float(beta.ppf(0.95, hits + 1, of - hits)) if hits < of else 1.0

    faults = [c for c in cases if c.kind == "fault"]
    tally = {
        word: sum(c.outcome == word for c in cases)
        for word in ("exact", "inexact", "missed", "evaded", "false alarm", "no expectation", "not run")
    }
    exact = sum(c.outcome == "exact" for c in faults)
    figures = {
        "version": version(SUITE),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "faults": len(faults),
        "exact": exact,
        "share_exact_at_least": round(at_least(exact, len(faults)), 4) if faults else 0.0,
        "inexact": tally["inexact"],
        "missed": tally["missed"],
        "evaded": tally["evaded"],
        "look_alikes_and_clean_runs": len(cases) - len(faults),
        "false_alarms": tally["false alarm"],
        "share_false_alarms_at_most": round(at_most(tally["false alarm"], len(cases) - len(faults)), 4),
        "not_run": tally["not run"],
        "untouched_items_looked_at": untouched,
        "not_exact": [c.name for c in cases if c.outcome != "exact"],
    }
    for path in files:
        path.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    return 0 if cases and all(c.outcome == "exact" for c in cases) and (exact or not faults) else 1
