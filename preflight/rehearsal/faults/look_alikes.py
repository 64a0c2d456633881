"""Odd but right deployments: nothing in a run's result may change for them."""

from __future__ import annotations

from preflight.rehearsal.behaviour import CLEAN_LATENCY, HSTS, REMOVED, SECURITY_HEADERS, Answer, DelayModel, Edit
from preflight.rehearsal.faults.audit import guessed
from preflight.rehearsal.faults.configuration import ENV_FILE
from preflight.rehearsal.faults.front import SITE
from preflight.rehearsal.faults.injection import NO_TRAVERSAL
from preflight.rehearsal.faults.latency import LIMITS, slower, tailed, word
from preflight.rehearsal.faults.logs import LOG
from preflight.rehearsal.faults.model import Fault, answered, at, both, files, merge, overridden, themed
from preflight.rehearsal.host.settings import SECURITY_CONFIG

_SUBSYSTEMS = ("scene_loader", "file_system", "memory", "connections", "resource_loader", "engine")

_UNDER = [
    Fault(
        f"p95_under_{word(endpoint)}",
        f"2 % of {endpoint} take more than the P95 limit of {p95} ms, none more than the P99 limit.",
        tailed(endpoint, (p95 + p99) / 2, 0.02),
    )
    for endpoint, (p95, p99) in LIMITS.items()
] + [
    Fault(
        f"p99_under_{word(endpoint)}",
        f"One of 400 {endpoint} takes more than the P99 limit of {p99} ms.",
        tailed(endpoint, p99 + 10, 0.0025),
    )
    for endpoint, (_, p99) in LIMITS.items()
]

