"""JSON Web Tokens as the game makes and checks them: HS256, RFC 7519, with the laxities a fault may ask for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from preflight.rehearsal.behaviour import Authentication


class TokenRefused(Exception):
    """The token opens nothing; `result` is the metric's word for it."""

    def __init__(self, result: str, why: str) -> None:
        super().__init__(why)
        self.result = result


@dataclass(frozen=True)
class Keyring:
    """The secrets that signatures are checked against."""

    current: str
    previous: str


def issue(secret: str, *, subject: str = "operator", life_s: float | None = 86400, issued_at: float | None = None) -> str:
    """A token of the documented claims, signed with `secret`; `life_s` None never expires."""
    now = int(time.time() if issued_at is None else issued_at)
    claims = {
        "sub": subject,
        "iat": now,
        "exp": None if life_s is None else int(now + life_s),
        "token_id": uuid.uuid4().hex,
        "permissions": ["read", "write", "admin"],
        "scope": "api",
    }
    head = f"{_encode({'alg': 'HS256', 'typ': 'JWT'})}.{_encode(claims)}"
    return f"{head}.{_base64(_signature(secret, head))}"


def check(token: str, keys: Keyring, rules: Authentication, *, now: float) -> dict[str, Any]:
    """The claims of a token that is let in. Raises TokenRefused with a reason that never quotes the token."""
    if len(token) < rules.shortest_token:
        raise TokenRefused("invalid_token", "token too short")
    try:
        head, payload, signature = token.split(".")
        header, claims = _decode(head), _decode(payload)
        signed = _unbase64(signature, padded=rules.padded)
    except ValueError as problem:
        raise TokenRefused("invalid_token", "malformed token") from problem
    algorithm = header.get("alg")
    if algorithm not in rules.algorithms:
        raise TokenRefused("invalid_token", "algorithm not allowed")
    secrets = [keys.current, *rules.further_secrets, *([keys.previous] if rules.accept_previous_secret else [])]
    most = rules.signature_bytes
    good = any(hmac.compare_digest(_signature(secret, f"{head}.{payload}")[:most], signed[:most]) for secret in secrets)
    if rules.check_signature and algorithm != "none" and not good:
        raise TokenRefused("invalid_token", "signature does not match")
    _check_times(claims, rules, now)
    return claims


def identity(token: str) -> str | None:
    """The subject that a token claims, signed or not; None when it can't be read."""
    try:
        subject = _decode(token.split(".")[1]).get("sub")
    except (ValueError, IndexError):
        return None
    return subject if isinstance(subject, str) else None


def _check_times(claims: dict[str, Any], rules: Authentication, now: float) -> None:
    for name in ("exp", "nbf", "iat"):
        if claims.get(name) is not None and not isinstance(claims[name], int | float):
            raise TokenRefused("invalid_token", f"{name} is no time")
    if rules.check_expiry and claims.get("exp") is not None and claims["exp"] <= now:
        raise TokenRefused("expired_token", "token expired")
    if rules.check_not_before and claims.get("nbf") is not None and claims["nbf"] > now:
        raise TokenRefused("invalid_token", "token not valid yet")


def _signature(secret: str, text: str) -> bytes:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _encode(data: dict[str, Any]) -> str:
    return _base64(json.dumps(data, separators=(",", ":")).encode())


def _unbase64(text: str, *, padded: bool = False) -> bytes:
    bare = text.rstrip("=") if padded else text
    if "=" in bare:
        raise ValueError("padding")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error as problem:
        raise ValueError("not base64") from problem


def _decode(text: str) -> dict[str, Any]:
    data = json.loads(_unbase64(text))
    if not isinstance(data, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  # as for every other malformed token
    return data
