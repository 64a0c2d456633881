"""What a target file may say: its tables and keys as typed, frozen models. A key that is not here is a mistake of the operator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from preflight.checklist import Consent, Part


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
ApiPath = Annotated[str, Field(pattern=r"^/")]
Time = Annotated[datetime, AfterValidator(_aware)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)  # collecting reads no target file


class ApiPart(_Part):
    """The HTTP API: through the front, and (where reachable from here) the game itself."""

    url: HttpUrl
    http_url: HttpUrl | None = None
    internal_url: HttpUrl | None = None
    ca_file: Path | None = None
    trust_any_certificate: bool = False
    endpoints: tuple[ApiPath, ...] = ()
    protected: tuple[ApiPath, ...] = ()


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
    port: int | None = None

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
