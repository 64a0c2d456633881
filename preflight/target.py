"""The deployment under test: one typed, frozen object from a TOML file and the secrets it names."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from preflight.checklist import Consent, Part
from preflight.redact import Secret, learn


class TargetError(ValueError):
    """The target can't be used as it is: one sentence that names key, file and line."""


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        try:
            _ = parts.port
        except ValueError as error:
            raise ValueError(f"{value!r} has no valid port") from error
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"{value!r} is no {' or '.join(schemes)} URL")
        if parts.username or parts.password:
            raise ValueError("a URL must not carry a user or password; name the secret under [secrets]")
        if parts.query or parts.fragment:
            raise ValueError(f"{value!r} must end with the path")
        return value.rstrip("/")

    return AfterValidator(check)


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("give the time with its zone, such as 2026-01-31T12:00:00Z")
    return value.astimezone(UTC)


HttpUrl = Annotated[str, _url("http", "https")]
WsUrl = Annotated[str, _url("ws", "wss")]
Time = Annotated[datetime, AfterValidator(_aware)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiPart(_Part):
    """The HTTP API: through the front, and (where reachable from here) the game itself."""

    url: HttpUrl
    http_url: HttpUrl | None = None
    internal_url: HttpUrl | None = None
    ca_file: Path | None = None
    trust_any_certificate: bool = False
    endpoints: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()


class TelemetryPart(_Part):
    """The telemetry WebSocket."""

    url: WsUrl
    front_path: str | None = Field(default=None, pattern=r"^/")


class ServicePart(_Part):
    """A monitoring service with an HTTP interface."""

    url: HttpUrl


class GatheredPart(_Part):
    """Where logs are gathered: Loki, or a file on the host. `selector`: the streams of this deployment, in LogQL."""

    url: HttpUrl | None = None
    file: str | None = Field(default=None, pattern=r"^/")
    selector: str = Field(default='{job=~".+"}', pattern=r"^\{.+\}$")

    @model_validator(mode="after")
    def _one_place(self) -> GatheredPart:
        if (self.url is None) == (self.file is None):
            raise ValueError("give url (Loki) or file (on the host), one of them")
        return self


class HostPart(_Part):
    """The machine of the deployment: this one, or one reached by SSH. `root` prefixes every path."""

    kind: Literal["local", "ssh"] = "local"
    root: PurePosixPath = PurePosixPath("/")
    address: str | None = None
    user: str | None = None
    port: int = 22

    @model_validator(mode="after")
    def _reachable(self) -> HostPart:
        if (self.kind == "ssh") != (self.address is not None):
            raise ValueError("kind = 'ssh' and address go together")
        return self


class Paths(_Part):
    """Where the checklist's files are on the host; the defaults are the checklist's own."""

    project: str = "/opt/godot"
    env_file: str = "/opt/godot/.env.production"
    nginx: str = "/etc/nginx/sites-available/spacetime-api"
    prometheus: str = "/opt/prometheus/prometheus.yml"
    alert_rules: str = "/opt/godot/monitoring/prometheus/prometheus_alerts.yml"
    alertmanager: str = "/opt/alertmanager/alertmanager.yml"
    dashboards: str = "/opt/godot/monitoring/grafana/dashboards"
    game_log: str = "/var/log/spacetime/godot.log"
    audit_log: str = "/var/log/spacetime/audit"
    backups: str = "/backup/spacetime"
    backup_script: str = "/opt/scripts/backup.sh"
    crontab: str = "/var/spool/cron/crontabs/root"
    rollback_script: str = "/opt/godot/deploy/rollback.sh"
    test_reports: str = "/opt/godot/tests/reports"


class Times(_Part):
    """When the build under test was deployed, and taken back."""

    deployed_at: Time | None = None
    rolled_back_at: Time | None = None


class Manners(_Part):
    """What the suite may do here, and from where."""

    missing_token_is_no_login: bool = False
    maintenance: bool = False
    intrusion_detection_suspended: bool = False
    addresses: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()


class Performance(_Part):
    """How much time measuring may take."""

    cap_seconds: float = Field(default=300.0, gt=0)
    exempt_address: str | None = None
    locust_master: HttpUrl | None = None


class People(_Part):
    """Where attestations and waivers are kept, beside the target file unless absolute."""

    attestations: Path = Path("attestations.toml")
    waivers: Path = Path("waivers.toml")


class Secrets(_Part):
    """Names of secrets, never the secrets: `env:NAME` or `file:PATH` (readable by its owner only)."""

    token: str | None = None
    old_token: str | None = None
    expired_token: str | None = None
    jwt_secret: str | None = None
    development_jwt_secret: str | None = None
    prometheus_password: str | None = None
    grafana_token: str | None = None
    ssh_key: str | None = None


SecretName = Literal[
    "token",
    "old_token",
    "expired_token",
    "jwt_secret",
    "development_jwt_secret",
    "prometheus_password",
    "grafana_token",
    "ssh_key",
]


class TargetFile(_Part):
    """The whole of a target file."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")
    build: str = Field(min_length=1, max_length=80)
    rehearsal: bool = False
    api: ApiPart
    telemetry: TelemetryPart | None = None
    prometheus: ServicePart | None = None
    alertmanager: ServicePart | None = None
    grafana: ServicePart | None = None
    loki: GatheredPart | None = None
    host: HostPart | None = None
    paths: Paths = Paths()
    absent: Mapping[Part, Annotated[str, Field(min_length=8)]] = {}
    absent_metrics: Mapping[str, str] = {}
    times: Times = Times()
    consent: Mapping[Consent, bool] = {}
    manners: Manners = Manners()
    performance: Performance = Performance()
    people: People = People()
    secrets: Secrets = Secrets()
    limits: Mapping[str, float] = {}


class Target:
    """The deployment under test: the file's facts, the secrets' values, and where the file lies."""

    def __init__(self, facts: TargetFile, path: Path, secrets: Mapping[str, Secret]) -> None:
        self.facts = facts
        self.path = path
        self._secrets = dict(secrets)
        self._learned: list[Secret] = []

    def secret(self, name: SecretName) -> Secret | None:
        """A secret by its name, or None where the operator gave none."""
        return self._secrets.get(name)

    def learn(self, *secrets: Secret) -> None:
        """Remember secrets found while looking (in the host's environment file), so that no report shows them."""
        for secret in secrets:
            if secret not in self._learned:
                self._learned.append(secret)
                learn(secret.reveal())

    def known_secrets(self) -> list[Secret]:
        """Every secret of this target that the run knows: what must not be found in answers and logs."""
        return [*self._secrets.values(), *self._learned]

    def revealed(self) -> list[str]:
        """Every secret's value, for the redactor alone."""
        return [secret.reveal() for secret in self._secrets.values()]

    def beside(self, path: Path) -> Path:
        """`path` as seen from the target file."""
        return path if path.is_absolute() else self.path.parent / path

    def consents(self, consent: str) -> bool:
        """Whether the operator has agreed to that effect."""
        return bool(self.facts.consent.get(consent, False))  # type: ignore[call-overload]

    def port_of_the_game(self) -> int | None:
        """The port the game itself listens on, where the target file says it."""
        url = self.facts.api.internal_url
        if url is None:
            return None
        return urlsplit(url).port or (443 if url.startswith("https") else 80)

    def offers(self, part: str) -> bool:
        """Whether the target file says where `part` is to be found."""
        facts = self.facts
        present: dict[str, bool] = {
            "api": True,
            "front": facts.api.url.startswith("https://"),
            "telemetry": facts.telemetry is not None,
            "host": facts.host is not None,
            "prometheus": facts.prometheus is not None,
            "alertmanager": facts.alertmanager is not None,
            "grafana": facts.grafana is not None,
            "loki": facts.loki is not None,
            "game_tests": facts.host is not None,
        }
        return present.get(part, True)


HOW_TO_OFFER: dict[str, str] = {
    "front": "give [api] url as an https:// address",
    "telemetry": 'give [telemetry] url = "ws://…"',
    "host": "give [host] kind and root (or address)",
    "prometheus": 'give [prometheus] url = "http://…"',
    "alertmanager": 'give [alertmanager] url = "http://…"',
    "grafana": 'give [grafana] url = "http://…"',
    "loki": 'give [loki] url = "http://…" or file = "/…" on the host, or declare it under [absent]',
    "game_tests": "give [host], whose paths.test_reports holds the JUnit files of the game's tests",
}


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Target:
    """Read, validate and complete a target.

    Raises TargetError with one sentence: unknown keys, bad URLs, placeholders, secrets in plain text or not to be found.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise TargetError(f"{path}: can't be read ({error.strerror}); make one with `preflight init`") from error
    except UnicodeDecodeError as error:
        raise TargetError(f"{path}: is not UTF-8 text") from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{path}: not valid TOML: {error}") from error
    for keys, value in _strings(raw):
        if re.search(r"<[^<>\n]*>", value):
            raise TargetError(f"{path}{_line(text, keys)}: {'.'.join(keys)} still holds the placeholder {value!r}; replace it")
    try:
        facts = TargetFile.model_validate(raw)
    except ValidationError as error:
        raise TargetError(_sentence(path, text, error)) from error
    secrets = {}
    for name, reference in facts.secrets.model_dump().items():
        if reference is not None:
            try:
                secrets[name] = _secret(reference, path.parent, environment)
            except ValueError as error:
                raise TargetError(f"{path}{_line(text, ('secrets', name))}: secrets.{name}: {error}") from error
    if facts.times.rolled_back_at and not facts.times.deployed_at:
        raise TargetError(f"{path}{_line(text, ('times', 'rolled_back_at'))}: times.rolled_back_at without times.deployed_at")
    return Target(facts, path, secrets)


def _secret(reference: str, folder: Path, environment: Mapping[str, str]) -> Secret:
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        value = environment.get(name, "")
        if not value.strip():
            raise ValueError(f"the environment variable {name} is not set")
        return Secret(value.strip())
    if kind == "file" and name:
        try:
            file = folder / Path(name).expanduser()
        except RuntimeError as error:
            raise ValueError(f"{name}: there is no such user") from error
        try:
            mode = file.stat().st_mode
            value = file.read_text("utf-8").strip()
        except OSError as error:
            raise ValueError(f"{file} can't be read ({error.strerror})") from error
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ValueError(f"{file} can be read by others; run: chmod 600 {file}")
        if not value:
            raise ValueError(f"{file} is empty")
        return Secret(value)
    raise ValueError("write env:NAME or file:PATH here, never the secret itself")


def _strings(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _strings(entry, (*keys, str(key)))
    elif isinstance(value, list):
        for entry in value:
            yield from _strings(entry, keys)


def _line(text: str, keys: tuple[str, ...]) -> str:
    """` line N` of the key in the file, or nothing where it can't be told (inline tables, dotted keys)."""
    table, wanted = list(keys[:-1]), keys[-1] if keys else ""
    current: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line)
        if header:
            current = [part.strip().strip("\"'") for part in header[1].split(".")]
            if current == list(keys):
                return f" line {number}"
        elif current == table and re.match(rf"\s*[\"']?{re.escape(wanted)}[\"']?\s*=", line):
            return f" line {number}"
    return ""


def _sentence(path: Path, text: str, error: ValidationError) -> str:
    first = error.errors()[0]
    keys = tuple(str(part) for part in first["loc"] if part != "[key]")
    name = ".".join(keys)
    match first["type"]:
        case "extra_forbidden":
            return f"{path}{_line(text, keys)}: unknown key {name}{_suggestion(keys)}"
        case "missing":
            return f"{path}: {name} is missing"
    message = first["msg"].removeprefix("Value error, ")
    if keys and keys[0] == "secrets":
        message = "must be env:NAME or file:PATH"
    return f"{path}{_line(text, keys)}: {name}: {message}"


def _suggestion(keys: tuple[str, ...]) -> str:
    import difflib

    model: Any = TargetFile
    for key in keys[:-1]:
        annotation = model.model_fields[key].annotation if key in model.model_fields else None
        candidates = [annotation, *get_args(annotation)]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
        if model is None:
            return ""
    close = difflib.get_close_matches(keys[-1], model.model_fields, n=1)
    return f"; did you mean {close[0]}?" if close else ""
