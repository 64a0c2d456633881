"""A request ends when its time is over, whatever the server does meanwhile: with TLS as without."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from preflight.budget import Budget
from preflight.errors import Unreachable
from preflight.probes import connections, http
from preflight.probes.api import Api
from preflight.target import load
from selftest.hostile.servers import MODES, serving

SECONDS = 0.8
SLOW = ("hangs", "drips", "drips_headers")

Ends = Callable[[], ssl.SSLContext | None]


def no_tls() -> None:
    return None


def with_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("context", [no_tls, with_tls])
@pytest.mark.parametrize("mode", SLOW)
def test_request_to_a_slow_server_ends_in_its_time(mode: str, context: Ends) -> None:
    with serving(MODES[mode], context()) as url:
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"no whole answer within 0\.8 s"):
            http.send("GET", url, verify=False, total_seconds=SECONDS)

        assert time.monotonic() - began < SECONDS + 1


def test_handshake_that_drips_ends_in_its_time() -> None:
    with serving(MODES["drips_headers"]) as url:  # a TLS client takes it for the beginning of a record
        began = time.monotonic()
        with pytest.raises(Unreachable):
            http.send("GET", url.replace("http:", "https:"), verify=False, total_seconds=SECONDS)

        assert time.monotonic() - began < SECONDS + 1


def test_nothing_stays_open(tmp_path: Path) -> None:
    def held() -> int:
        return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0

    with serving(MODES["json_200"], with_tls()) as url:
        http.send("GET", url, verify=False)
        before = held()
        for _ in range(20):
            http.send("GET", url, verify=False)

        assert held() <= before + 2  # the server's threads may not have closed their last ones


@pytest.mark.parametrize("context", [no_tls, with_tls])
def test_a_connection_that_is_kept_ends_in_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, context: Ends) -> None:
    monkeypatch.setattr(connections, "_SECONDS", SECONDS)
    with serving(MODES["drips"], context()) as url:
        (tmp_path / "target.toml").write_text(f'name = "t"\nbuild = "1"\n[api]\nurl = "{url}"\n')
        api = Api(load(tmp_path / "target.toml"), Budget(tmp_path / "budget.json", [""]), "selftest")
        began = time.monotonic()
        with pytest.raises(Unreachable):
            connections.requests_on_one_connection(api, "/health")

        assert time.monotonic() - began < 2 * SECONDS + 1
