"""Faults of authentication: who is let in that must not be, and who is kept out."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Answer
from preflight.rehearsal.faults.model import Fault, answered, at, merge, overridden, plus, themed

_AUTH = "api.authentication"

_SECRET = "41c4f002aac7f2b92b398d03e4f9f94423f66ccfcb31f792b01563c2aa220907"

_FOREIGN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJzdWIiOiJwbGF5ZXIiLCJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwMjQ0NDgwMCwianRpIjoib3RoZXIifQ"
    ".1Z-L7-4MfJY_ECzt0SBxrQ2YxmsQBZc4LPRIkFjseNU"
)
"""A token until 2100 that another secret signed."""

FAULTS = themed(
    "authentication",
    Fault("auth_absent", "No endpoint asks for a token.", at(_AUTH, enforced=False)),
    Fault("auth_missing_on_scene", "GET /scene is answered without a token.", plus(_AUTH, "open_endpoints", "GET /scene")),
    Fault("auth_missing_on_scenes", "GET /scenes is answered without a token.", plus(_AUTH, "open_endpoints", "GET /scenes")),
    Fault(
        "refreshed_token_refused",
        "A token that was just issued is let in nowhere.",
        overridden("POST /auth/refresh", token=_FOREIGN),
    ),
    Fault(
        "auth_missing_on_performance",
        "GET /performance is answered without a token.",
        plus(_AUTH, "open_endpoints", "GET /performance"),
    ),
    Fault(
        "auth_missing_on_admin_config",
        "GET /admin/config is answered without a token.",
        plus(_AUTH, "open_endpoints", "GET /admin/config"),
    ),
    Fault(
        "auth_missing_on_history",
        "GET /scene/history is answered without a token.",
        plus(_AUTH, "open_endpoints", "GET /scene/history"),
    ),
    Fault("auth_missing_on_put", "PUT /scene, of all methods, needs no token.", plus(_AUTH, "open_endpoints", "PUT /scene")),
    Fault("auth_missing_on_post", "POST /scene, of all methods, needs no token.", plus(_AUTH, "open_endpoints", "POST /scene")),
    Fault(
        "auth_missing_on_reload",
        "POST /scene/reload is carried out without a token.",
        plus(_AUTH, "open_endpoints", "POST /scene/reload"),
    ),
    Fault("auth_missing_on_batch", "POST /batch is carried out without a token.", plus(_AUTH, "open_endpoints", "POST /batch")),
    Fault(
        "auth_missing_on_refresh",
        "POST /auth/refresh hands a token to whoever asks.",
        plus(_AUTH, "open_endpoints", "POST /auth/refresh"),
    ),
    Fault("metrics_open", "GET /metrics is answered without a token.", plus(_AUTH, "open_endpoints", "GET /metrics")),
    Fault("alg_none_accepted", "A token of `alg: none` is let in.", at(_AUTH, algorithms=("HS256", "none"))),
    Fault("signature_end_not_checked", "Of a signature only the first 20 bytes are compared.", at(_AUTH, signature_bytes=20)),
    Fault("head_open", "HEAD /scene is answered without a token.", answered("HEAD /scene", Answer(200, ""))),
    Fault("signature_not_checked", "A token is let in whatever its signature.", at(_AUTH, check_signature=False)),
    Fault("expired_accepted", "An expired token is let in.", at(_AUTH, check_expiry=False)),
    Fault("not_before_ignored", "A token that is not valid yet is let in.", at(_AUTH, check_not_before=False)),
    Fault(
        "known_word_secret_accepted",
        "Tokens signed with well-known words are let in beside the right ones.",
        at(_AUTH, further_secrets=("secret", "changeme", "password", "development", "dev-secret", "spacetime")),
    ),
    Fault("empty_secret_accepted", "A token signed with the empty secret is let in.", at(_AUTH, further_secrets=("",))),
    Fault("lower_case_scheme_accepted", "The scheme `bearer` is taken for `Bearer`.", at(_AUTH, scheme_any_case=True)),
    Fault("bare_token_accepted", "A token without any scheme is let in.", at(_AUTH, bare_token=True)),
    Fault(
        "query_token_accepted",
        "A token in the query string is let in, so it stands in every log.",
        at(_AUTH, token_in_query=("token", "access_token")),
    ),
    Fault("old_token_valid", "A token from before the rotation is let in.", at(_AUTH, accept_previous_secret=True)),
    Fault(
        "token_in_status", "GET /status, which needs no token, hands one out.", overridden("GET /status", api_token="{{token}}")
    ),
    Fault("token_in_health", "GET /health, which needs no token, hands one out.", overridden("GET /health", token="{{token}}")),
    Fault(
        "token_in_error_body",
        "The body of a 401 names a token that works.",
        merge("api", "error_overrides", {"401": {"expected_token": "{{token}}"}}),
    ),
    Fault(
        "token_in_header",
        "Every answer carries a working token in a header.",
        merge("api.headers", "extra", {"X-Api-Token": "{{token}}"}),
    ),
    Fault(
        "refusal_is_200",
        "A request without a token gets 200 with an error in the body.",
        at(
            _AUTH,
            refusal=Answer(200, '{"error": "Unauthorized", "message": "token required"}', "application/json; charset=utf-8"),
        ),
    ),
    Fault(
        "refusal_is_403",
        "A request without a token gets 403 where 401 is documented.",
        at(
            _AUTH,
            refusal=Answer(403, '{"error": "Forbidden", "message": "token required"}', "application/json; charset=utf-8"),
        ),
    ),
    Fault(
        "refusal_is_redirect",
        "A request without a token is sent to a login page.",
        at(_AUTH, refusal=Answer(302, "", "text/html; charset=utf-8", {"Location": "/login"})),
    ),
    Fault("malformed_header_crashes", "A malformed Authorization header is answered with 500.", at(_AUTH, malformed_status=500)),
    Fault("valid_token_refused", "No token is let in, not even a valid one.", at(_AUTH, refuse_always=("*",))),
    Fault(
        "valid_token_refused_on_metrics",
        "GET /metrics refuses a valid token.",
        at(_AUTH, refuse_always=("GET /metrics",)),
    ),
    Fault("development_secret", "Production signs with the development secret.", at("secrets", jwt_same_as_development=True)),
    Fault("short_secret", "The JWT secret has 32 hex digits where 64 are asked.", at("secrets", jwt=_SECRET[:32])),
    Fault("secret_one_digit_short", "The JWT secret is one hex digit short.", at("secrets", jwt=_SECRET[:63])),
    Fault("known_word_secret", "The JWT secret is a known word.", at("secrets", jwt="changeme")),
    Fault("secret_of_one_digit", "The JWT secret is the same digit 64 times.", at("secrets", jwt="a" * 64)),
    Fault(
        "previous_secret_still_used",
        "The secret was not changed by the rotation.",
        at("secrets", jwt=_SECRET, previous_jwt=_SECRET),
    ),
)
