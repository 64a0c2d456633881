"""A Locust of the operator's, driven by its address: a real master with one worker, against a small server."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from preflight.errors import LookError
from preflight.probes import http
from preflight.probes.capacity_master import drive

USERS = """
from locust import HttpUser, constant, task

class Asks(HttpUser):
    wait_time = constant(0.05)

    @task
    def ask(self):
        self.client.get("/here")
"""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture
def master(tmp_path: Path) -> Iterator[str]:
    """The address of a Locust master with one worker."""
    (tmp_path / "users.py").write_text(USERS)
    web, bus = free_port(), free_port()
    common = [sys.executable, "-m", "locust", "-f", str(tmp_path / "users.py"), "--skip-log-setup"]
    ways = (
        [
            "--master",
            "--web-host",
            "127.0.0.1",
            "--web-port",
            str(web),
            "--master-bind-host",
            "127.0.0.1",
            "--master-bind-port",
            str(bus),
        ],
        ["--worker", "--master-host", "127.0.0.1", "--master-port", str(bus)],
    )
    started = [
        subprocess.Popen([*common, *way], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for way in ways
    ]
    address = f"http://127.0.0.1:{web}"
    for _ in range(100):
        try:
            if http.send("GET", f"{address}/stats/requests").object().get("workers"):
                break
        except LookError:
            pass
        time.sleep(0.2)
    yield address
    for process in started:
        process.terminate()
    for process in started:
        process.wait(10)


def never(_failed: float, _p95: float) -> str:
    return ""


def test_master_and_worker_carry_the_steps(master: str, serve: Callable[..., str]) -> None:
    done = drive(master, serve(), steps=(2, 6), step_s=7.0, user_agent="preflight-selftest", broken=never)
    assert done.workers == 1
    assert [step[0] for step in done.steps] == [2, 6]
    assert done.steps[1][1] > 1.5 * done.steps[0][1]
    assert done.requests > 50
    assert done.failed == 0
    assert http.send("GET", f"{master}/stats/requests").object()["state"] in ("stopped", "stopping", "ready")


@pytest.mark.lengthy
def test_it_stops_when_the_target_breaks(master: str, serve: Callable[..., str]) -> None:
    broken = serve({"/here": (500, {}, b"no")})
    done = drive(
        master,
        broken,
        steps=(4, 8),
        step_s=8.0,
        user_agent="preflight-selftest",
        broken=lambda failed, _: f"{failed:.0%}" * (failed > 0.1),
    )
    assert done.aborted == "stopped with 4 users: 100%"
    assert len(done.steps) == 1
    assert done.failed == done.requests


@pytest.mark.parametrize("said", [b"<html>login</html>", b'{"stats": []}', b'{"stats": [{"name": "Aggregated"}]}'])
def test_what_is_no_locust_is_named(serve: Callable[..., str], said: bytes) -> None:
    url = serve({"/stats/requests": (200, {}, said)})
    with pytest.raises(LookError, match=r"Locust|JSON"):
        drive(url, url, steps=(1,), step_s=1.0, user_agent="x", broken=never)
