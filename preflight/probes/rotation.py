"""Secrets and tokens before and after a rotation."""

from __future__ import annotations

from preflight.errors import BadAnswer, LookError
from preflight.probes import envfile
from preflight.probes.host import Host, read_text
from preflight.probes.http import Answer
from preflight.redact import Secret
from preflight.target import Target

_COPIES = 3
_TOKEN_FIELDS = ("token", "access_token", "new_token", "jwt", "api_token")


def secret_and_earlier_ones(host: Host, target: Target) -> tuple[Secret, list[Secret]]:
    """The JWT secret in force, and those that the backups of before the deployment and the operator remember."""
    paths = target.facts.paths
    secret = envfile.parse(read_text(host, paths.env_file)).value("JWT_SECRET_KEY")
    if not secret:
        raise LookError(f"{paths.env_file} sets no JWT_SECRET_KEY")
    if "<" not in secret:  # a placeholder is no secret, and has an item of its own
        target.learn(Secret(secret))
    earlier = [given for name in ("development_jwt_secret",) if (given := target.secret(name))]
    for path in (f"{paths.project}/.env", f"{paths.project}/.env.development", f"{paths.project}/.env.example"):
        if host.facts(path):
            value = envfile.parse(read_text(host, path)).value("JWT_SECRET_KEY")
            if value:
                earlier.append(Secret(value))
                target.learn(Secret(value))
    for path in _backups(host, target):
        value = envfile.parse(read_text(host, path)).value("JWT_SECRET_KEY")
        if value:
            earlier.append(Secret(value))
            target.learn(Secret(value))
    return Secret(secret), earlier


def _backups(host: Host, target: Target) -> list[str]:
    """The newest copies of the environment file from before the deployment, or from before the file was written."""
    folder, deployed = target.facts.paths.backups.rstrip("/"), target.facts.times.deployed_at
    if host.facts(folder) is None:
        return []
    written = host.facts(target.facts.paths.env_file)
    until = deployed.timestamp() if deployed else written.modified if written else 0.0
    named = [f"{folder}/{name}" for name in host.listing(folder) if name.startswith("env-")]
    older = [(facts.modified, path) for path in named if (facts := host.facts(path)) and facts.modified < until]
    return [path for _, path in sorted(older, reverse=True)[:_COPIES]]


def issued_token(answer: Answer) -> Secret:
    """The token in the answer of /auth/refresh or /auth/rotate. Raises BadAnswer when there is none."""
    said = answer.object()
    nested = said.get("data")
    for fields in (said, nested if isinstance(nested, dict) else {}):
        for name in _TOKEN_FIELDS:
            value = fields.get(name)
            if isinstance(value, dict):
                value = value.get("token") or value.get("value")
            if isinstance(value, str) and len(value) >= 16:
                return Secret(value)
    raise BadAnswer(f"{answer.method} {answer.url}: {answer.status_code}, but no token in the answer")
