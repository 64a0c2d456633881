"""Faults of the headers on answers, at the game and at the front."""

from __future__ import annotations

from preflight.rehearsal.behaviour import HSTS, SECURITY_HEADERS
from preflight.rehearsal.faults.model import Change, Fault, at, merge, themed

_WRONG = {
    "X-Content-Type-Options": "none",
    "X-Frame-Options": "SAMEORIGIN",
    "X-XSS-Protection": "0",
    "Content-Security-Policy": "default-src *; frame-ancestors 'none'",
    "Referrer-Policy": "unsafe-url",
    "Permissions-Policy": "geolocation=*, microphone=*, camera=*",
}
_HSTS_NAME = "Strict-Transport-Security"
_SHORT = HSTS.replace("31536000", "31535999")


def _word(header: str) -> str:
    return header.lower().replace("-", "_")


def _csp(value: str) -> Change:
    return merge("api.headers", "changed_on", {"*": {"Content-Security-Policy": value}})


def _report_only() -> dict[str, str]:
    changed = dict(SECURITY_HEADERS)
    changed["Content-Security-Policy-Report-Only"] = changed.pop("Content-Security-Policy")
    return changed


def _hsts(value: str) -> dict[str, str]:
    return {_HSTS_NAME: value}


_MISSING = [
    Fault(f"{_word(name)}_missing", f"No answer carries {name}.", merge("api.headers", "missing_on", {"*": (name,)}))
    for name in SECURITY_HEADERS
]
_CHANGED = [
    Fault(f"{_word(name)}_wrong", f"{name} is {value!r}.", merge("api.headers", "changed_on", {"*": {name: value}}))
    for name, value in _WRONG.items()
]
_ON_STATUS = [
    Fault(
        f"headers_missing_on_{status}",
        f"Answers with status {status} carry no security header.",
        merge("api.headers", "missing_on", {str(status): tuple(SECURITY_HEADERS)}),
    )
    for status in (400, 401, 404, 405, 429)
]

FAULTS = themed(
    "headers",
    Fault(
        "headers_missing_on_the_page",
        "The dashboard page carries no security header, as if the front served it from a folder.",
        merge("api.headers", "missing_on", {"/web/scene_manager.html": tuple(SECURITY_HEADERS)}),
    ),
    *_MISSING,
    *_CHANGED,
    *_ON_STATUS,
    Fault(
        "headers_missing_on_500",
        "A malformed Authorization header crashes the game, and that 500 carries no security header.",
        lambda deployment: merge("api.headers", "missing_on", {"500": tuple(SECURITY_HEADERS)})(
            at("api.authentication", malformed_status=500)(deployment)
        ),
    ),
    Fault(
        "csp_unsafe_inline", "The CSP allows inline scripts.", _csp("default-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
    ),
    Fault("csp_frames_allowed", "The CSP lets any page frame the dashboard.", _csp("default-src 'self'")),
    Fault(
        "csp_script_anywhere",
        "The CSP takes scripts from anywhere.",
        _csp("default-src 'self'; script-src *; frame-ancestors 'none'"),
    ),
    Fault(
        "frame_options_doubled",
        "X-Frame-Options stands twice, with different values.",
        merge("api.headers", "doubled", {"X-Frame-Options": "SAMEORIGIN"}),
    ),
    Fault(
        "csp_report_only",
        "The CSP is only reported, not enforced.",
        at("api.headers", security=_report_only()),
    ),
    Fault(
        "version_banner",
        "A header names server and version.",
        merge("api.headers", "extra", {"Server": "Godot/4.5.1 (Linux; SpaceTimeHTTP 2.5.0)"}),
    ),
    Fault(
        "powered_by", "X-Powered-By names the engine's version.", merge("api.headers", "extra", {"X-Powered-By": "Godot 4.5.1"})
    ),
    Fault(
        "internal_address_in_header",
        "A header names an internal address.",
        merge("api.headers", "extra", {"X-Backend": "10.20.0.17:8080"}),
    ),
    Fault(
        "stack_trace_in_error",
        "Error bodies hold a stack trace.",
        merge(
            "api",
            "error_overrides",
            {"*": {"details": "at res://scripts/http_api/auth.gd:212 in check_token() <- res://scripts/http_api/router.gd:88"}},
        ),
    ),
    Fault(
        "internal_path_in_error",
        "Error bodies name a path and an address of the host.",
        merge("api", "error_overrides", {"*": {"details": "/opt/godot/scripts/http_api on 10.20.0.17:8080"}}),
    ),
    Fault("hsts_missing", "The front sends no Strict-Transport-Security.", at("front", add_headers={})),
    Fault("hsts_one_second_short", "HSTS lasts one second under a year.", at("front", add_headers=_hsts(_SHORT))),
    Fault("hsts_without_subdomains", "HSTS leaves the subdomains out.", at("front", add_headers=_hsts("max-age=31536000"))),
    Fault("hsts_zero", "HSTS is switched off by max-age=0.", at("front", add_headers=_hsts("max-age=0; includeSubDomains"))),
    Fault("hsts_only_on_200", "HSTS is missing on everything but 200 (no `always`).", at("front", added_on=(200,))),
    Fault(
        "front_drops_headers",
        "The front swallows the game's CSP and X-Frame-Options.",
        at("front", drop_headers=("Content-Security-Policy", "X-Frame-Options")),
    ),
    Fault(
        "front_version_banner",
        "The front names its own version.",
        merge("front", "add_headers", {"Server": "nginx/1.18.0 (Ubuntu)"}),
    ),
)
