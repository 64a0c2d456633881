"""Security headers judged by meaning: any letter case, extra directives and stricter values are right.

Each rule takes an answer and returns what is wrong with it, as a phrase; an empty string for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from preflight.probes.http import Answer
from preflight.redact import printable

Rule = Callable[[Answer], str]

HSTS_SECONDS = 31_536_000
"""A year, checklist.md line 904."""

_STRICT_REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}
_SWITCHED_OFF = ("geolocation", "microphone", "camera")
_FETCHES = re.compile(r".+-src(?:-elem|-attr)?")
_SELF = re.compile(r"'(?:self|none|strict-dynamic|report-sample|nonce-[\w+/=-]+|sha(?:256|384|512)-[\w+/=-]+)'")
"""Sources that let in what the page itself brings or names (CSP3, 2.3.1); every other one is looser than 'self'."""

_SMALL = ("img-src", "font-src", "media-src")


def _one(answer: Answer, name: str) -> tuple[str, str]:
    """The single value of a header, and what is wrong with its presence."""
    values = answer.header_values(name)
    if not values:
        return "", f"{name} is missing"
    distinct = {value.strip().lower() for value in values}
    return values[0].strip(), f"{name} stands {len(values)} times with different values" if len(distinct) > 1 else ""


def _exactly(name: str, *allowed: str) -> Rule:
    def rule(answer: Answer) -> str:
        value, wrong = _one(answer, name)
        compact = re.sub(r"\s+", "", value.lower())
        if wrong or compact in allowed:
            return wrong
        return f"{name} is {printable(value, 60)!r}"

    return rule


content_type_options = _exactly("X-Content-Type-Options", "nosniff")
frame_options = _exactly("X-Frame-Options", "deny")
xss_protection = _exactly("X-XSS-Protection", "1;mode=block")


def directives(policy: str) -> dict[str, list[str]]:
    """A Content-Security-Policy as directive → sources, lower case; the first of a doubled directive counts (CSP3)."""
    found: dict[str, list[str]] = {}
    for part in policy.split(";"):
        words = part.lower().split()
        if words:
            found.setdefault(words[0], words[1:])
    return found


def content_security_policy(answer: Answer) -> str:
    """`default-src 'self'` and `frame-ancestors 'none'`, or stricter; nothing that undoes them."""
    value, wrong = _one(answer, "Content-Security-Policy")
    if wrong:
        return wrong
    policy = directives(value)
    default = policy.get("default-src")
    if default is None:
        return "Content-Security-Policy has no default-src"
    if any(source not in ("'self'", "'none'") and not _is_own(source, answer.url) for source in default):
        return f"Content-Security-Policy default-src allows {printable(' '.join(default), 60)}"
    if policy.get("frame-ancestors") not in (["'none'"], []):
        return "Content-Security-Policy does not say frame-ancestors 'none'"
    for name, sources in policy.items():
        loose = [source for source in sources if not _SELF.fullmatch(source) and not _is_own(source, answer.url)]
        harmless = name in _SMALL and set(loose) <= {"data:", "blob:"}
        if _FETCHES.fullmatch(name) and loose and not harmless:
            return f"Content-Security-Policy {name} allows {printable(' '.join(loose), 60)}"
    return ""


def _is_own(source: str, url: str) -> bool:
    """Whether a source of a policy is the host and port of `url` itself, over TLS: no looser than 'self'."""
    try:
        named = urlsplit(source if "://" in source else f"https://{source}")
        own = urlsplit(url)
        same = (named.hostname, named.port or 443) == (own.hostname, own.port or 443)
    except ValueError:  # a port of *, half an IPv6 address
        return False
    return same and named.scheme in ("https", "wss")


def hsts_age(answer: Answer) -> tuple[float, str]:
    """The age in seconds that Strict-Transport-Security promises, and what else is wrong with it."""
    value, wrong = _one(answer, "Strict-Transport-Security")
    if not value:
        return 0.0, wrong
    parts = [part.strip().lower() for part in value.split(";")]
    age = next((re.fullmatch(r'max-age\s*=\s*"?(\d{1,15})"?', part) for part in parts if part.startswith("max-age")), None)
    if age is None:
        return 0.0, f"Strict-Transport-Security has no max-age: {printable(value, 60)!r}"
    if "includesubdomains" not in parts:
        wrong = wrong or "Strict-Transport-Security does not include subdomains"
    return float(age[1]), wrong


def hsts(answer: Answer) -> str:
    """A year at least, subdomains included."""
    age, wrong = hsts_age(answer)
    if wrong or age >= HSTS_SECONDS:
        return wrong
    return f"Strict-Transport-Security max-age is {age:.0f}"


def referrer_policy(answer: Answer) -> str:
    """strict-origin-when-cross-origin or stricter; of a list the last known value counts (Referrer Policy, 8.1)."""
    value = answer.header("Referrer-Policy")
    if value is None:
        return "Referrer-Policy is missing"
    last = value.lower().replace(" ", "").split(",")[-1]
    return "" if last in _STRICT_REFERRERS else f"Referrer-Policy is {printable(value, 60)!r}"


def permissions_policy(answer: Answer) -> str:
    """Geolocation, microphone and camera are off."""
    value = answer.header("Permissions-Policy")
    if value is None:
        return "Permissions-Policy is missing"
    compact = value.lower().replace(" ", "")
    on = [name for name in _SWITCHED_OFF if f"{name}=()" not in compact]
    return f"Permissions-Policy leaves {', '.join(on)} on" if on else ""


BASE: dict[str, Rule] = {
    "X-Content-Type-Options": content_type_options,
    "X-Frame-Options": frame_options,
    "X-XSS-Protection": xss_protection,
    "Content-Security-Policy": content_security_policy,
    "Referrer-Policy": referrer_policy,
}
"""What every answer carries; HSTS only where the answer came over HTTPS."""


def wrong_in(answer: Answer) -> list[str]:
    """Everything wrong with the security headers of one answer."""
    rules = [*BASE.values(), *([hsts] if answer.url.startswith("https://") else [])]
    return [said for rule in rules if (said := rule(answer))]


def doubled(answer: Answer) -> list[str]:
    """Security headers that stand more than once with different values."""
    names = [*BASE, "Strict-Transport-Security", "Permissions-Policy"]
    return [name for name in names if len({v.strip().lower() for v in answer.header_values(name)}) > 1]


# HTTP/1.1 in a Via is the protocol (RFC 9110 7.6.3) and no product
_VERSION = re.compile(
    r"(?<![\w.-])(?!http/)(?>[\w.-]*?[A-Za-z])[\w.-]*+/\d|\bgodot[\w. -]{0,80}\d|\bpython\b|\bnginx/\d", re.IGNORECASE
)
_PRIVATE = re.compile(
    r"(?<![\d.])(?:10\.\d{1,3}|127\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2}(?![\d.])|\b(?:localhost|\w+\.internal|\w+\.local)\b"
)
_CREDENTIAL = re.compile(
    # a token, and not a challenge's parameters (Bearer realm="…", RFC 9110 11.6.1) or a list of header names
    r"""(?<![\w-])(?>[\w-]*?\b(?=eyJ))(?>eyJ[\w-]{8,})\.|(?i:\bbearer\s+[\w.~+/-]{12,}=*(?![\w"=])|\b(?:secret|password|api[-_]?key)\b["']?\s*[=:]\s*["']?[^\s"';,]{4,})"""
)
_SPEAKING = {"server", "x-powered-by", "via", "x-aspnet-version", "x-generator", "x-runtime", "x-version"}
_OF_NO_PROGRAM = ("api-version", "mime-version")
"""Versions of what is spoken, not of what speaks."""


def sensitive(answer: Answer) -> list[str]:
    """Headers that give away a version, an internal address or a credential.

    The address the suite itself used is none of the server's secrets.
    """
    found = []
    own = re.sub(r"^\w+://([^/:]+).*", r"\1", answer.url).lower()
    for name, value in answer.headers:
        bare = name.lower().endswith("version") and not name.lower().endswith(_OF_NO_PROGRAM) and re.search(r"\d\.\d", value)
        if bare or (name.lower() in _SPEAKING and _VERSION.search(value)):
            found.append(f"{name} gives a version: {printable(value, 60)!r}")
        private = [hit for hit in _PRIVATE.findall(value.lower()) if hit != own]
        if private and name.lower() not in ("content-security-policy", "date"):
            found.append(f"{name} gives an internal address: {printable(value, 60)!r}")
        if _CREDENTIAL.search(value):
            found.append(f"{name} holds a credential")
    return found


def wrong_alike(said: str, success: Answer) -> bool:
    """Whether a success has the same defect: then it is the success's item that says so."""
    return said in wrong_in(success)
