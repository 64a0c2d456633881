"""What the deployment carries: Locust as a subprocess, stepped up to the configured load, stopped when it breaks.

Locust replaces Python's sockets in its process (gevent), so it is never imported here; its --csv files are read.
"""

from __future__ import annotations

import csv
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import LookError, Undecided
from preflight.outcome import Reason
from preflight.probes.api import Api
from preflight.probes.capacity_master import drive
from preflight.probes.telemetry import Listening, crowd
from preflight.redact import Secret, printable
from preflight.target import Target

CONNECTIONS = 100
STREAMS = 10
STEPS = (10, 25, 50, 75, 100)
SHORTEST_STEP_S, LONGEST_STEP_S = 4.0, 10.0
ABORT_FAILED = 0.10
ABORT_P95_MS = 2000.0
_WORSE = 2.0
_GRACE_S = 30.0


@dataclass(frozen=True)
class Carried:
    """What was carried. `steps`: [connections, requests/s, P95 ms, failed %] of each step; `aborted`: why it ended early."""

    requests: int
    failed: int
    streams: int
    failed_percent: float
    where: str
    steps: Sequence[Sequence[float]]
    aborted: str
    facts: dict[str, str]


def load(target: Target, api: Api, token: Secret, *, user_agent: str, folder: Path, cap_s: float) -> Carried:
    """Step up to the configured hundred connections and ten telemetry clients, in 20 to 50 s (`cap_s` where between).

    Raises Undecided without Locust or an address exempt from the limiter, LookError when Locust does not work.
    """
    step_s = min(LONGEST_STEP_S, max(SHORTEST_STEP_S, cap_s / len(STEPS)))
    if target.facts.performance.locust_master:
        return _by_master(target, api, step_s, user_agent)
    if importlib.util.find_spec("locust") is None:
        raise Undecided(Reason.PROGRAM, "Locust is not installed: pip install 'spacetime-preflight[load]'")
    exempt = target.facts.performance.exempt_address
    if exempt is None:
        raise Undecided(
            Reason.ADDRESS, "load trips the limiter: exempt an address of this machine and name it [performance] exempt_address"
        )
    assert target.facts.telemetry is not None
    output = folder / "capacity"
    output.mkdir(exist_ok=True)
    given = {
        "token": token.reveal(),
        "user_agent": user_agent,
        "source": exempt,
        "ca_file": str(target.facts.api.ca_file) if target.facts.api.ca_file else "",
        "telemetry": target.facts.telemetry.url,
        "streams": STREAMS,
        "steps": STEPS,
        "step_s": step_s,
        "abort_failed": ABORT_FAILED,
        "abort_p95_ms": ABORT_P95_MS,
    }
    words = [sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("capacity_users.py")), "--headless"]
    words += ["--only-summary", "--host", api.url("", "game"), "--csv", str(output / "locust"), "--csv-full-history"]
    words += ["--exit-code-on-error", "0", "--skip-log-setup"]
    seconds = len(STEPS) * step_s
    print(f"load on {api.url('', 'game')}: up to {CONNECTIONS} connections for {seconds:.0f} s", file=sys.stderr, flush=True)
    began = time.monotonic()
    try:
        done = subprocess.run(
            words,
            # the token goes by stdin, never by a command line or environment that others can read
            input=json.dumps(given) + "\n",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=output,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            timeout=seconds + _GRACE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LookError(f"Locust did not end within {time.monotonic() - began:.0f} s and was stopped") from error
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["without a word"]
        raise LookError(f"Locust ended with status {done.returncode}: {printable(last[0], 200)}")
    carried = _read(output)
    api.sent["GET /health 200"] += carried.requests - carried.failed
    if carried.failed:
        api.sent["GET /health no answer"] += carried.failed
    api.addresses.add(exempt)
    return carried


def _by_master(target: Target, api: Api, step_s: float, user_agent: str) -> Carried:
    master, part = target.facts.performance.locust_master, target.facts.telemetry
    assert master is not None
    assert part is not None

    def broken(failed: float, p95_ms: float) -> str:
        if failed > ABORT_FAILED:
            return f"{failed:.0%} of the requests failed"
        return f"P95 was {p95_ms:.0f} ms" if p95_ms > ABORT_P95_MS else ""

    with ThreadPoolExecutor(1) as beside:
        listening = beside.submit(crowd, part.url, user_agent, STREAMS, len(STEPS) * step_s - 1)
        done = drive(master, api.url("", "game"), steps=STEPS, step_s=step_s, user_agent=user_agent, broken=broken)
        streams = sum(isinstance(one, Listening) and bool(one.messages) and not one.closed for one in listening.result())
    api.sent["by Locust's workers"] += done.requests
    whole, failed = done.requests + STREAMS, done.failed + STREAMS - streams
    return Carried(
        requests=done.requests,
        failed=done.failed,
        streams=streams,
        failed_percent=100 * failed / whole if done.requests else 100.0,
        where=f"{STEPS[-1]} users of the Locust at {master}, {STREAMS} telemetry clients",
        steps=done.steps,
        aborted=done.aborted,
        facts={
            **_told(done.steps),
            "workers": str(done.workers or "the master alone"),
        },
    )


def _told(steps: Sequence[Sequence[float]]) -> dict[str, str]:
    each = {f"with {step[0]:.0f} connections": f"{step[1]:.0f}/s, P95 {step[2]:.0f} ms, {step[3]:.1f} % failed" for step in steps}
    return {**each, "knee": knee(steps)}


def _read(output: Path) -> Carried:
    try:
        with (output / "locust_stats.csv").open(encoding="utf-8", newline="") as file:
            stats = {row["Name"]: row for row in csv.DictReader(file)}
        steps: list[list[float]] = json.loads((output / "steps.json").read_text("utf-8"))
        told = json.loads((output / "ended.json").read_text("utf-8"))
    except (OSError, ValueError, KeyError) as error:
        raise LookError(f"Locust left no results that can be read in {output.name}: {error}") from error
    http = [row for name, row in stats.items() if name.startswith("GET ")]
    requests = sum(int(row["Request Count"]) for row in http)
    failed = sum(int(row["Failure Count"]) for row in http)
    streams = stats.get("telemetry")
    opened = int(streams["Request Count"]) - int(streams["Failure Count"]) if streams else 0
    broken = int(streams["Failure Count"]) if streams else 0
    whole = requests + opened + broken
    return Carried(
        requests=requests,
        failed=failed,
        streams=opened,
        failed_percent=100 * (failed + broken) / whole if whole else 100.0,
        where=f"{CONNECTIONS} connections, {STREAMS} telemetry clients",
        steps=steps,
        aborted=str(told["aborted"]),
        facts=_told(steps),
    )


def knee(steps: Sequence[Sequence[float]]) -> str:
    """Where more connections stop bringing more: P95 twice the first step's, or requests/s that grow by less than half.

    `steps` are [connections, requests/s, P95 ms, failed %].
    """
    for before, step in itertools.pairwise(steps):
        more = step[0] / before[0] - 1
        gained = step[1] / before[1] - 1 if before[1] else 0.0
        if step[2] > _WORSE * max(1.0, steps[0][2]) or gained < more / 2:
            return f"between {before[0]:.0f} and {step[0]:.0f} connections"
    return f"not reached with {steps[-1][0]:.0f} connections" if steps else "no step was finished"
