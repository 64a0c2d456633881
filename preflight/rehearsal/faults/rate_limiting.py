"""Faults of the limiter and its bans."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Edit
from preflight.rehearsal.faults.model import Fault, at, both, files, merge, themed
from preflight.rehearsal.host.settings import SECURITY_CONFIG

_LIMITER = "api.limiter"

FAULTS = themed(
    "rate limiting",
    Fault("limiter_absent", "Requests are never limited.", at(_LIMITER, enabled=False)),
    Fault("limiter_only_on_status", "Only /status is limited.", at(_LIMITER, only_paths=("/status",))),
    Fault(
        "limiter_not_on_scene",
        "/scene has the general limit of 100 instead of its 30.",
        merge(_LIMITER, "paths", {"/scene": 100}),
    ),
    Fault("limiter_per_query", "The limiter counts each query by itself.", at(_LIMITER, key="query")),
    Fault(
        "limiter_per_connection",
        "The limiter counts connections, so a new one starts afresh.",
        both(at(_LIMITER, key="connection"), at("front", upstream_keep_alive=False)),
    ),
    Fault(
        "limiter_trusts_everybody",
        "The first X-Forwarded-For entry counts, whoever sent it: a spoofed one resets the limiter.",
        at("api", trusted_proxies=("*",), forwarded_entry="first"),
    ),
    Fault("limit_ten_times_too_high", "Every limit is ten times what is documented.", at(_LIMITER, factor=10.0)),
    Fault("limit_off_by_one_above", "GET /scene lets 31 requests a minute pass.", merge(_LIMITER, "paths", {"/scene": 31})),
    Fault("refusal_is_503", "The limiter refuses with 503 instead of 429.", at(_LIMITER, refusal_status=503)),
    Fault("ban_missing", "Repeated violations are never followed by a ban.", at(_LIMITER, ban=False)),
    Fault("ban_too_late", "The ban comes after ten refusals, not after five.", at(_LIMITER, ban_refusals=10)),
    Fault("ban_too_short", "The ban lasts a minute instead of an hour.", at(_LIMITER, ban_s=60.0)),
    Fault("ban_too_early", "A single refusal bans for an hour.", at(_LIMITER, ban_refusals=1)),
    Fault("limit_headers_missing", "Answers say nothing of limit, remaining requests and reset.", at(_LIMITER, announce=False)),
    Fault(
        "limiter_off_in_env_only",
        "The limiter works but is off in .env.production: the next restart ends it.",
        merge("host", "env", {"ENABLE_RATE_LIMITING": "false"}),
    ),
    Fault(
        "limiter_off_in_gdscript_only",
        "The limiter works but is off in security_config.gd.",
        merge("host", "gdscript", {SECURITY_CONFIG: {"rate_limiting_enabled": "false"}}),
    ),
    Fault(
        "front_counted_as_one",
        "Everybody behind the front is counted as the front's one address.",
        at("api", trusted_proxies=()),
    ),
    Fault("everybody_counted_as_one", "All clients share one bucket.", at(_LIMITER, key="everybody")),
    Fault(
        "intrusion_logins_ignored",
        "Failed logins are noticed by nobody.",
        at("api.intrusion", rules=("rate", "endpoint_rate", "flood", "injection", "traversal")),
    ),
    Fault(
        "intrusion_injection_ignored",
        "Injection patterns are noticed by nobody.",
        at("api.intrusion", rules=("logins", "identities", "rate", "endpoint_rate", "flood", "traversal")),
    ),
    Fault(
        "ban_longer_than_told",
        "A ban goes on for ten minutes beyond the end that it tells.",
        at("api.intrusion", overtime_s=600.0),
    ),
    Fault(
        "intrusion_says_nothing",
        "Nothing in the game's metrics says that intrusion detection runs.",
        at("api", metrics_missing=("intrusion_alerts_total",)),
    ),
    Fault("intrusion_off", "Intrusion detection is off.", at("api.intrusion", rules=())),
    Fault(
        "auto_ban_off_in_gdscript",
        "Bans are off in security_config.gd.",
        merge("host", "gdscript", {SECURITY_CONFIG: {"auto_ban_enabled": "false"}}),
    ),
    Fault(
        "limiter_overridden_in_gdscript",
        "security_config.gd switches the limiter off again further down.",
        files(Edit("append", SECURITY_CONFIG, "\nstatic func _static_init() -> void:\n\trate_limiting_enabled = false\n")),
    ),
)
