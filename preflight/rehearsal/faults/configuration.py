"""Faults of configuration files: each setting of the checklist wrong or missing, and the ways a file can mislead."""

from __future__ import annotations

import hashlib

from preflight.rehearsal.behaviour import REMOVED, Edit
from preflight.rehearsal.faults.model import Change, Fault, both, files, merge, themed
from preflight.rehearsal.host.settings import API_SERVER, ENV, SECURITY_CONFIG, SECURITY_HEADERS

ENV_FILE = "opt/godot/.env.production"
_WRONG_ENV = {
    "ENVIRONMENT": "development",
    "GODOT_PATH": "/home/developer/godot",
    "HTTP_API_PORT": "8083",
    "HTTP_API_HOST": "0.0.0.0",
    "HTTP_API_ENABLE_CORS": "true",
    "HTTP_API_HTTPS": "false",
    "JWT_TOKEN_EXPIRY": "31536000",
    "RATE_LIMIT_PER_IP": "1000",
    "RATE_LIMIT_WINDOW": "1",
    "AUTH_REQUIRED": "false",
    "AUTH_STRICT_MODE": "false",
    "CORS_ALLOWED_ORIGINS": "*",
    "CORS_ALLOWED_METHODS": "GET,POST,PUT,DELETE,TRACE",
    "ENABLE_METRICS": "false",
    "ENABLE_PROFILING": "false",
    "ENABLE_HEALTH_CHECKS": "false",
    "MAX_CONNECTIONS": "100000",
    "REQUEST_TIMEOUT_MS": "0",
    "MAX_REQUEST_SIZE_MB": "1000",
    "VERBOSE_LOGGING": "true",
    "ENABLE_DEBUG_ENDPOINTS": "true",
}
_WRONG_GDSCRIPT = {
    SECURITY_CONFIG: {
        "auth_enabled": "false",
        "use_token_manager": "false",
        "strict_mode": "false",
        "max_requests_per_minute": "1000",
        "ban_duration_minutes": "1",
        "cors_enabled": "true",
        "allowed_origins": '["*"]',
        "debug_endpoints_enabled": "true",
    },
    API_SERVER: {
        "server_host": '"0.0.0.0"',
        "server_port": "8090",
        "verbose_logging": "true",
        "enable_profiling": "false",
        "enable_metrics": "false",
    },
    SECURITY_HEADERS: {
        "cors_allowed_origins": '["*"]',
        "cors_allowed_methods": '["GET", "POST", "PUT", "DELETE", "TRACE"]',
        "cors_allow_credentials": "true",
    },
}


def _env(name: str, value: str) -> Change:
    return merge("host", "env", {name: value})


def _gdscript(path: str, name: str, value: str) -> Change:
    return merge("host", "gdscript", {path: {name: value}})


def _failing(report: str, test: str, failures: int | None = None) -> Change:
    """Test cases that match fail, and the suite's count of failures says so (the report has none or two before)."""
    path = f"opt/godot/tests/reports/{report}.xml"
    before = 2 if report == "http_api" else 0
    failed = '"><failure message="expected 401, got 200"/></testcase>'
    return files(
        Edit("replace", path, failed, rf'(?<=name="test_{test})" time="0\.041"/>'),
        Edit("replace", path, f'failures="{failures or before + 1}"', rf'failures="{before}"'),
    )


def _old_tests() -> Change:
    reports = "opt/godot/tests/reports/*.xml"
    return files(
        Edit("replace", reports, "2025-01-07T04:00:00", r"(?<=timestamp=\")[^\"]*"), Edit("age", reports, number=60 * 24)
    )


_ENV_FAULTS = [
    Fault(f"env_{name.lower()}_wrong", f"{name} is {value} in .env.production.", _env(name, value))
    for name, value in _WRONG_ENV.items()
] + [Fault(f"env_{name.lower()}_missing", f"{name} is missing from .env.production.", _env(name, REMOVED)) for name in ENV]
_GDSCRIPT_FAULTS = [
    Fault(f"gdscript_{name}_wrong", f"{name} is {value} in {path.rpartition('/')[2]}.", _gdscript(path, name, value))
    for path, settings in _WRONG_GDSCRIPT.items()
    for name, value in settings.items()
]

