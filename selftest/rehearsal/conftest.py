"""A clean rehearsal for a whole module, and clients at addresses of their own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.deploy import Rehearsal

_ADDRESSES = (f"127.0.{net}.{last}" for net in itertools.count(1) for last in range(1, 255))


@pytest.fixture(scope="module", autouse=True)
def no_programs_at_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """These tests are of the game and its front: two processes, whatever monitoring this machine happens to have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFLIGHT_PROGRAMS", str(tmp_path_factory.mktemp("programs")))
        patch.setenv("PREFLIGHT_BROWSER", "")
        yield


class _From(HTTPAdapter):
    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(self._address, 0), **kwargs)


class Client:
    """A client of one rehearsal at one loopback address."""

    def __init__(self, rehearsal: Rehearsal, address: str) -> None:
        self.rehearsal, self.address = rehearsal, address
        self.token = rehearsal.environment["PREFLIGHT_REHEARSAL_TOKEN"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", _From(address))
        self.session.mount("https://", _From(address))
        self.session.verify = str(rehearsal.folder / "certificates/ca.pem")

    def ask(
        self,
        endpoint: str,
        *,
        token: str | None = "valid",
        base: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> requests.Response:
        """Call `"GET /scene"`; `token` None sends none."""
        method, _, path = endpoint.partition(" ")
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {self.token if token == 'valid' else token}"
        return self.session.request(
            method, (base or self.rehearsal.internal_url) + path, headers=sent, timeout=10, allow_redirects=False, **more
        )


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with Rehearsal(Deployment(), tmp_path_factory.mktemp("rehearsal") / "clean") as rehearsal:
        yield rehearsal


@pytest.fixture
def client(clean: Rehearsal) -> Client:
    return Client(clean, next(_ADDRESSES))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[Deployment], Client]]:
    """Start a deployment for one test; gives a client of it."""
    started: list[Rehearsal] = []

    def begin(deployment: Deployment) -> Client:
        rehearsal = Rehearsal(deployment, tmp_path / f"rehearsal-{len(started)}")
        started.append(rehearsal)
        rehearsal.__enter__()
        return Client(rehearsal, "127.0.0.1")

    yield begin
    for rehearsal in started:
        rehearsal.close()
