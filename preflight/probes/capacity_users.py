"""Locust's users for the look at capacity; run by Locust, with what to do as JSON on its standard input."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust import HttpUser, LoadTestShape, User, constant_pacing, events, task
from requests.adapters import HTTPAdapter
from websockets.sync.client import connect

GIVEN: dict[str, Any] = json.loads(sys.stdin.readline())
OUTCOME = {"aborted": ""}
STEPS: list[list[float]] = []
_WARM_UP_S = 3.0


class _From(HTTPAdapter):
    """Sends from the address that the limiter exempts."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, source_address=(GIVEN["source"], 0), **options)


class Player(HttpUser):
    """One kept connection that asks once a second."""

    wait_time = constant_pacing(1.0)

    def on_start(self) -> None:
        """Every player has a connection of its own."""
        for scheme in ("http://", "https://"):
            self.client.mount(scheme, _From(pool_connections=1, pool_maxsize=1))
        self.client.trust_env = False
        self.client.verify = GIVEN["ca_file"] or True
        self.client.headers.update({"Authorization": f"Bearer {GIVEN['token']}", "User-Agent": GIVEN["user_agent"]})

    @task
    def ask(self) -> None:
        """Ask for the health, which every build answers without doing anything."""
        self.client.get("/health", name="GET /health", timeout=10)


class Listener(User):
    """A telemetry client: a handshake, then it listens to the end."""

    fixed_count = GIVEN["streams"]

    @task
    def listen(self) -> None:
        """Open the stream and read what comes."""
        began = time.perf_counter()
        error: Exception | None = None
        received = 0
        try:
            with connect(GIVEN["telemetry"], open_timeout=10, proxy=None) as stream:
                deadline = began + len(GIVEN["steps"]) * GIVEN["step_s"] - 1
                while time.perf_counter() < deadline:
                    received += len(stream.recv(timeout=10))
        except Exception as problem:  # noqa: BLE001 - whatever it is, the stream did not hold
            error = problem
        finally:  # where the load is ended early the stream is too, and counts as one that held until then
            self.environment.events.request.fire(
                request_type="WS",
                name="telemetry",
                response_time=1000 * (time.perf_counter() - began),
                response_length=received,
                exception=error,
                context={},
            )
        gevent.sleep(3600)


class Steps(LoadTestShape):
    """More connections at each step, until the last step is over or too much fails."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._step = -1
        self._mark: tuple[float, int, int] = (0.0, 0, 0)

    def _time(self) -> float:
        return float(self.get_run_time())  # type: ignore[no-untyped-call]

    def tick(self) -> tuple[int, float] | None:
        """How many users now; None ends the run."""
        step = int(self._time() // GIVEN["step_s"])
        if step != self._step:
            self._finish()
            self._step = step
        if step >= len(GIVEN["steps"]) or self._broken():
            return None
        return GIVEN["steps"][step] + GIVEN["streams"], 50.0

    def _finish(self) -> None:
        """Keep the figures of the step that is over."""
        total = self.runner.stats.total if self.runner else None
        if total is None:
            return
        now, requests, failures = self._time(), total.num_requests, total.num_failures
        before = self._mark
        self._mark = (now, requests, failures)
        if self._step >= 0 and now > before[0] and requests > before[1]:
            count = requests - before[1]
            p95 = total.get_current_response_time_percentile(0.95) or 0.0
            row = [GIVEN["steps"][self._step], count / (now - before[0]), p95, 100 * (failures - before[2]) / count]
            STEPS.append([round(float(value), 2) for value in row])

    def _broken(self) -> bool:
        total = self.runner.stats.total if self.runner else None
        if total is None or self._time() - self._mark[0] < _WARM_UP_S:
            return False
        count, failed = total.num_requests - self._mark[1], total.num_failures - self._mark[2]
        p95 = total.get_current_response_time_percentile(0.95) or 0.0
        connections = GIVEN["steps"][self._step]
        if count > 20 and failed / count > GIVEN["abort_failed"]:
            OUTCOME["aborted"] = f"stopped with {connections} connections: {failed / count:.0%} of the requests failed"
        elif p95 > GIVEN["abort_p95_ms"]:
            OUTCOME["aborted"] = f"stopped with {connections} connections: P95 was {p95:.0f} ms"
        if OUTCOME["aborted"]:
            self._finish()
        return bool(OUTCOME["aborted"])


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _write(**_: Any) -> None:
    Path("steps.json").write_text(json.dumps(STEPS), "utf-8")
    Path("ended.json").write_text(json.dumps(OUTCOME), "utf-8")
