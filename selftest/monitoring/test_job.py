"""Which job scrapes the game, and how often, whatever it is called."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from preflight.errors import LookError
from preflight.probes import yamlfiles
from preflight.probes.gamejob import JOB, game_job
from preflight.probes.promanswers import Series
from preflight.windowfixtures import Windows


def client(*found: tuple[str, str], targets: tuple[Any, ...] = ()) -> Any:
    """A Prometheus whose jobs, with their instances, bring http_requests_total."""
    series = [Series({"job": job, "instance": instance}, (0.0,), (1.0,)) for job, instance in found]
    return SimpleNamespace(range=lambda *_: series, query=lambda _: series, targets=lambda: list(targets))


def target(name: str = "production", url: str = "https://api.example", inside: str | None = None, host: str = "") -> Any:
    api = SimpleNamespace(url=url, internal_url=inside)
    place = SimpleNamespace(address=host) if host else None
    return SimpleNamespace(facts=SimpleNamespace(name=name, api=api, host=place))


def test_documented_name_comes_first() -> None:
    assert game_job(client(("a_game", "game:8080"), (JOB, "other:8080")), target(host="game")) == JOB


@pytest.mark.parametrize(
    ("told", "job"),
    [
        (target(host="game"), "backend"),
        (target(url="https://GAME"), "backend"),
        (target(inside="http://127.0.0.1:8080"), "local"),
        (target(), "spacetime"),
        (target(name="shop-of-the-station"), "shop"),
        (None, "backend"),
    ],
)
def test_of_several_jobs_the_one_that_the_target_names_is_the_games(told: Any, job: str) -> None:
    found = [
        ("website", "www:80"),
        ("shop", "till:80"),
        ("spacetime", "b:8080"),
        ("backend", "game:9"),
        ("local", "localhost:80"),
    ]
    if job == "shop":
        found.remove(("spacetime", "b:8080"))

    assert game_job(client(*found), told) == job


def test_no_job_is_said() -> None:
    with pytest.raises(LookError, match="nothing scrapes the game"):
        game_job(client(), target())


THIRTY = SimpleNamespace(job="spacetime", interval="30s")
FILE = {"global": {"scrape_interval": "15s"}, "scrape_configs": [{"job_name": "spacetime", "scrape_interval": "20s"}]}


@pytest.mark.parametrize(
    ("file", "targets", "seconds"),
    [
        (None, (SimpleNamespace(job="node", interval="5s"), THIRTY), 30),
        (FILE, (THIRTY,), 20),
        ({**FILE, "scrape_configs": []}, (THIRTY,), 30),
        ({**FILE, "scrape_configs": [{"job_name": "spacetime", "scrape_interval": "often"}]}, (THIRTY,), 30),
        (None, (), 15),
    ],
)
def test_pace_is_that_of_the_job_that_was_found(file: dict[str, Any] | None, targets: tuple[Any, ...], seconds: float) -> None:
    read = yamlfiles.Prometheus(file) if file else None
    windows = Windows(client(("spacetime", "b:8080"), targets=targets), target(), SimpleNamespace(), read)  # type: ignore[arg-type]

    assert windows.interval == seconds
