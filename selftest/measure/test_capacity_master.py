"""A Locust of the operator's, driven by its address: a real master with one worker, against a small server."""

from __future__ import annotations

import json
import os
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
from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.deploy import Rehearsal

USERS = """
from locust import HttpUser, constant, task

class Asks(HttpUser):
    wait_time = constant(0.05)

    @task
    def ask(self):
        self.client.get("/here")
"""

EXEMPT = """
from locust import HttpUser, constant, task
from requests.adapters import HTTPAdapter

class Exempt(HTTPAdapter):
    def init_poolmanager(self, *args, **more):
        super().init_poolmanager(*args, source_address=("127.0.0.9", 0), **more)

class Asks(HttpUser):
    wait_time = constant(0.5)

    def on_start(self):
        self.client.mount("http://", Exempt())

    @task
    def ask(self):
        self.client.get("/health")
"""
"""An operator's own users, from an address that the limiter lets pass."""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture
def users() -> str:
    """What the operator's users do."""
    return USERS


@pytest.fixture
def master(tmp_path: Path, users: str) -> Iterator[str]:
    """The address of a Locust master with one worker."""
    (tmp_path / "users.py").write_text(users)
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


@pytest.mark.lengthy
@pytest.mark.parametrize("users", [EXEMPT])
def test_item_is_judged_by_the_load_of_a_master(master: str, tmp_path: Path, root: Path) -> None:
    """The whole way: the operator's Locust loads a deployment, and the record says what it carried."""
    with Rehearsal(Deployment(), tmp_path / "deployment") as rehearsal:
        text = rehearsal.target.read_text("utf-8").replace("[performance]", f'[performance]\nlocust_master = "{master}"')
        target, reports = rehearsal.target.with_name("loaded.toml"), tmp_path / "reports"
        target.write_text(text, "utf-8")
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                f"--target={target}",
                f"--record={reports}",
                "tests/performance/test_capacity.py",
            ],
            cwd=root,
            env={**os.environ, **rehearsal.environment},
            stdout=subprocess.DEVNULL,
            timeout=180,
            check=False,
        )
    record = json.loads((reports / "latest" / "record.json").read_text("utf-8"))
    (item,) = (one for one in record["items"] if one["id"] == "PERF-LOAD-01")
    assert (item["status"], item["reason"]) == ("PASS", "")
    assert f"the Locust at {master}" in json.dumps(item)
    assert '"workers": "1"' in json.dumps(item)


@pytest.mark.parametrize("said", [b"<html>login</html>", b'{"stats": []}', b'{"stats": [{"name": "Aggregated"}]}'])
def test_what_is_no_locust_is_named(serve: Callable[..., str], said: bytes) -> None:
    url = serve({"/stats/requests": (200, {}, said)})
    with pytest.raises(LookError, match=r"Locust|JSON"):
        drive(url, url, steps=(1,), step_s=1.0, user_agent="x", broken=never)
