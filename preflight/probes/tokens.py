"""Tokens: what a valid one says, and forged ones that a server must refuse. Signing is PyJWT's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt

from preflight.redact import Secret


@dataclass(frozen=True)
class Flaw:
    """One thing wrong with a credential, and the credential that has it.

    `token` goes after "Bearer "; `authorization` is a whole header; `query` goes into the address.
    """

    name: str
    token: Secret | None = None
    authorization: str | None = None
    query: str | None = None


def claims(token: Secret) -> dict[str, Any]:
    """The claims of a token, unverified; empty when it is no JWT."""
    try:
        found = jwt.decode(token.reveal(), options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}
    return dict(found)


def forged(token: Secret) -> Iterator[Flaw]:
    """Credentials made of a valid token that no server may accept; the identity stays the same throughout."""
    said = claims(token)
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return
    header, payload, signature = parts
    for algorithm in ("none", "None"):
        yield Flaw(f"alg {algorithm}", Secret(f"{_coded({'alg': algorithm, 'typ': 'JWT'})}.{payload}."))
    other = jwt.encode(said, secrets.token_hex(32), algorithm="HS256")
    yield Flaw("signed with another secret", Secret(other))
    widened = {**said, "permissions": ["admin"], "scope": "admin", "token_id": "forged"}
    yield Flaw("payload changed", Secret(f"{header}.{_coded(widened)}.{signature}"))
    yield Flaw("signature cut off", Secret(f"{header}.{payload}."))
    yield Flaw("empty secret", Secret(_signed_with_nothing(said)))


def misplaced(token: Secret) -> Iterator[Flaw]:
    """A valid token in a place or a form that the contract does not name."""
    value = token.reveal()
    yield Flaw("no scheme", authorization=value)
    yield Flaw("scheme Basic", authorization=f"Basic {value}")
    yield Flaw("scheme in lower case", authorization=f"bearer {value}")
    yield Flaw("in the query string", query=value)


def lapsed(token: Secret, secret: Secret, now: float | None = None) -> Iterator[Flaw]:
    """Rightly signed tokens outside their time, for operators who supplied the signing secret."""
    at = int(time.time() if now is None else now)
    said = {**claims(token)}
    key = secret.reveal()
    yield Flaw("expired an hour ago", Secret(jwt.encode({**said, "iat": at - 7200, "exp": at - 3600}, key, algorithm="HS256")))
    future = {**said, "nbf": at + 3600, "exp": at + 7200}
    yield Flaw("not valid for an hour", Secret(jwt.encode(future, key, algorithm="HS256")))


def _coded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()


def _signed_with_nothing(said: dict[str, Any]) -> str:
    body = f"{_coded({'alg': 'HS256', 'typ': 'JWT'})}.{_coded(said)}"
    digest = hmac.new(b"", body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
