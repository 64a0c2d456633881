"""Credentials, stack traces and versions in text that came from the target."""

from __future__ import annotations

import base64
import contextlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preflight.errors import BadAnswer
from preflight.probes.http import Answer
from preflight.redact import Secret, spellings

# Whoever answers decides how long a text is: atomic groups and bounds keep each of these from taking the square of it.
_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])(?>[A-Za-z0-9_-]*?\b(?=eyJ))(?>eyJ[A-Za-z0-9_-]{5,}={0,2})\.eyJ[A-Za-z0-9_-]{2,}={0,2}\.[A-Za-z0-9_-]*"
)
_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_ASSIGNED = re.compile(
    r"""(?ix) (?<![\w-]) -*+ (?P<name>(?>[\w-]*?(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|jwt|bearer))[\w-]*+)
    \\{0,3}["']? (?:\s*+(?:[:=]|%3[ad])\s*+|\s++) \\{0,3}["']? (?P<value>[^\s"'\\,;<>&{}()\[\]]{8,}) """
)
"""A name and its value, bare, in JSON, in JSON inside a string of JSON, or coded for an address."""

_OPAQUE = re.compile(
    r"""(?ix) (?<![\w-]) (?P<name>(?:(?:access|refresh|id|api|session|bearer)[_-]?)?token|sessionid)
    \\{0,3}["']? \s*+(?:[:=]|%3[ad])\s*+ \\{0,3}["']? (?P<value>[\w.~+/=-]{20,200}) """
)
"""A token that is none of JSON Web Tokens; a short one is an id by which logs speak of it."""

_BASIC = re.compile(r"(?i)\bbasic\s+([A-Za-z0-9+/]{8,400}={0,2})")
_HARMLESS = re.compile(
    r"(?i)^(?:\[?redacted\]?|\*+|x+|none|null|true|false|missing|invalid|required|expired|token|header|hidden|masked|unset|empty)\W*$"
)
_HEX = re.compile(r"\b[0-9a-f]{64}\b", re.IGNORECASE)
_FINGERPRINT = re.compile(r"""(?i)(?:\betag|sha-?256(?:sum)?|digest|checksum)\\?["']?\s*[:=-]?\s*(?:W/)?\\?["']?$""")
"""What stands before a hash of something public: 64 hexadecimal digits as well, and no secret."""

_FIGURE = re.compile(r"(?i)[-+]?\d{0,15}\.\d{1,20}(?:e[-+]?\d{1,3})?|(?!.*\d{16})[-+\d.e:tz]+")
"""A measured value, a date or a time; a string of 16 digits may be a credential all the same."""

_ABOUT_TOKEN = re.compile(r"(?i)token_id[:=]")
"""The name by which logs speak of a token without showing it."""

_PASSWORD_IN_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^/\s:@\"']+:[^/\s@\"']{3,}@", re.IGNORECASE)
_KNOWN_KEYS = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bAIza[\w-]{35}\b|\bxox[abprs]-[\w-]{10,}|\b[sr]k_live_\w{16,}"
)
"""Keys that their makers gave a recognisable form: of clouds, code hosts, maps, chats, payments."""

_TRACE = re.compile(
    r"(?:Traceback \(most recent call last\)|^[^\S\n]+at \S[^\s(]*\(.*:\d+\)|\bSCRIPT ERROR\b|\b(?:res|user)://[\w/.-]+\.gd:\d+|"
    r"File \"[^\"]+\", line \d+|\bat: \w+ \(.{1,300}\.(?:cpp|gd|h):\d+\)|\.gd:\d+\b|stack_trace|Stack trace)",
    re.MULTILINE,
)
_SERVER_PATH = re.compile(r"(?<![\w/:.])/(?:opt|etc|var|home|root|srv|usr)/[\w./-]+|\b[A-Z]:[\\/][\w\\/.-]+")
_VERSION = re.compile(r"(?i)\b(?:godot(?:\s+engine)?|nginx|apache|python|aiohttp|openssl)[ /v]+\d+(?:\.\d+)+")


def credentials(text: str, known: Sequence[Secret] = ()) -> Iterator[str]:
    """What looks like a credential in `text`, named but never quoted."""
    for secret in known:
        if any(form in text for form in spellings(secret.reveal())):
            yield "one of the target's own secrets"
            return
    if "eyJ" in text and _JWT.search(text):
        yield "a JSON Web Token"
    if _KEY.search(text):
        yield "a private key"
    if _PASSWORD_IN_ADDRESS.search(text):
        yield "a password in an address"
    if _KNOWN_KEYS.search(text):
        yield "a key of a service"
    if any(not _FINGERPRINT.search(text[max(0, hit.start() - 40) : hit.start()]) for hit in _HEX.finditer(text)):
        yield "a 256-bit value in hexadecimal"
    if any(_is_login(hit[1]) for hit in _BASIC.finditer(text)):
        yield "a name and a password"
    for hit in (*_ASSIGNED.finditer(text), *_OPAQUE.finditer(text)):
        value = hit["value"]
        harmless = _HARMLESS.match(value) or _FIGURE.fullmatch(value) or _ABOUT_TOKEN.match(value)
        if not harmless and _looks_random(value):
            yield f"a value for {hit['name'][:40]!r}"


def _is_login(coded: str) -> bool:
    """Whether base64 holds `name:password` (RFC 7617)."""
    try:
        return re.fullmatch(rb"[^:\x00-\x1f]+:[^\x00-\x1f]+", base64.b64decode(coded + "=" * (-len(coded) % 4))) is not None
    except ValueError:
        return False


def _looks_random(value: str) -> bool:
    """Whether a word is too disordered to be prose: 8 characters of mixed kinds, 2.8 bits of entropy a character."""
    kinds = sum(bool(re.search(kind, value)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w]"))
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return kinds >= 2 and entropy >= 2.8 and bool(re.search(r"\d", value))


def in_answer(answer: Answer, known: Sequence[Secret]) -> list[str]:
    """Credentials in the headers, the text and the fields of an answer; its own rate-limit and date headers are none."""
    text = "\n".join(f"{name}: {value}" for name, value in answer.headers) + "\n" + answer.text
    found = list(credentials(text, known))
    with contextlib.suppress(BadAnswer):  # a page, a script: judged as text alone
        found += list(fields(answer.json()))
    return list(dict.fromkeys(found))


def exposures(text: str) -> Iterator[str]:
    """Stack traces, paths of the server and versions in an error answer."""
    if _TRACE.search(text):
        yield "a stack trace"
    if _SERVER_PATH.search(text):
        yield "a path of the server"
    if _VERSION.search(text):
        yield "a version"


_SECRET_FIELD = re.compile(r"(?i)^(?:.*_)?(?:token|access_token|refresh_token|jwt|secret|password|api_?key|private_?key)$")


def fields(value: Any, path: str = "") -> Iterator[str]:
    """Fields of a JSON value that are named like a credential and hold one."""
    if isinstance(value, Mapping):
        for name, entry in value.items():
            here = f"{path}.{name}" if path else str(name)
            if isinstance(entry, str) and len(entry) >= 8 and _SECRET_FIELD.match(str(name)) and not _HARMLESS.match(entry):
                yield f"the field {here[:60]}"
            yield from fields(entry, here)
    elif isinstance(value, list):
        for number, entry in enumerate(value[:200]):
            yield from fields(entry, f"{path}[{number}]")
