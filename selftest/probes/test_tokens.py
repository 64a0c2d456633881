"""Tokens: what refuses a request that has none, and who could have signed one."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from preflight.errors import Undecided
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


def lapsed(flaw: str, **given: Secret) -> Secret:
    """A token that has lapsed, where the target gives these secrets and a token signed with b…"""
    target: Any = SimpleNamespace(secret=given.get)
    return tokens.lapsed(flaw, target, signed({"sub": "me", "exp": time.time() + 600}, "b" * 40))


def test_a_token_that_would_be_refused_anyway_proves_nothing() -> None:
    stale, over = Secret("c" * 40), signed({"exp": time.time() - 60}, "b" * 40)
    for flaw in tokens.LAPSED:
        with pytest.raises(Undecided, match="not signed with"):
            lapsed(flaw, jwt_secret=stale)
        assert envfile.signed_with(lapsed(flaw, jwt_secret=Secret("b" * 40)), Secret("b" * 40))
    assert lapsed("expired", jwt_secret=stale, expired_token=over) == over
    for useless in (Secret("no token"), signed({"exp": time.time() + 60}, "b" * 40), signed({}, "b" * 40)):
        with pytest.raises(Undecided, match="no token that says it has expired"):
            lapsed("expired", expired_token=useless)


def test_a_changed_payload_is_another_one_even_of_an_administrator() -> None:
    token = signed({"sub": "ops", "permissions": ["admin"], "scope": "admin", "preflight": "x"}, "k" * 40)

    assert tokens.forge("payload-changed", token).reveal().split(".")[1] != token.reveal().split(".")[1]
    assert tokens.forge("payload-changed", token).reveal().split(".")[2] == token.reveal().split(".")[2]