FAULTS = themed(
    "configuration",
    *_ENV_FAULTS,
    *_GDSCRIPT_FAULTS,
    Fault("env_missing", "There is no .env.production.", files(Edit("delete", ENV_FILE))),
    Fault("env_readable_by_all", "Everybody on the host may read .env.production.", files(Edit("chmod", ENV_FILE, number=0o644))),
    Fault(
        "env_setting_doubled",
        "AUTH_REQUIRED stands twice, with different values.",
        files(Edit("append", ENV_FILE, "AUTH_REQUIRED=false\n")),
    ),
    Fault(
        "env_setting_commented_out",
        "AUTH_REQUIRED is only in a comment.",
        files(Edit("replace", ENV_FILE, "# AUTH_REQUIRED=true", r"^AUTH_REQUIRED=true$")),
    ),
    Fault(
        "env_placeholder",
        "The JWT secret is the checklist's placeholder.",
        _env("JWT_SECRET_KEY", "<GENERATE_NEW_256_BIT_SECRET>"),
    ),
    Fault(
        "env_other_secret",
        "The game runs with another secret than .env.production holds.",
        _env("JWT_SECRET_KEY", hashlib.sha256(b"the secret of another host").hexdigest()),
    ),
    Fault("env_committed", ".env.production is in the git repository.", files(Edit("commit", ENV_FILE))),
    Fault("env_once_committed", ".env.production was in the git repository once.", files(Edit("commit", ENV_FILE, number=1))),
    Fault(
        "gitignore_missing", "git does not ignore .env files.", files(Edit("replace", "opt/godot/.gitignore", "", r"^\.env.*\n"))
    ),
    Fault(
        "cors_origin_missing_in_env",
        "CORS is on, and one production origin is missing.",
        merge("host", "env", {"HTTP_API_ENABLE_CORS": "true", "CORS_ALLOWED_ORIGINS": "https://spacetime.production.com"}),
    ),
    Fault(
        "gdscript_setting_in_comment_only",
        "auth_enabled is true in a comment and false in the code.",
        both(
            _gdscript(SECURITY_CONFIG, "auth_enabled", "false"),
            files(Edit("append", SECURITY_CONFIG, "\n# static var auth_enabled = true\n")),
        ),
    ),
    Fault(
        "gdscript_setting_missing",
        "auth_enabled is missing from security_config.gd.",
        _gdscript(SECURITY_CONFIG, "auth_enabled", REMOVED),
    ),
    Fault(
        "gdscript_overridden_later",
        "security_config.gd switches debug endpoints on in a function that runs at the start.",
        files(Edit("append", SECURITY_CONFIG, "\nstatic func _static_init() -> void:\n\tdebug_endpoints_enabled = true\n")),
    ),
    Fault("gdscript_missing", "security_config.gd is missing.", files(Edit("delete", SECURITY_CONFIG))),
    Fault(
        "gdscript_broken", "security_config.gd does not parse.", files(Edit("append", SECURITY_CONFIG, "\nstatic var = true (\n"))
    ),
    Fault("msaa_off", "MSAA is off.", files(Edit("replace", "opt/godot/project.godot", "msaa_3d=0", r"msaa_3d=1"))),
    Fault(
        "renderer_mobile",
        "The renderer is not Forward+.",
        files(Edit("replace", "opt/godot/project.godot", '"mobile"', r'"forward_plus"')),
    ),
    Fault(
        "smtp_placeholder",
        "The mail password is a placeholder.",
        files(Edit("replace", "opt/alertmanager/alertmanager.yml", "<SECURE_PASSWORD>", r"vQ7[^']*")),
    ),
    Fault(
        "version_not_updated", "VERSION names the build before.", files(Edit("write", "opt/godot/VERSION", "2.4.3-production\n"))
    ),
    Fault(
        "changelog_not_updated",
        "CHANGELOG.md says nothing of this build.",
        files(Edit("replace", "opt/godot/CHANGELOG.md", "2.4.2-production", r"2\.5\.0-production")),
    ),
    Fault("runbook_missing", "There is no RUNBOOK.md.", files(Edit("delete", "opt/godot/RUNBOOK.md"))),
    Fault(
        "contacts_placeholder",
        "A contact is still a placeholder.",
        files(Edit("replace", "opt/godot/CONTACTS.md", "[Name, Phone, Email]", r"on-call engineer.*")),
    ),
    Fault(
        "firewall_inactive",
        "The firewall's configuration is not enabled.",
        files(Edit("replace", "etc/ufw/ufw.conf", "ENABLED=no", r"ENABLED=yes")),
    ),
    Fault(
        "firewall_opens_an_interface",
        "A rule of the firewall opens the game's port on the public interface.",
        files(
            Edit(
                "replace",
                "etc/ufw/user.rules",
                "### tuple ### allow tcp 8080 0.0.0.0/0 any 0.0.0.0/0 in_eth0\n"
                "-A ufw-user-input -i eth0 -p tcp --dport 8080 -j ACCEPT\n"
                "### tuple ### deny tcp 8080",
                r"### tuple ### deny tcp 8080",
            )
        ),
    ),
    Fault("tests_missing", "There are no results of the game's own tests.", files(Edit("delete", "opt/godot/tests/reports"))),
    Fault("tests_authentication_fails", "A test of authentication fails.", _failing("http_api", "authentication_03")),
    Fault("tests_headers_fail", "A test of the security headers fails.", _failing("http_api", "security_headers_03")),
    Fault("tests_limiter_fails", "A test of the limiter fails.", _failing("http_api", "rate_limiting_03")),
    Fault("tests_property_fails", "One of 44 property tests fails.", _failing("property", "tokens_03")),
    Fault("tests_http_below_93", "Only 52 of 57 HTTP tests pass.", _failing("http_api", "scenes_0[345]", 5)),
    Fault("tests_old", "The test results are two months old.", _old_tests()),
    Fault(
        "tests_of_other_build",
        "The test results are of another build.",
        files(Edit("replace", "opt/godot/tests/reports/*.xml", "2.4.3-production", r"2\.5\.0-production")),
    ),
)
