"""Tokens: what refuses a request that has none, and who could have signed one."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from preflight.probes import envfile, tokens
from preflight.redact import Secret

ODD_CLAIMS: list[dict[str, Any]] = [
    {"sub": 42},
    {"jti": 5},
    {"iss": 5},
    {"iat": None},
    {"iat": 4_000_000_000},
    {"nbf": 4_000_000_000},
    {"exp": 1},
    {"aud": 7},
]


def signed(claims: dict[str, Any], key: str) -> Secret:
    return Secret(jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm="HS256"))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("claims", ODD_CLAIMS, ids=repr)
def test_a_known_word_is_found_whatever_the_token_claims(claims: dict[str, Any]) -> None:
    assert tokens.guessed_secret(signed(claims, "secret")) == "secret"
    assert tokens.guessed_secret(signed(claims, "9f2c" * 16 + "x")) == ""
    assert envfile.signed_with(signed(claims, "b" * 40), Secret("b" * 40)) is True
    assert envfile.signed_with(signed(claims, "b" * 40), Secret("c" * 40)) is False


@pytest.mark.parametrize("flaw", tokens.FORGED)
@pytest.mark.parametrize("claims", ODD_CLAIMS, ids=repr)
def test_a_token_is_forged_whatever_it_claims(flaw: str, claims: dict[str, Any]) -> None:
    made = tokens.forge(flaw, signed(claims, "b" * 40))

    assert envfile.signed_with(made, Secret("b" * 40)) is not True
    assert tokens.claims(made) == claims or flaw in ("payload-changed", "alg-none", "alg-None-with-signature")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/metrics", 403), ("/admin/config", 403), ("/debug/profile", 403), ("/scene", 401), ("/jobs", 404), ("/batch", 405)],
)
def test_a_refusal_is_one_by_address_too(path: str, status: int) -> None:
    assert tokens.is_refusal(path, status)


@pytest.mark.parametrize(("path", "status"), [("/metrics", 200), ("/admin/config", 302), ("/scene", 403), ("/metricsx", 500)])
def test_an_open_door_and_a_ban_are_none(path: str, status: int) -> None:
    assert not tokens.is_refusal(path, status)
