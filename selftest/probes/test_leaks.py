"""What looks like a credential or a trace in an answer, and what only has the name of one."""

from __future__ import annotations

import pytest

from preflight.probes import leaks

RANDOM = "9f2Kd7Qx1mZp4Lw8"
HEX = "9f2c4b1d" * 8


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
        "jwt_pin: 1234567890123456.5",
        f"jwt token_ids={RANDOM}",
        f"jwt token_id=ab12cd34ef password={RANDOM}",
        f"key {HEX}",
        f'ETag: "abc"\nX-Key: {HEX}',
        f"sha256_key: {HEX}",
        "x-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.abc",
        f'{{"body": "{{\\"password\\": \\"{RANDOM}\\"}}"}}',
        f"POST /login?user=ops&password%3D{RANDOM}",
        f"pwd={RANDOM}",
        f"GET /scene?access_token={RANDOM}{RANDOM}",
        f'"token": "{RANDOM}{RANDOM}"',
        f'{{\\"refresh_token\\":\\"{RANDOM}{RANDOM}\\"}}',
        "Authorization: Basic b3BzOlZxNy1odW50ZXIyLVpr",
    ],
)
def test_a_credential_is_seen(text: str) -> None:
    assert list(leaks.credentials(text))


@pytest.mark.parametrize(
    "text",
    [
        "jwt_validation_duration_seconds_sum 0.0234187",
        "jwt_validation_duration_seconds_sum 0.023418712345678912",
        "jwt_secret_last_rotation_timestamp_seconds 1.784629153e+09",
        "jwt_expiry_seconds: 86400.125",
        "bearer 2026-07-01T12:00:00.250Z",
        "[AUTH_SUCCESS] jwt token_id=ab12cd34ef",
        "token=ab12cd34ef of 10.0.0.4 refused",
        f"token {RANDOM}{RANDOM} expired",
        f"token_id={RANDOM}{RANDOM}",
        f"tokens_total: {RANDOM}{RANDOM}",
        'WWW-Authenticate: Basic realm="monitoring"',
        "basic authentication_is_off",
        f'ETag: "{HEX}"',
        f'etag: W/"{HEX}"',
        f"image@sha256:{HEX}",
        f'{{"sha256": "{HEX}", "digest":"{HEX}"}}',
        f"sha256-{HEX}",
    ],
)
def test_a_figure_a_name_and_a_hash_are_no_credentials(text: str) -> None:
    assert not list(leaks.credentials(text))


@pytest.mark.parametrize("text", ["\tat com.example.Scene(Scene.java:12)", "a\n   at f(g(x.js:3)", "   at: push (core/a.cpp:12)"])
def test_a_trace_is_seen(text: str) -> None:
    assert list(leaks.exposures(text)) == ["a stack trace"]


@pytest.mark.parametrize(
    "text", ["we meet at noon (12:30)", "look at: it (a.cpp)", "password reset is required", "   at (somewhere"]
)
def test_prose_is_neither(text: str) -> None:
    assert not [*leaks.credentials(text), *leaks.exposures(text)]
