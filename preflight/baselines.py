"""Baselines: the latencies of an earlier build, kept as pytest-benchmark's JSON by target, build and machine.

They lie in the user's data directory, since they belong to the machine that measured: another machine's is no baseline.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from preflight.errors import UsageError, writing
from preflight.record.read import read

FAILED_MS = 10_000.0
"""What a request without a good answer counts as: the time-out."""

BEHIND = "behind at"
"""Begins the fact of an endpoint whose latencies hold a delay of the generator's own: too long for a baseline."""

_CALL = re.compile(r"^[A-Z]+ /\S*$")
_FEWEST = 90


@dataclass(frozen=True)
class Baseline:
    """Latencies (ms) by call ("GET /health") of one build, measured on this machine at `saved`."""

    target: str
    build: str
    machine: str
    measured: str
    saved: datetime
    file: Path
    latencies: Mapping[str, Sequence[float]]


def machine() -> str:
    """A name for this machine that says nothing about it, stable over restarts."""
    facts = "|".join((platform.node(), platform.machine(), platform.processor(), str(os.cpu_count())))
    return hashlib.sha256(facts.encode()).hexdigest()[:12]


def folder() -> Path:
    """Where baselines are kept."""
    return platformdirs.user_data_path("preflight") / "baselines"


def save(record: Path) -> Path:
    """Keep the latencies of a run as the baseline of its target, build and machine; the file.

    Raises UsageError for a record without enough of them (90 an endpoint), or with more than 1 % failed requests, and
    ReadError for what is no record. What another machine has measured is refused, and so is what the generator fell behind at.
    """
    told = read(record)
    latencies: dict[str, list[float]] = {}
    measured = ""
    for item in told.items:
        for outcome in item.outcomes:
            measured = outcome.facts.get("measured", measured)
            late = next((name for name in outcome.facts if name.startswith(BEHIND)), None)
            if late:
                raise UsageError(
                    f"the generator fell behind in that run at {late.removeprefix(BEHIND).strip()}: latencies that hold its own "
                    "delay would let a later build be slower; measure again where nothing else runs"
                )
            by = outcome.facts.get("measured by", machine())
            if by != machine():
                raise UsageError(f"{record} was measured by another machine ({by}); save it there, it is no baseline here")
            for name, values in outcome.samples.items():
                if _CALL.match(name) and isinstance(values, list) and len(values) > len(latencies.get(name, [])):
                    latencies[name] = [float(value) for value in values]
    kept = {call: ms for call, ms in latencies.items() if len(ms) >= _FEWEST}
    if not kept:
        raise UsageError(
            f"{record} holds no endpoint with {_FEWEST} latencies; make one with: pytest -m 'performance and predeploy'"
        )
    for call, ms in kept.items():
        failed = sum(value >= FAILED_MS for value in ms)
        if failed > len(ms) / 100:
            raise UsageError(f"{call} failed {failed} of {len(ms)} times in that run; that is no baseline to be held to")
    moment = datetime.now(UTC)
    about = {
        "target": told.target.name,
        "build": told.target.build,
        "machine": machine(),
        "measured": measured,
        "saved": moment.isoformat(timespec="seconds"),
        "run": told.run_id,
    }
    place = folder() / _safe(told.target.name) / machine() / f"{_safe(told.target.build)}-{moment:%Y%m%dT%H%M%SZ}.json"
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        _replay(kept, about, place)
    return place


def list_(target: str | None = None) -> list[Baseline]:
    """The baselines of this machine, newest first. Files that can't be read are left out."""
    found = []
    for file in folder().glob(f"{_safe(target) if target else '*'}/{machine()}/*.json"):
        baseline = _load(file)
        if baseline is not None:
            found.append(baseline)
    return sorted(found, key=lambda baseline: baseline.saved, reverse=True)


def of(target: str, build: str) -> Baseline | None:
    """What a build is compared with: the newest baseline of another build of that target, else the newest of this one."""
    known = list_(target)
    return next((baseline for baseline in known if baseline.build != build), known[0] if known else None)


def elsewhere(target: str) -> bool:
    """Whether there are baselines of that target that another machine measured."""
    return any(file.parent.name != machine() for file in folder().glob(f"{_safe(target)}/*/*.json"))


def show(baseline: Baseline) -> str:
    """A baseline as a table of 80 columns; times in ms."""
    from preflight.measure.percentile import order_statistic

    rows = [
        f"{baseline.target}, build {baseline.build}, saved {baseline.saved:%Y-%m-%d %H:%M} UTC",
        f"measured {baseline.measured or 'as its run says'}",
        f"{'':18}{'n':>6}{'median':>10}{'P95':>10}{'P99':>10}",
    ]
    for call, ms in baseline.latencies.items():
        figures = "".join(f"{order_statistic(ms, q):10.2f}" for q in (0.5, 0.95, 0.99))
        rows.append(f"{call:18}{len(ms):6d}{figures}")
    return "\n".join(rows)


def _load(file: Path) -> Baseline | None:
    try:
        raw = json.loads(file.read_text("utf-8"))
        about = raw["benchmarks"][0]["extra_info"]
        latencies = {bench["group"]: [round(s * 1000, 2) for s in bench["stats"]["data"]] for bench in raw["benchmarks"]}
        return Baseline(
            target=about["target"],
            build=about["build"],
            machine=about["machine"],
            measured=about["measured"],
            saved=datetime.fromisoformat(about["saved"]),
            file=file,
            latencies=latencies,
        )
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _replay(latencies: Mapping[str, Sequence[float]], about: Mapping[str, str], place: Path) -> None:
    """Have pytest-benchmark write the file, in a process of its own and away from any project's configuration."""
    module = Path(__file__).parent / "data" / "replay_latencies.py"
    with tempfile.TemporaryDirectory() as temporary:
        given, written = Path(temporary) / "given.json", Path(temporary) / "benchmark.json"
        given.write_text(json.dumps({"latencies": latencies, "about": about}), "utf-8")
        (Path(temporary) / "pytest.ini").write_text("[pytest]\n", "utf-8")
        words = [sys.executable, "-m", "pytest", "-q", "-c", f"{temporary}/pytest.ini", f"--rootdir={temporary}"]
        words += [
            "-p",
            "no:cacheprovider",
            "-p",
            "no:locust",
            "--import-mode=importlib",
            f"--benchmark-json={written}",
            str(module),
        ]
        done = subprocess.run(
            words,
            env={**_without_pytest(os.environ), "PREFLIGHT_REPLAY": str(given)},
            cwd=temporary,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if not written.exists():
            last = done.stdout.strip().splitlines()[-1:] or ["without a word"]
            raise UsageError(f"pytest-benchmark wrote no baseline: {last[0]}")
        part = place.with_suffix(".part")
        part.write_bytes(written.read_bytes())
        part.replace(place)


def _without_pytest(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what a pytest around this one says to its own processes: pytest-benchmark measures nothing in a worker."""
    return {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)
