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


def secret_in_force(host: Host, target: Target) -> Secret:
    """The JWT secret of the environment file. Raises LookError when it sets none."""
    path = target.facts.paths.env_file
    secret = envfile.parse(read_text(host, path)).value("JWT_SECRET_KEY")
    if not secret:
        raise LookError(f"{path} sets no JWT_SECRET_KEY")
    return _known(secret, target) or Secret(secret)


def development_secrets(host: Host, target: Target) -> list[Secret]:
    """The JWT secrets that developers use: the operator's word, and the project's other environment files."""
    given = target.secret("development_jwt_secret")
    project = target.facts.paths.project
    paths = [f"{project}/{name}" for name in (".env", ".env.development", ".env.example")]
    return [*([given] if given else []), *_in_files(host, target, [path for path in paths if host.facts(path)])]


def earlier_secrets(host: Host, target: Target) -> list[Secret]:
    """The JWT secrets that the newest backups of before the deployment remember."""
    return _in_files(host, target, _backups(host, target))


def _in_files(host: Host, target: Target, paths: list[str]) -> list[Secret]:
    values = [envfile.parse(read_text(host, path)).value("JWT_SECRET_KEY") for path in paths]
    return [known for value in values if value and (known := _known(value, target))]


def _known(value: str, target: Target) -> Secret | None:
    """A secret, to be kept out of every output; None for a placeholder, which is none and has an item of its own."""
    if "<" in value:
        return None
    target.learn(Secret(value))
    return Secret(value)


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