LOOK_ALIKES = themed(
    "look-alike",
    *_UNDER,
    Fault(
        "refusal_without_words",
        "The body of a 401 says nothing.",
        merge("api", "error_overrides", {"401": {"error": REMOVED, "message": REMOVED}}),
    ),
    Fault(
        "odd_characters_are_an_attack",
        "NUL bytes and broken characters bring a ban, as traversal does.",
        at("api.intrusion", rules=("logins", "identities", "rate", "endpoint_rate", "flood", "injection", "traversal", "odd")),
    ),
    Fault(
        "headers_lower_case",
        "Header names are in lower case.",
        at("api.headers", security={name.lower(): value for name, value in SECURITY_HEADERS.items()}),
    ),
    Fault(
        "headers_upper_case_values",
        "Header values are in another letter case.",
        merge("api.headers", "security", {"X-Content-Type-Options": "NOSNIFF", "X-Frame-Options": "deny"}),
    ),
    Fault(
        "csp_further_directives",
        "The CSP has further directives and another order.",
        merge(
            "api.headers",
            "security",
            {"Content-Security-Policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; default-src 'self'"},
        ),
    ),
    Fault(
        "csp_stricter",
        "The CSP is stricter than asked.",
        merge(
            "api.headers",
            "security",
            {
                "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'"
            },
        ),
    ),
    Fault(
        "referrer_stricter",
        "The referrer policy is stricter than asked.",
        merge("api.headers", "security", {"Referrer-Policy": "no-referrer"}),
    ),
    Fault(
        "permissions_more",
        "More features are switched off than asked.",
        merge("api.headers", "security", {"Permissions-Policy": "geolocation=(), microphone=(), camera=(), usb=(), payment=()"}),
    ),
    Fault(
        "headers_further",
        "Answers carry further headers.",
        merge("api.headers", "extra", {"X-Request-Id": "7f3a", "Cache-Control": "no-store"}),
    ),
    Fault(
        "hsts_longer",
        "HSTS lasts two years and asks for preloading.",
        at("front", add_headers={"Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload"}),
    ),
    Fault(
        "hsts_spelled_differently",
        "HSTS has no blanks and another letter case.",
        at("front", add_headers={"strict-transport-security": HSTS.replace("; ", ";").lower()}),
    ),
    Fault(
        "hsts_at_the_game_too",
        "The game sends HSTS as well, with the same value.",
        merge("api.headers", "extra", {"Strict-Transport-Security": HSTS}),
    ),
    Fault(
        "further_fields",
        "JSON answers have further fields.",
        both(overridden("GET /health", node="game-1", region="eu"), overridden("GET /status", region="eu")),
    ),
    Fault("closes_connections", "The game closes the connection after each answer.", at("api", keep_alive=False)),
    Fault("json_as_html", "JSON is labelled text/html.", at("api", json_content_type="text/html; charset=utf-8")),
    Fault("json_without_charset", "JSON is labelled without a charset.", at("api", json_content_type="application/json")),
    Fault(
        "subsystems_as_numbers",
        "Subsystem states are numbers.",
        overridden("GET /health", subsystems={name: {"status": 0} for name in _SUBSYSTEMS}),
    ),
    Fault("chunked_answers", "Answers are sent in chunks.", at("api", chunked=True)),
    Fault(
        "slow_warm_up",
        "The first three answers of an endpoint are slow.",
        at(
            "api",
            latency={
                name: DelayModel(ms=model.ms, warm_up_ms=300, warm_up_requests=3)
                for name, model in {"*": DelayModel(), **CLEAN_LATENCY}.items()
            },
        ),
    ),
    Fault("polled_once_a_frame", "The game looks at its sockets 90 times a second.", at("api", polls_per_second=90.0)),
    Fault(
        "further_endpoint",
        "There is an endpoint that nobody expects.",
        answered("GET /version", Answer(200, '{"version": "2.5.0"}', "application/json")),
    ),
    Fault(
        "audit_other_time_zone",
        "Audit entries are JSON in another time zone, and say so.",
        at("api.audit", form="json", zone_offset_s=7200),
    ),
    Fault("audit_as_nested_json", "The audit log's lines are objects with objects in them.", at("api.audit", form="nested")),
    Fault("audit_as_json", "The audit log is JSON lines.", at("api.audit", form="json")),
    Fault("audit_other_file_name", "The audit log has another name.", at("api.audit", file="security-audit.log")),
    Fault(
        "suite_ran_before",
        "Tokens that an earlier run of this suite had spoilt were refused, then its own was let in.",
        guessed("127.0.0.1"),
    ),
    Fault("audit_kept_longer", "The audit log is kept 90 days.", merge("host", "env", {"AUDIT_LOG_RETENTION_DAYS": "90"})),
    Fault("limiter_stricter", "Every limit is half of what is documented.", at("api.limiter", factor=0.5)),
    Fault("no_retry_after", "A refusal does not say when to come back.", at("api.limiter", retry_after=False)),
    Fault("padded_tokens_accepted", "Tokens with base64 padding are let in.", at("api.authentication", padded=True)),
    Fault(
        "debug_answers_403",
        "/debug/profile is forbidden, not missing.",
        answered("GET /debug/profile", Answer(403, '{"error": "Forbidden"}', "application/json", dict(SECURITY_HEADERS))),
    ),
    Fault("path_prefix", "The API lies below a path.", at("api", path_prefix="/game/v1")),
    Fault(
        "harmless_error_word",
        "A harmless log line holds the word error.",
        files(Edit("append", LOG, "[{{ago:600}}] [INFO] 0 errors, 0 warnings; error reporting enabled\n")),
    ),
    Fault(
        "old_error_in_log",
        "An error from before the deployment stands in the log.",
        files(Edit("replace", LOG, "[{{ago:200000}}] [ERROR] SaveManager: can't open user://save.dat\n[", r"\A\[")),
    ),
    Fault("certificate_30_days", "The certificate is valid for a little over 30 days.", at("front.certificate", days_left=30.0)),
    Fault(
        "certificate_more_names",
        "The certificate has further names.",
        at("front.certificate", names=("localhost", "api.spacetime.rehearsal", "127.0.0.1", "spacetime.rehearsal")),
    ),
    Fault("tls_1_3_only", "Only TLS 1.3 is offered.", at("front", lowest_tls="1.3")),
    Fault(
        "site_with_tls_1_3_only",
        "The site file offers TLS 1.3 alone, whose ciphers need no choosing.",
        both(
            at("front", lowest_tls="1.3"),
            files(
                Edit("replace", SITE, "ssl_protocols TLSv1.3;\n", r"ssl_protocols [^;]+;\n(?: +ssl_(?:ciphers|prefer)[^;]+;\n)+")
            ),
        ),
    ),
    Fault("redirect_308", "Plain HTTP redirects with 308.", at("front", redirect_status=308)),
    Fault("memory_809_mb", "The game uses 809 MB, one less than the limit.", at("api", memory_mb=809.0)),
    Fault("slightly_slower", "Everything takes 1.05 times as long as it did.", slower(1.05)),
    Fault(
        "no_favicon",
        "The page names no icon, so the browser asks for one that is not there.",
        merge("api", "page_edits", {"/web/scene_manager.html": {'  <link rel="icon" href="/web/favicon.svg">\n': ""}}),
    ),
    Fault(
        "env_quoted",
        "Values of .env.production are quoted.",
        files(Edit("replace", ENV_FILE, 'AUTH_REQUIRED="true"', r"^AUTH_REQUIRED=true$")),
    ),
    Fault(
        "env_with_comments",
        "A setting has a comment behind it.",
        files(Edit("replace", ENV_FILE, "DEBUG_MODE=false  # never in production", r"^DEBUG_MODE=false$")),
    ),
    Fault("env_with_crlf", "Lines of .env.production end in CR LF.", files(Edit("replace", ENV_FILE, "\r\n", r"\n"))),
    Fault("env_with_bom", ".env.production begins with a byte order mark.", files(Edit("replace", ENV_FILE, "\ufeff#", r"\A#"))),
    Fault(
        "env_doubled_alike",
        "A setting stands twice with the same value.",
        files(Edit("append", ENV_FILE, "AUTH_REQUIRED=true\n")),
    ),
    Fault("env_further_settings", ".env.production has further settings.", merge("host", "env", {"REGION": "eu-central"})),
    Fault(
        "gdscript_typed",
        "A GDScript setting has a type.",
        files(Edit("replace", SECURITY_CONFIG, "static var auth_enabled: bool = true", r"^static var auth_enabled = true$")),
    ),
    Fault(
        "gdscript_false_in_comment",
        "A comment mentions the wrong value.",
        files(Edit("append", SECURITY_CONFIG, "\n# never: auth_enabled = false\n")),
    ),
    Fault(
        "missing_scene_before_the_whitelist",
        "A scene that is not there gets 404 before the whitelist is asked.",
        both(at("api.input", missing_first=True), NO_TRAVERSAL),
    ),
    Fault("telemetry_without_binary", "Telemetry sends events as text only.", at("telemetry", binary=False)),
    Fault(
        "telemetry_less_often",
        "A client of before has set the interval of tracking to 3 s, of FPS to 1 s.",
        at("telemetry", tracking_interval_s=3.0, fps_interval_s=1.0),
    ),
    Fault(
        "telemetry_more_often",
        "Telemetry comes more often than documented.",
        at("telemetry", fps_interval_s=0.25, tracking_interval_s=0.05),
    ),
)
