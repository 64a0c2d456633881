"""Open-loop sampling of an endpoint: starts the generator's process, bounds it, and reads what it measured."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
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

    `what`: an HTTP status, or "timeout", "connection". `failed`: a time-out, a connection error or a 5xx.
    """

    at: float
    ms: float
    what: str
    fresh: bool
    lag: float

    @property
    def failed(self) -> bool:
        """Whether it counts as over every limit."""
        return self.what in ("timeout", "connection") or self.what.startswith("5")


@dataclass(frozen=True)
class Batch:
    """What one order brought: the samples in the order they were to leave, and the failures of its warm-up."""

    samples: tuple[Sample, ...]
    warm_up_failures: tuple[str, ...]
    seed: int


def send(order: Order, *, what: str, saw: Callable[[dict[str, int]], None] = lambda _: None) -> Batch:
    """Carry out an order in a process of its own. `what` names it for people ("GET /health").

    `saw` is told how many requests got which answer, whatever is made of them. No samples at all: the warm-up was not
    answered, and nothing else was sent. Raises LookError when the generator did not end in time or died, LockedOut for an answer 429, LookError for other
    answers that are no answer of this endpoint (3xx, 4xx) and for sends that were dropped.
    """
    result = _run(order, what)
    sent = result["sent"]
    counts = Counter(str(one["what"]) for one in sent)
    saw(dict(counts))
    if counts.get("429"):
        raise LockedOut(f"{what} was refused (429) while latency was measured, although the suite keeps below the limit")
    if counts.get("dropped"):
        raise LookError(f"{what}: {counts['dropped']} sends were dropped, since 512 requests were still unanswered")
    odd = {status: n for status, n in counts.items() if status[:1] in ("1", "3", "4")}
    if odd:
        told = ", ".join(f"{n} times {status}" for status, n in sorted(odd.items()))
        raise LookError(f"{what} answers {told} instead of doing its work; there is no latency to judge")
    began = float(result["began"])
    samples = tuple(
        Sample(began + one["at"], float(one["ms"]), str(one["what"]), bool(one["fresh"]), float(one["lag"]))
        for one in sent
        if not one["warm_up"]
    )
    warm = [str(one["what"]) for one in sent if one["warm_up"]]
    failures = tuple(what for what in warm if what in ("timeout", "connection") or what.startswith("5"))
    if samples and len(samples) < order.requests:
        raise LookError(f"{what}: only {len(samples)} of {order.requests} requests were sent")
    return Batch(samples, failures, int(result["seed"]))


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
        f"{limit_ms:g} ms; let nothing else run on the machine that measures"
    )


def seconds_of(order: Order) -> float:
    """About how long an order takes, without time-outs."""
    return (order.requests + order.warm_up) / order.rate + 0.6


def _run(order: Order, what: str) -> dict[str, Any]:
    expected = seconds_of(order)
    deadline = min(order.deadline_s, expected + 2 * order.timeout_s + _GRACE_S)
    words = {**asdict(order), "deadline_s": deadline}
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-m", "preflight.probes.load_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if expected > 5:
            print(
                f"measuring {what}: {order.requests} requests at {order.rate:.2f}/s, {expected:.0f} s",
                file=sys.stderr,
                flush=True,
            )
        # the order holds the token: by stdin, never on a command line that others can read
        out, said = child.communicate(json.dumps(words) + "\n", timeout=deadline + _GRACE_S)
    except subprocess.TimeoutExpired as error:
        raise LookError(f"{what}: the generator did not end within {time.monotonic() - began:.0f} s and was stopped") from error
    finally:
        if child.poll() is None:
            child.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)
    if child.returncode != 0:
        last = said.strip().splitlines()[-1:] or ["without a word"]
        raise LookError(f"{what}: the generator died ({printable(last[0], 160)})")
    try:
        result: dict[str, Any] = json.loads(out)
    except ValueError as error:
        raise LookError(f"{what}: the generator wrote no result") from error
    return result
