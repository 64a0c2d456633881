"""Tokens: what a valid one says, and forged ones that a server must refuse. Signing is PyJWT's."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jwt
from jwt.warnings import InsecureKeyLengthWarning

from preflight.errors import Undecided
from preflight.outcome import Reason
from preflight.probes import envfile
from preflight.probes.api import PROTECTED, Api
from preflight.probes.http import Answer
from preflight.redact import Secret
from preflight.target import Target


def claims(token: Secret) -> dict[str, Any]:
    """The claims of a token, unverified; empty when it is no JWT."""
    try:
        found = jwt.decode(token.reveal(), options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}
    return dict(found)


def expired(token: Secret) -> bool:
    """Whether a token says that its time is over."""
    end = claims(token).get("exp")
    return isinstance(end, int | float) and end < time.time()


def _parts(token: Secret) -> tuple[str, str, str]:
    parts = token.reveal().split(".")
    if len(parts) != 3:
        raise Undecided(Reason.OPERATOR, "the token given is no JSON Web Token, so that none can be forged from it")
    return parts[0], parts[1], parts[2]


def _alg_none(token: Secret) -> str:
    return f"{_coded({'alg': 'none', 'typ': 'JWT'})}.{_parts(token)[1]}."


def _alg_none_signed(token: Secret) -> str:
    _, payload, signature = _parts(token)
    return f"{_coded({'alg': 'None', 'typ': 'JWT'})}.{payload}.{signature}"


def _other_secret(token: Secret) -> str:
    return _signed(claims(token), secrets.token_hex(32))


def _tampered(token: Secret) -> str:
    header, _, signature = _parts(token)
    # the last claim makes it another token even where the given one is an administrator's
    changed = {**claims(token), "permissions": ["admin"], "scope": "admin", "preflight": "changed"}
    return f"{header}.{_coded(changed)}.{signature}"


def _unsigned(token: Secret) -> str:
    header, payload, _ = _parts(token)
    return f"{header}.{payload}."


def _tail_changed(token: Secret) -> str:
    value = token.reveal()
    return value[:-6] + ("AAAAAA" if not value.endswith("AAAAAA") else "BBBBBB")


def _empty_secret(token: Secret) -> str:
    body = f"{_coded({'alg': 'HS256', 'typ': 'JWT'})}.{_parts(token)[1]}"
    digest = hmac.new(b"", body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _known_word(token: Secret) -> str:
    with _short_keys_are_meant():
        return _signed(claims(token), "secret")


@contextlib.contextmanager
def _short_keys_are_meant() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        yield


KNOWN_WORDS = (
    "secret", "password", "changeme", "change-me", "default", "admin", "test", "development", "dev", "production",
    "secretkey", "secret-key", "secret_key", "jwt_secret", "jwt-secret", "your-secret-key", "your-256-bit-secret",
    "your_jwt_secret", "supersecret", "super-secret", "mysecret", "my-secret-key", "key", "private", "token", "qwerty",
    "123456", "12345678", "godot", "spacetime", "spacetime-secret", "development_secret", "dev-secret", "dev_secret",
    "insecure", "example", "0" * 64, "1" * 64, "a" * 64, "f" * 64, "0123456789abcdef" * 4, "deadbeef" * 8,
)  # fmt: skip
"""Secrets that stand in tutorials, examples and word lists."""


def guessed_secret(token: Secret) -> str:
    """The known word that `token` is signed with, found here without asking anybody; "" for none."""
    _parts(token)
    for word in KNOWN_WORDS:
        for spelt in (word, word.upper(), word.capitalize()):
            with contextlib.suppress(jwt.InvalidTokenError), _short_keys_are_meant():
                # the signature alone: whether PyJWT likes the claims says nothing of who could have signed them
                jwt.PyJWS().decode(token.reveal(), spelt, algorithms=["HS256"])
                return spelt
    return ""


BY_ADDRESS = ("/metrics", "/admin/", "/debug/")
"""What a front may keep for some addresses, and so refuse with 403 before anybody asks for a token (rulings: 118, 733)."""


def is_refusal(path: str, status: int) -> bool:
    """Whether a status refuses a request without a token: 401; 404 and 405, not there; 403 where addresses may decide.

    Elsewhere a 403 is no proof: a banned address gets one from every endpoint, guarded or not.
    """
    return status in (401, 404, 405) or (status == 403 and path.startswith(BY_ADDRESS))


FORGED: dict[str, Callable[[Secret], str]] = {
    "alg-none": _alg_none,
    "alg-None-with-signature": _alg_none_signed,
    "other-secret": _other_secret,
    "payload-changed": _tampered,
    "signature-cut-off": _unsigned,
    "signature-changed-at-its-end": _tail_changed,
    "empty-secret": _empty_secret,
    "known-word-secret": _known_word,
}
"""Credentials made of a valid token that no server may accept; the identity stays the same throughout."""


def forge(flaw: str, token: Secret) -> Secret:
    """The credential with that flaw of FORGED. Raises Undecided when `token` is no JSON Web Token."""
    return Secret(FORGED[flaw](token))


MISPLACED = ("no-scheme", "scheme-basic", "scheme-lower-case", "query-string")
"""Places and forms for a valid token that the contract does not name."""


def present(api: Api, place: str, token: Secret) -> Answer:
    """GET the protected endpoint with a valid token in a place of MISPLACED."""
    value = token.reveal()
    if place == "query-string":
        return api.get(f"{PROTECTED}?token={value}&access_token={value}&authorization=Bearer%20{value}", bad_login=True)
    scheme = {"no-scheme": "", "scheme-basic": "Basic ", "scheme-lower-case": "bearer "}[place]
    return api.get(PROTECTED, authorization=f"{scheme}{value}", bad_login=True)


LAPSED = ("expired", "not-yet-valid")


def lapsed(flaw: str, target: Target, token: Secret) -> Secret:
    """A rightly signed token outside its time.

    Raises Undecided where the operator supplied neither the signing secret nor (for "expired") such a token: a token that is
    refused for anything else would prove nothing.
    """
    given = target.secret("expired_token")
    if flaw == "expired" and given is not None:
        if not expired(given):
            raise Undecided(Reason.OPERATOR, "[secrets] expired_token is no token that says it has expired: give one that has")
        return given
    key = target.secret("jwt_secret")
    if key is None:
        needed = "[secrets] jwt_secret" + (" or expired_token" if flaw == "expired" else "")
        raise Undecided(Reason.OPERATOR, f"making a token that is {flaw} needs {needed}")
    if not envfile.signed_with(token, key):
        raise Undecided(Reason.OPERATOR, "the API token is not signed with [secrets] jwt_secret: give the one in force")
    at = int(time.time())
    times = {"iat": at - 7200, "exp": at - 3600} if flaw == "expired" else {"nbf": at + 3600, "exp": at + 7200}
    return Secret(_signed({**claims(token), **times}, key.reveal()))


def _signed(said: dict[str, Any], key: str) -> str:
    """A token with these claims as they are, of whatever kinds: jwt.encode refuses an issuer that is a number."""
    return jwt.PyJWS().encode(json.dumps(said, separators=(",", ":")).encode(), key, algorithm="HS256")


def _coded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
