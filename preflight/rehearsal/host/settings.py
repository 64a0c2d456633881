"""Configuration of the game as the checklist wants it: `.env.production` and the GDScript settings."""

from __future__ import annotations

from preflight.rehearsal.behaviour import REMOVED, Host
from preflight.rehearsal.runtime import RuntimeSecrets

ENV = {
    "ENVIRONMENT": "production",
    "GODOT_PATH": "/opt/godot",
    "HTTP_API_PORT": "8080",
    "HTTP_API_HOST": "127.0.0.1",
    "HTTP_API_ENABLE_CORS": "false",
    "HTTP_API_HTTPS": "true",
    "JWT_SECRET_KEY": "",
    "JWT_TOKEN_EXPIRY": "86400",
    "ENABLE_RATE_LIMITING": "true",
    "RATE_LIMIT_PER_IP": "100",
    "RATE_LIMIT_WINDOW": "60",
    "AUTH_REQUIRED": "true",
    "AUTH_STRICT_MODE": "true",
    "CORS_ALLOWED_ORIGINS": "https://spacetime.production.com,https://api.spacetime.production.com",
    "CORS_ALLOWED_METHODS": "GET,POST,PUT,DELETE",
    "CORS_ALLOW_CREDENTIALS": "true",
    "ENABLE_METRICS": "true",
    "ENABLE_PROFILING": "true",
    "ENABLE_HEALTH_CHECKS": "true",
    "AUDIT_LOG_ENABLED": "true",
    "AUDIT_LOG_RETENTION_DAYS": "30",
    "AUDIT_LOG_PATH": "/var/log/spacetime/audit/",
    "MAX_CONNECTIONS": "100",
    "REQUEST_TIMEOUT_MS": "30000",
    "MAX_REQUEST_SIZE_MB": "10",
    "DEBUG_MODE": "false",
    "VERBOSE_LOGGING": "false",
    "ENABLE_DEBUG_ENDPOINTS": "false",
}

SECURITY_CONFIG = "opt/godot/scripts/http_api/security_config.gd"
API_SERVER = "opt/godot/scripts/http_api/http_api_server.gd"
SECURITY_HEADERS = "opt/godot/scripts/security/security_headers.gd"

GDSCRIPT: dict[str, dict[str, str]] = {
    SECURITY_CONFIG: {
        "auth_enabled": "true",
        "use_token_manager": "true",
        "strict_mode": "true",
        "rate_limiting_enabled": "true",
        "max_requests_per_minute": "100",
        "auto_ban_enabled": "true",
        "ban_duration_minutes": "60",
        "cors_enabled": "false",
        "allowed_origins": '["https://spacetime.production.com"]',
        "debug_endpoints_enabled": "false",
    },
    API_SERVER: {
        "server_host": '"127.0.0.1"',
        "server_port": "8080",
        "verbose_logging": "false",
        "enable_profiling": "true",
        "enable_metrics": "true",
    },
    SECURITY_HEADERS: {
        "cors_allowed_origins": '[\n\t"https://spacetime.production.com",\n\t"https://api.spacetime.production.com",\n]',
        "cors_allowed_methods": '["GET", "POST", "PUT", "DELETE"]',
        "cors_allow_credentials": "false",
    },
}
_CLASSES = {
    SECURITY_CONFIG: ("class_name HttpApiSecurityConfig\nextends RefCounted\n## Security of the HTTP API.\n", "static var"),
    API_SERVER: ("extends Node\n## The HTTP API's server.\n", "var"),
    SECURITY_HEADERS: ("class_name SecurityHeaders\nextends RefCounted\n## Headers on every answer.\n", "static var"),
}


def env_text(host: Host, secrets: RuntimeSecrets) -> str:
    """The text of `.env.production`; a setting given as REMOVED is left out, an unknown one stands at the end."""
    settings = {**ENV, "JWT_SECRET_KEY": secrets.jwt_secret, **host.env}
    lines = [f"{name}={value}" for name, value in settings.items() if value != REMOVED]
    return "# Production environment of SpaceTime VR\n" + "\n".join(lines) + "\n"


def gdscript_text(path: str, host: Host) -> str:
    """The text of one GDScript file with its settings."""
    header, keyword = _CLASSES[path]
    settings = {**GDSCRIPT[path], **host.gdscript.get(path, {})}
    lines = [f"{keyword} {name} = {value}" for name, value in settings.items() if value != REMOVED]
    return f"{header}\n" + "\n".join(lines) + "\n"
