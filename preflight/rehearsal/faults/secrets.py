"""Faults of debug endpoints and of secrets that show."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Answer, Edit
from preflight.rehearsal.faults.model import Change, Fault, answered, at, both, files, merge, overridden, plus, themed

_ENV = "ENVIRONMENT=production\nJWT_SECRET_KEY={{jwt_secret}}\n"
_GAME_LOG = "var/log/spacetime/godot.log"
_AUDIT_LOG = "var/log/spacetime/audit/audit.log"
_AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"  # the documentation's own example key, in two parts for scanners of this repository
_PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIB\n-----END EC PRIVATE KEY-----\n"


def _serves(path: str, body: str) -> Change:
    return answered(f"GET {path}", Answer(200, body))


def _appended(endpoint: str, text: str) -> Change:
    return merge("api", "bodies_appended", {endpoint: text})


FAULTS = themed(
    "debug and secrets",
    Fault(
        "debug_profile_open",
        "/debug/profile answers without a token.",
        both(at("api", debug_endpoints=True), plus("api.authentication", "open_endpoints", "GET /debug/profile")),
    ),
    Fault("debug_profile_with_token", "/debug/profile answers those with a token.", at("api", debug_endpoints=True)),
    Fault("env_served", "/.env is served.", _serves("/.env", _ENV)),
    Fault("env_production_served", "/.env.production is served.", _serves("/.env.production", _ENV)),
    Fault(
        "git_config_served",
        "/.git/config is served.",
        _serves("/.git/config", "[core]\n\trepositoryformatversion = 0\n\tbare = false\n"),
    ),
    Fault("git_head_served", "/.git/HEAD is served.", _serves("/.git/HEAD", "ref: refs/heads/main\n")),
    Fault("log_served", "The game's log is served.", _serves("/godot.log", "[2026-01-01 00:00:00] [INFO] Heartbeat\n")),
    Fault(
        "env_served_by_front",
        "The front serves /.env.production from its document root.",
        merge("front", "answers", {"GET /.env.production": Answer(200, _ENV)}),
    ),
    Fault(
        "token_in_audit_log",
        "Each audit entry holds a token.",
        at("api.audit", extra_details=" token={{token}}"),
    ),
    Fault(
        "secret_in_audit_log",
        "An audit entry holds the JWT secret.",
        files(
            Edit("append", _AUDIT_LOG, "[{{ago:600}}] [INFO] [10.20.0.5] [/auth/rotate] [AUTH_SUCCESS] secret={{jwt_secret}}\n")
        ),
    ),
    Fault(
        "token_in_rotated_audit_log",
        "A rotated audit log holds a token.",
        files(
            Edit(
                "append",
                "newest:var/log/spacetime/audit/audit-*.log",
                "[{{ago:90000}}] [INFO] [10.20.0.5] [/scene] [AUTH_SUCCESS] Bearer {{old_token}}\n",
            )
        ),
    ),
    Fault(
        "token_in_game_log",
        "The game's log holds a token.",
        files(Edit("append", _GAME_LOG, "[{{ago:3600}}] [INFO] request headers: Authorization: Bearer {{token}}\n")),
    ),
    Fault(
        "token_in_rotated_game_log",
        "A game log that was rotated since the deployment holds a token.",
        files(Edit("write", f"{_GAME_LOG}.1", "[{{ago:7200}}] [INFO] request headers: Authorization: Bearer {{token}}\n")),
    ),
    Fault(
        "secret_in_base64_in_game_log",
        "The game log holds the JWT secret in base64.",
        files(Edit("append", _GAME_LOG, "[{{ago:600}}] [DEBUG] state: {{jwt_secret in base64}}\n")),
    ),
    Fault(
        "trace_in_errors_of_put",
        "An error of PUT /scene names a line of the source.",
        merge("api", "error_overrides", {"PUT /scene": {"details": "res://scripts/http_api/scene_router.gd:88 in _put"}}),
    ),
    Fault(
        "password_in_a_logged_body",
        "The game logs the body of a failed call: JSON inside a line of JSON, a password in it.",
        files(
            Edit(
                "append", _GAME_LOG, '{"level": "debug", "body": "{\\"user\\":\\"ops\\",\\"password\\":\\"Vq7-hunter2-Zk\\"}"}\n'
            )
        ),
    ),
    Fault(
        "login_in_game_log",
        "The game logs the header of a request that came with a name and a password.",
        files(Edit("append", _GAME_LOG, "[{{ago:600}}] [DEBUG] authorization: Basic b3BzOlZxNy1odW50ZXIyLVpr\n")),
    ),
    Fault(
        "token_logged_on_request",
        "The game logs the token of each request.",
        at("api", log_line_per_request="HTTP {endpoint} token={{token}}"),
    ),
    Fault(
        "password_in_game_log",
        "The game's log holds a password.",
        files(Edit("append", _GAME_LOG, "[{{ago:3600}}] [INFO] smtp login user=alerts password=vQ7-rTz2-Lk9w-Xe4m\n")),
    ),
    Fault(
        "private_key_in_game_log",
        "The game's log holds a private key.",
        files(Edit("append", _GAME_LOG, _PEM)),
    ),
    Fault("secret_in_status", "GET /status shows the JWT secret.", overridden("GET /status", jwt_secret="{{jwt_secret}}")),
    Fault(
        "password_in_status",
        "GET /status shows a password.",
        overridden("GET /status", database_url="postgres://game:hunter2-k39x@10.20.0.9/game"),
    ),
    Fault(
        "token_in_metrics",
        "GET /metrics shows a token in a label.",
        _appended("GET /metrics", 'token_info{token="{{token}}"} 1\n'),
    ),
    Fault(
        "token_in_page",
        "The web page holds a token.",
        _appended("GET /web/scene_manager.html", "<!-- token: {{token}} -->\n"),
    ),
    Fault(
        "token_in_script",
        "The web page's script holds a token.",
        _appended("GET /web/scene_manager.js", '\nconst API_TOKEN = "{{token}}";\n'),
    ),
    Fault("cloud_key_in_status", "GET /status shows a cloud key.", overridden("GET /status", backup_key=_AWS_KEY)),
    Fault("debug_mode_in_env", "DEBUG_MODE is true in .env.production.", merge("host", "env", {"DEBUG_MODE": "true"})),
    Fault("status_says_development", "The running game says it is in development.", at("api", environment="development")),
)
