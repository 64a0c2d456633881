"""`.env` files, parsed by python-dotenv: what the game reads, and what stands there twice or broken."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from itertools import pairwise

from dotenv.parser import parse_stream

from preflight.errors import LookError
from preflight.probes.host import Host, read_text
from preflight.redact import Secret

SETTINGS = (
    "ENVIRONMENT",
    "GODOT_PATH",
    "HTTP_API_PORT",
    "HTTP_API_HOST",
    "HTTP_API_ENABLE_CORS",
    "HTTP_API_HTTPS",
    "JWT_SECRET_KEY",
    "JWT_TOKEN_EXPIRY",
    "ENABLE_RATE_LIMITING",
    "RATE_LIMIT_PER_IP",
    "RATE_LIMIT_WINDOW",
    "AUTH_REQUIRED",
    "AUTH_STRICT_MODE",
    "CORS_ALLOWED_ORIGINS",
    "CORS_ALLOWED_METHODS",
    "CORS_ALLOW_CREDENTIALS",
    "ENABLE_METRICS",
    "ENABLE_PROFILING",
    "ENABLE_HEALTH_CHECKS",
    "AUDIT_LOG_ENABLED",
    "AUDIT_LOG_RETENTION_DAYS",
    "AUDIT_LOG_PATH",
    "MAX_CONNECTIONS",
    "REQUEST_TIMEOUT_MS",
    "MAX_REQUEST_SIZE_MB",
    "DEBUG_MODE",
    "VERBOSE_LOGGING",
    "ENABLE_DEBUG_ENDPOINTS",
)
"""The 28 settings of checklist.md lines 192-235."""

_SECRET_WORDS = ("SECRET", "PASSWORD", "TOKEN", "KEY")
_ABOUT_SECRETS = re.compile(r".+_(?:PATH|FILE|HEADER|TYPE|ISSUER|AUDIENCE|NAME|ALGORITHM|EXPIRY|ENABLED|URL)")
"""Names of what is said about a secret: taken for one, a word like "Authorization" would be blanked in every report."""
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


@dataclass(frozen=True)
class EnvFile:
    """Settings in the order of the file. The last of a doubled setting is in force."""

    entries: tuple[tuple[str, str], ...]
    broken: tuple[int, ...]

    def value(self, name: str) -> str | None:
        """The value in force, or None."""
        values = [value for key, value in self.entries if key == name]
        return values[-1] if values else None

    def count(self, name: str) -> int:
        """How often the setting stands in the file."""
        return sum(key == name for key, _ in self.entries)

    def switch(self, name: str) -> bool | None:
        """A setting as a switch (true, 1, yes, on and their opposites in any letter case); None for anything else."""
        return _WORDS.get((self.value(name) or "").strip().lower())

    def number(self, name: str) -> float | None:
        """A setting as a number, None when it is missing or none."""
        try:
            return float(self.value(name) or "")
        except ValueError:
            return None

    def words(self, name: str) -> list[str]:
        """The parts of a list separated by commas, in the order of the file."""
        return [word.strip() for word in (self.value(name) or "").split(",") if word.strip()]

    def contradicting(self) -> list[str]:
        """Settings that stand more than once, with different values."""
        values: dict[str, set[str]] = {}
        for key, value in self.entries:
            values.setdefault(key, set()).add(value)
        return [key for key, found in values.items() if len(found) > 1]

    def secrets(self) -> list[Secret]:
        """Values whose names say that they are secret; a placeholder is none, and may be quoted.

        An address may carry a password, whatever its setting is called.
        """
        return [
            Secret(value)
            for key, value in self.entries
            if len(value) >= 8
            and not value.startswith("<")
            and ("@" in value or not _ABOUT_SECRETS.fullmatch(key.upper()))
            and any(word in key.upper() for word in _SECRET_WORDS)
        ]


def parse(text: str) -> EnvFile:
    """The settings of a `.env` file, quotes and trailing comments taken off; `broken` holds numbers of bad lines."""
    entries, broken = [], []
    for binding in parse_stream(io.StringIO(text.removeprefix("\ufeff"))):
        if binding.error:
            broken.append(binding.original.line)
        elif binding.key is not None:
            entries.append((binding.key, binding.value or ""))
    return EnvFile(tuple(entries), tuple(broken))


def read(host: Host, path: str) -> EnvFile:
    """The environment file of a host. Raises LookError when it is missing or can't be read."""
    if host.facts(path) is None:
        raise LookError(f"{path} is missing, so that none of its settings can be judged")
    return parse(read_text(host, path))


def is_hexadecimal(text: str) -> bool:
    """Whether a text is made of hexadecimal digits, in either letter case."""
    return bool(text) and set(text.lower()) <= set("0123456789abcdef")


def signed_with(token: Secret, secret: Secret) -> bool | None:
    """Whether a token is signed (HS256) with a secret, whatever it claims; None for one that is no JSON Web Token."""
    import jwt

    try:
        jwt.PyJWS().decode(token.reveal(), secret.reveal(), algorithms=["HS256"])
    except jwt.InvalidSignatureError:
        return False
    except jwt.PyJWTError:
        return None
    return True


_WELL_KNOWN = ("secret", "password", "passwort", "change", "develop", "example", "default", "placeholder", "test", "jwt", "your")


def guessable(secret: str) -> str:
    """Why a JWT secret can be guessed, as a phrase; empty for one that looks random.

    A random secret of 64 hexadecimal digits has fewer than eight different ones once in 10^18 draws.
    """
    if secret.startswith("<"):
        return "a placeholder"
    lower = secret.lower()
    if any(word in lower for word in _WELL_KNOWN):
        return "made of known words"
    if len(set(lower)) < 8:
        return f"made of {len(set(lower))} different characters"
    if any(lower == (lower[:size] * len(lower))[: len(lower)] for size in range(1, len(lower) // 2 + 1)):
        return "a repetition"
    steps = {(ord(b) - ord(a)) for a, b in pairwise(lower)}
    return "a sequence" if len(steps) <= 3 and len(lower) > 8 else ""
