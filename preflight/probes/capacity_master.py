"""What the deployment carries when the load comes from a Locust of the operator's: a master and its workers, by address.

Its users are the operator's own (those of `capacity_users.py` need a process that this suite starts). The master is driven
by the calls of its web page: POST /swarm, GET /stats/requests, POST /stop (Locust 2.x).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from preflight.errors import BadAnswer, LookError
from preflight.probes import http
from preflight.redact import printable

_EVERY_S = 0.5
_SETTLES_S = 3.0
"""So long after a step has begun its percentiles still speak of the step before."""


@dataclass(frozen=True)
class Driven:
    """What came of it. `steps`: [connections, requests/s, P95 ms, failed %] of each; `aborted`: why it ended early."""

    steps: Sequence[Sequence[float]]
    requests: int
    failed: int
    workers: int
    aborted: str


@dataclass(frozen=True)
class _Stats:
    requests: int
    failed: int
    p95_ms: float
    workers: int


def drive(
    master: str,
    host: str,
    *,
    steps: Sequence[int],
    step_s: float,
    user_agent: str,
    broken: Callable[[float, float], str],
) -> Driven:
    """Step the master's users up against `host`. `broken` is asked with the failed share and the P95 (ms) why to stop, if at all.

    The master is told to stop whatever happens. Raises LookError when it does not answer as a Locust does.
    """
    headers = {"User-Agent": user_agent}
    told: list[list[float]] = []
    aborted, last = "", _Stats(0, 0, 0.0, 0)
    first = before = _read(master, headers)
    try:
        for users in steps:
            began = time.monotonic()
            _swarm(master, headers, users, host)
            while (gone := time.monotonic() - began) < step_s and not aborted:
                time.sleep(min(_EVERY_S, step_s - gone))
                last = _read(master, headers)
                count = last.requests - before.requests
                if count > 20 and time.monotonic() - began > min(_SETTLES_S, step_s / 2):
                    why = broken((last.failed - before.failed) / count, last.p95_ms)
                    aborted = f"stopped with {users} users: {why}" if why else ""
            count, seconds = last.requests - before.requests, time.monotonic() - began
            if count > 0:
                share = 100 * (last.failed - before.failed) / count
                told.append([float(users), round(count / seconds, 2), last.p95_ms, round(share, 2)])
            before = last
            if aborted:
                break
    finally:
        _stop(master, headers)
    return Driven(told, last.requests - first.requests, last.failed - first.failed, last.workers, aborted)


def _swarm(master: str, headers: Mapping[str, str], users: int, host: str) -> None:
    form = {"user_count": str(users), "spawn_rate": "50", "host": host}
    said = _ask(
        "POST", f"{master}/swarm", {**headers, "Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode()
    )
    if said.get("success") is not True:
        raise LookError(f"{master} does not start: {printable(str(said.get('message', 'no reason given')), 120)}")


def _stop(master: str, headers: Mapping[str, str]) -> None:
    # older releases stop for a GET, newer ones for a POST
    if http.send("POST", f"{master}/stop", headers=headers).status_code == 405:
        _ask("GET", f"{master}/stop", headers)


def _read(master: str, headers: Mapping[str, str]) -> _Stats:
    said = _ask("GET", f"{master}/stats/requests", headers)
    try:
        whole = next(row for row in said["stats"] if row["name"] in ("Aggregated", "Total"))
        percentiles = said.get("current_response_time_percentiles") or {}
        return _Stats(
            requests=int(whole["num_requests"]),
            failed=int(whole["num_failures"]),
            p95_ms=float(percentiles.get("response_time_percentile_0.95") or 0.0),
            workers=len(said.get("workers") or []),
        )
    except (KeyError, TypeError, ValueError, StopIteration, AttributeError) as error:
        raise BadAnswer(f"{master}/stats/requests: not the figures of a Locust: {type(error).__name__}") from error


def _ask(method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> dict[str, Any]:
    answer = http.send(method, url, headers=headers, body=body)
    if answer.status_code != 200:
        raise LookError(f"{method} {url} answers {answer.status_code}: is it a Locust with its web page, and without a login?")
    return answer.object()
