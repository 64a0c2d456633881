"""What looks like a credential or a trace in an answer, and what only has the name of one."""

from __future__ import annotations

import pytest

from preflight.probes import leaks

RANDOM = "9f2Kd7Qx1mZp4Lw8"


@pytest.mark.parametrize(
    "text",
    [
        f"password={RANDOM}",
        f'"api_key": "{RANDOM}"',
        f"--jwt-secret   =   {RANDOM}",
        f"DB_PASSWORD\t{RANDOM}",
        f"password :{RANDOM}",
        f"{'a-' * 300}password={RANDOM}",
        f"x-auth-token: '{RANDOM}'",
        "x-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.abc",
    ],
)
def test_a_credential_is_seen(text: str) -> None:
    assert list(leaks.credentials(text))


@pytest.mark.parametrize("text", ["\tat com.example.Scene(Scene.java:12)", "a\n   at f(g(x.js:3)", "   at: push (core/a.cpp:12)"])
def test_a_trace_is_seen(text: str) -> None:
    assert list(leaks.exposures(text)) == ["a stack trace"]


@pytest.mark.parametrize(
    "text", ["we meet at noon (12:30)", "look at: it (a.cpp)", "password reset is required", "   at (somewhere"]
)
def test_prose_is_neither(text: str) -> None:
    assert not [*leaks.credentials(text), *leaks.exposures(text)]
