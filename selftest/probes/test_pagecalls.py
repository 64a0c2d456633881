"""What a page asks for is carried to where a browser would send it, and to no other host."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from preflight.probes.http import Answer
from preflight.probes.pagecalls import Call, Carrier
from preflight.redact import Secret


class Asked:
    """An API at an address, that keeps what it was asked and answers everything."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.urls: list[str] = []

    def url(self, path: str) -> str:
        return self.base + path

    def ask(self, method: str, path: str, *, base: str | None = None, **_: Any) -> Answer:
        self.urls.append((base or self.base) + path)
        return Answer(method, path, 200, (), b"", 0.01, sent_token=False, curl="curl")


def carried(base: str, url: str, method: str = "GET") -> tuple[Call, list[str]]:
    api = Asked(base)
    request = SimpleNamespace(method=method, url=url, headers={}, post_data_buffer=None)
    return Carrier(api, Secret("x" * 20), "shown")._carried(request), api.urls  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://API.example.com:443", "https://api.example.com/scene"),
        ("https://api.example.com", "https://api.example.com/scene"),
        ("http://api.example.com:80", "http://api.example.com/scene"),
        ("https://API.example.com:8443/game", "https://api.example.com:8443/game/scene"),
    ],
)
def test_the_target_is_known_however_its_address_is_written(base: str, url: str) -> None:
    call, urls = carried(base, f"{url}?a=1")

    assert (call.good, call.path, urls) == (True, "/scene?a=1", [f"{base}/scene?a=1"])


@pytest.mark.parametrize(
    "url", ["http://api.example.com/scene", "https://api.example.com:8443/scene", "https://example.com/scene"]
)
def test_another_host_port_or_scheme_is_stopped(url: str) -> None:
    call, urls = carried("https://api.example.com", url)

    assert call.why == "another host, stopped"
    assert call.stopped
    assert not urls


@pytest.mark.parametrize("path", ["/scene", "/game2/scene", "/gamescene"])
def test_what_lies_beside_the_path_of_the_api_is_asked_for_there(path: str) -> None:
    call, urls = carried("https://api.example.com/game", f"https://api.example.com{path}")

    assert (call.path, urls) == (path, [f"https://api.example.com{path}"])


def test_what_is_not_allowed_is_stopped_beside_the_path_as_well() -> None:
    call, urls = carried("https://api.example.com/game", "https://api.example.com/scene", "POST")

    assert call.stopped
    assert not urls
