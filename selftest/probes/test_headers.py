"""Security headers are judged by what they let in, and other headers by what they give away."""

from __future__ import annotations

import pytest

from preflight.probes import headers
from preflight.probes.http import Answer

BASE = "default-src 'self'; frame-ancestors 'none'"


def answer(name: str, value: str, url: str = "https://api.example/status") -> Answer:
    return Answer("GET", url, 200, ((name, value),), b"", 0.1, sent_token=False, curl="")


@pytest.mark.parametrize(
    "further",
    [
        "script-src-elem 'self' 'unsafe-inline' *",
        "script-src-attr 'unsafe-inline'",
        "script-src https://evil.example",
        "connect-src ws: wss:",
        "style-src 'unsafe-hashes'",
        "img-src https:",
        "script-src data:",
        "connect-src https://api.example:*",
        "connect-src http://api.example",
        "connect-src https://api.example:8443",
        "frame-src https://[",
        "script-src api.example.evil.example",
    ],
)
def test_a_policy_that_lets_more_in_is_no_stricter_one(further: str) -> None:
    found = headers.content_security_policy(answer("Content-Security-Policy", f"{BASE}; {further}"))

    assert found.startswith(f"Content-Security-Policy {further.split(maxsplit=1)[0]} allows")


@pytest.mark.parametrize(
    "further",
    [
        "script-src 'self' 'nonce-r4nd0m+/=' 'strict-dynamic' 'report-sample'",
        "script-src-elem 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "img-src 'self' data: blob:",
        "connect-src 'self' wss://api.example https://API.example:443",
        "connect-src api.example",
        "object-src 'none'; base-uri 'self'; form-action https://pay.example",
        "upgrade-insecure-requests; report-uri https://reports.example/csp",
    ],
)
def test_a_stricter_policy_is_right(further: str) -> None:
    assert headers.content_security_policy(answer("Content-Security-Policy", f"{BASE}; {further}")) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Version", "4.5.1"),
        ("X-AspNet-Version", "4.0.30319"),
        ("X-Godot-Version", "4.5.1.stable"),
        ("Server", "nginx/1.24.0"),
        ("Server", "1nginx/1.24"),
        ("Server", "SimpleHTTP/0.6"),
        ("Via", "1.1 front (nginx/1.24.0)"),
        ("X-Backend", "10.0.0.5:8080"),
        ("X-Backend", "172.16.4.5"),
        ("X-Debug", "a-eyJhbGciOiJIUzI1NiJ9.eyJz.x"),
    ],
)
def test_what_is_given_away_is_seen(name: str, value: str) -> None:
    assert headers.sensitive(answer(name, value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-API-Version", "1.4.2"),
        ("MIME-Version", "1.0"),
        ("Sec-WebSocket-Version", "13"),
        ("Via", "HTTP/1.1 front"),
        ("Via", "1.1 front"),
        ("ETag", '"10.1.2"'),
        ("ETag", '"192.168.1"'),
        ("Server", "nginx"),
        ("X-Backend", "api.example"),
    ],
)
def test_what_gives_nothing_away_is_left_alone(name: str, value: str) -> None:
    assert headers.sensitive(answer(name, value)) == []
