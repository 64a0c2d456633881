"""`.env` files: what the game reads, however it is written."""

from __future__ import annotations

import hashlib

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.probes import cors, envfile
from preflight.redact import Secret


@pytest.mark.parametrize(
    "text",
    [
        "AUTH_REQUIRED=true\n",
        "AUTH_REQUIRED = true\n",
        'AUTH_REQUIRED="true"\n',
        "AUTH_REQUIRED='TRUE'\n",
        "AUTH_REQUIRED=true   # never off\n",
        "export AUTH_REQUIRED=True\n",
        "\ufeffAUTH_REQUIRED=true\r\n",
        "# AUTH_REQUIRED=false\nAUTH_REQUIRED=yes\n",
        "AUTH_REQUIRED=true",
        "AUTH_REQUIRED=1\n\n\n",
    ],
)
def test_odd_but_right(text: str) -> None:
    read = envfile.parse(text)

    assert read.switch("AUTH_REQUIRED") is True
    assert read.count("AUTH_REQUIRED") == 1
    assert not read.broken


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("AUTH_REQUIRED=tru\n", None),
        ("AUTH_REQUIRED=\n", None),
        ("AUTH_REQUIRED\n", None),
        ("#AUTH_REQUIRED=true\n", None),
        ("AUTH_REQUIRED=true\nAUTH_REQUIRED=false\n", False),
        ("auth_required=true\n", None),
        ("AUTH_REQUIRED_=true\n", None),
        ('AUTH_REQUIRED="true # no"\n', None),
    ],
)
def test_subtly_wrong(text: str, wanted: bool | None) -> None:
    assert envfile.parse(text).switch("AUTH_REQUIRED") is wanted


def test_a_broken_line_is_named_and_the_rest_is_read() -> None:
    read = envfile.parse("A=1\n= nonsense =\nB=2\n")

    assert read.broken == (2,)
    assert read.value("B") == "2"


def test_the_same_value_twice_is_no_contradiction() -> None:
    assert envfile.parse("A=1\nA='1'\nB=1\nB=2\n").contradicting() == ["B"]


def test_values_named_like_secrets_are_known_as_such() -> None:
    read = envfile.parse("JWT_SECRET_KEY=abcdefgh12345\nJWT_TOKEN_EXPIRY=86400000\nSMTP_PASSWORD=hunter2hunter2\n")

    assert [secret.reveal() for secret in read.secrets()] == ["abcdefgh12345", "hunter2hunter2"]


def test_what_is_said_about_a_secret_is_none() -> None:
    about = "API_KEY_HEADER=Authorization\nJWT_TOKEN_ISSUER=spacetime\nSSL_KEY_PATH=/etc/ssl/private/x.pem\nTOKEN_URL=https://id.example/t\n"
    inside = "KEY_NAME_SECRET=abcdefgh12345\nSECRET_URL=https://me:hunter2@id.example\n_TYPE_KEY=hunter2hunter2\n"

    assert envfile.parse(about).secrets() == []
    assert len(envfile.parse(inside).secrets()) == 3


@given(st.binary(min_size=32, max_size=32).map(lambda seed: hashlib.sha256(seed).hexdigest()))
def test_a_random_secret_is_not_guessable(secret: str) -> None:
    assert envfile.guessable(secret) == ""


@pytest.mark.parametrize(
    "secret",
    [
        "<GENERATE_NEW_256_BIT_SECRET>",
        "3c" * 32,
        "0" * 64,
        "deadbeef" * 8,
        "change-me-please",
        "my_jwt_secret_key",
        "0123456789abcdef",
    ],
)
def test_a_made_up_secret_is_guessable(secret: str) -> None:
    assert envfile.guessable(secret)


def test_a_token_tells_which_secret_signed_it() -> None:
    made = jwt.encode({"sub": "x", "exp": 1}, "a" * 40, algorithm="HS256")

    assert envfile.signed_with(Secret(made), Secret("a" * 40)) is True
    assert envfile.signed_with(Secret(made), Secret("b" * 40)) is False
    assert envfile.signed_with(Secret("an opaque token of no kind"), Secret("a" * 40)) is None


BOTH = "https://spacetime.production.com,https://api.spacetime.production.com"


@pytest.mark.parametrize(
    ("on", "origins", "right"),
    [
        ("false", BOTH, True),
        ("false", "", True),
        ("false", "https://spacetime.production.com", True),
        ("false", "*", False),
        ("false", f"{BOTH},https://evil.example", False),
        ("true", BOTH, True),
        ("true", "", False),
        ("true", "https://spacetime.production.com", False),
        ("true", "*", False),
    ],
)
def test_origins_are_the_two_or_cors_is_off(on: str, origins: str, right: bool) -> None:
    read = envfile.parse(f"HTTP_API_ENABLE_CORS={on}\nCORS_ALLOWED_ORIGINS={origins}\n")

    assert cors.agreed(read.words("CORS_ALLOWED_ORIGINS"), off=read.switch("HTTP_API_ENABLE_CORS") is False) is right
