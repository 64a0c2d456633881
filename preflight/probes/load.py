"""Open-loop sampling of an endpoint: starts the generator's process, bounds it, and reads what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from preflight.errors import LockedOut, LookError
from preflight.redact import printable

if TYPE_CHECKING:
    from preflight.probes.load_process import Order

LAG_SHARE = 0.05
"""The generator's own delay (P99 of the send lag), as a share of the limit, above which nothing can be said."""

_GRACE_S = 15.0


@dataclass(frozen=True)
class Sample:
    """One measured request: when it was to leave (epoch seconds), latency from then on (ms), and what came back.

    `batch`: the seed of the order it belongs to; `what`: an HTTP status, or "timeout", "connection". `failed`: a time-out, a connection error or a 5xx.
    """

    at: float
    ms: float
    what: str
    fresh: bool
    lag: float
    batch: int = 0

    @property
    def failed(self) -> bool:
        """Whether it counts as over every limit."""
        return self.what in ("timeout", "connection") or self.what.startswith("5")


@dataclass(frozen=True)
class Batch:
    """What an order brought for one endpoint: samples in the order they were to leave, failures of the warm-up.

    `refusal`: why these are no latencies of the endpoint (429, other 4xx, 3xx), or None.
    """

    samples: tuple[Sample, ...]
    warm_up_failures: tuple[str, ...]
    sent: Mapping[str, int]
    seed: int
    refusal: LookError | None = None


def send(order: Order, calls: Sequence[str]) -> list[Batch]:
    """Carry out an order in a process of its own; a batch for each lane, which `calls` name ("GET /health").

    No samples at all in any batch: the warm-up was not answered, and nothing else was sent.
    Raises LookError when the generator did not end in time, died, or dropped sends.
    """
    what = ", ".join(calls)
    result = _run(order, what)
    sent = result["sent"]
    if any(one["what"] == "dropped" for one in sent):
        raise LookError(f"{what}: sends were dropped, since 512 requests were still unanswered")
    refused = any(one["what"] == "429" for one in sent)
    began = float(result["began"])
    return [
        _batch(call, [one for one in sent if one["lane"] == lane], began, order, refused=refused, seed=int(result["seed"]))
        for lane, call in enumerate(calls)
    ]


def _batch(call: str, sent: Sequence[Mapping[str, Any]], began: float, order: Order, *, refused: bool, seed: int) -> Batch:
    counts = Counter(str(one["what"]) for one in sent)
    samples = tuple(
        Sample(began + one["at"], float(one["ms"]), str(one["what"]), bool(one["fresh"]), float(one["lag"]), seed)
        for one in sent
        if not one["warm_up"]
    )
    warm = [str(one["what"]) for one in sent if one["warm_up"]]
    failures = tuple(what for what in warm if what in ("timeout", "connection") or what.startswith("5"))
    refusal: LookError | None = None
    odd = {status: n for status, n in counts.items() if status[:1] in ("1", "3", "4")}
    if refused:
        refusal = LockedOut(f"a request was refused (429) while {call} was measured, although the suite keeps below the limits")
    elif odd:
        told = ", ".join(f"{n} times {status}" for status, n in sorted(odd.items()))
        refusal = LookError(f"{call} answers {told} instead of doing its work; there is no latency to judge")
    elif samples and len(samples) < order.rounds:
        refusal = LookError(f"{call}: only {len(samples)} of {order.rounds} requests were sent")
    return Batch(samples, failures, dict(counts), seed, refusal)


def fell_behind(samples: Sequence[Sample], limit_ms: float) -> str:
    """Why the generator can't vouch for these samples, or nothing.

    The send lag's P99 (linear interpolation) must stay under 5 % of the limit: what comes later is the machine that
    measures, not the target.
    """
    import numpy as np

    lag = float(np.quantile([sample.lag for sample in samples], 0.99)) if samples else 0.0
    allowed = LAG_SHARE * limit_ms
    if lag <= allowed:
        return ""
    return (
        f"the generator fell behind: its send lag has P99 {lag:.2f} ms, {allowed:.2f} ms are allowed for a limit of "
        f"{limit_ms:g} ms; let nothing else run on the machine that measures, or measure from one that is not paused by its host"
    )


def seconds_of(order: Order) -> float:
    """About how long an order takes, without time-outs."""
    return (order.rounds + order.warm_up) * order.period_s + 0.6


def _run(order: Order, what: str) -> dict[str, Any]:
    expected = seconds_of(order)
    deadline = expected + 2 * order.timeout_s + _GRACE_S
    words = {**asdict(order), "deadline_s": deadline}
    began = time.monotonic()
    if expected > 5:
        print(f"measuring {what}: {order.rounds} requests each, {expected:.0f} s", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "preflight.probes.load_process"]
    try:
        # the order holds the token: by stdin, never on a command line that others can read
        done = subprocess.run(
            command, input=json.dumps(words) + "\n", capture_output=True, text=True, timeout=deadline + _GRACE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LookError(f"{what}: the generator did not end within {time.monotonic() - began:.0f} s and was stopped") from error
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["without a word"]
        raise LookError(f"{what}: the generator died ({printable(last[0], 160)})")
    try:
        result: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise LookError(f"{what}: the generator wrote no result") from error
    return result
