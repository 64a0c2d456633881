"""The whole deployment as data: what each part does, and the knobs that faults turn.

One long module: who writes a fault looks for its knob in one place.

A fault is a change of this data and nothing else, so every knob is general (a header, an answer, a delay) rather
than the name of one fault. The defaults are the clean deployment. Text may hold `{{token}}`, `{{old_token}}` and
`{{jwt_secret}}`; they are filled in where the text is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

REMOVED = "<removed>"
"""As a value of an override: the key is left out of the answer."""

VERSION = "2.5.0-production"
FRONT_ADDRESS = "127.0.0.2"
"""Where the front's upstream connections come from: an address of its own, so that trusting it trusts nobody else."""
EXEMPT_ADDRESS = "127.0.0.9"
"""The one address that the operator takes out of limiting, for measurements that need many requests."""

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "1; mode=block",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=()",
}
HSTS = "max-age=31536000; includeSubDomains"
SCENES = (
    "res://scenes/lobby.tscn",
    "res://scenes/training_room.tscn",
    "res://scenes/orbital_station.tscn",
    "res://vr_main.tscn",
)
OPEN_ENDPOINTS = (
    "GET /health",
    "GET /health/quick",
    "GET /status",
    "GET /web/scene_manager.html",
    "GET /web/scene_manager.js",
    "GET /web/scene_manager.css",
    "GET /web/favicon.svg",
)

LATENCY_EDGES_S = (0.005, 0.01, 0.025, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The latency histogram's: one at the limits 200 and 500 ms, and from 40 to 300 ms none more than 1.5 times the one before."""


@dataclass(frozen=True)
class Answer:
    """A fixed answer, given as it stands before anything else is looked at."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DelayModel:
    """How long the game works on an endpoint's answer, beyond the wait for its next poll. Shares are spread evenly.

    `stall_*`: nobody is answered for `stall_s` in every `stall_every_s`. `drift_per_s`: relative growth per second
    since the start. `per_waiting_ms`: more work for each other request in flight. `error_share`: 500 at once;
    `hang_share`: no answer for a minute. `quantised=False`: not held back for the game's next poll.
    """

    ms: float = 0.0
    slow_ms: float = 0.0
    slow_share: float = 0.0
    stall_every_s: float = 0.0
    stall_s: float = 0.0
    drift_per_s: float = 0.0
    warm_up_ms: float = 0.0
    warm_up_requests: int = 0
    per_waiting_ms: float = 0.0
    error_share: float = 0.0
    hang_share: float = 0.0
    quantised: bool = True


CLEAN_LATENCY = {
    "GET /scene": DelayModel(ms=14),
    "POST /scene": DelayModel(ms=120),
    "PUT /scene": DelayModel(ms=25),
    "POST /scene/reload": DelayModel(ms=60),
    "GET /scenes": DelayModel(ms=18),
    "GET /health": DelayModel(ms=3),
}
"""Work per endpoint, in ms: the order of the documented figures, well inside the targets, on a shared machine too."""


@dataclass(frozen=True)
class Authentication:
    """Who is let in. `endpoint` entries read "GET /scene"; "* /scene" is every method."""

    enforced: bool = True
    open_endpoints: tuple[str, ...] = OPEN_ENDPOINTS
    refuse_always: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ("HS256",)
    check_signature: bool = True
    signature_bytes: int = 32
    check_expiry: bool = True
    check_not_before: bool = True
    further_secrets: tuple[str, ...] = ()
    accept_previous_secret: bool = False
    rotation_ends_old: bool = True
    scheme_any_case: bool = False
    bare_token: bool = False
    token_in_query: tuple[str, ...] = ()
    shortest_token: int = 16
    padded: bool = False
    refusal: Answer | None = None
    malformed_status: int = 401
    token_life_s: int = 86400


@dataclass(frozen=True)
class Limiter:
    """Token buckets per client address and path, and the ban that follows repeated refusals."""

    enabled: bool = True
    per_minute: int = 100
    paths: dict[str, int] = field(
        default_factory=lambda: {
            "/scene": 30,
            "/scene/reload": 20,
            "/scenes": 60,
            "/scene/history": 100,
            "/auth/rotate": 10,
            "/auth/refresh": 30,
            "/admin/metrics": 60,
            "/admin/config": 10,
        }
    )
    factor: float = 1.0
    only_paths: tuple[str, ...] = ()
    key: Literal["address", "connection", "everybody", "query"] = "address"
    refusal_status: int = 429
    retry_after: bool = True
    announce: bool = True
    ban: bool = True
    ban_refusals: int = 5
    ban_window_s: float = 600.0
    ban_s: float = 3600.0
    exempt: tuple[str, ...] = (EXEMPT_ADDRESS,)


@dataclass(frozen=True)
class Intrusion:
    """The documented rules of intrusion detection; a rule left out of `rules` is off.

    `overtime_s`: bans go on for so long beyond the end that refusals tell.
    """

    rules: tuple[str, ...] = ("logins", "identities", "rate", "endpoint_rate", "flood", "injection", "traversal")
    # shorter than any real one, so that a rehearsal lives to see its end
    temporary_ban_s: float = 2.0
    halved_s: float = 600.0
    overtime_s: float = 0.0


@dataclass(frozen=True)
class Headers:
    """Headers of the game's answers; `missing_on` and `changed_on` are keyed by status ("401", or "*" for all), the former by path too."""

    security: dict[str, str] = field(default_factory=lambda: dict(SECURITY_HEADERS))
    extra: dict[str, str] = field(default_factory=dict)
    doubled: dict[str, str] = field(default_factory=dict)
    missing_on: dict[str, tuple[str, ...]] = field(default_factory=dict)
    changed_on: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Cors:
    """Cross-origin answers; off in the clean game."""

    origins: tuple[str, ...] = ()
    reflect: bool = False
    credentials: bool = False
    methods: tuple[str, ...] = ("GET", "POST", "PUT", "DELETE")
    answer_options: bool = True


@dataclass(frozen=True)
class Input:
    """What the game takes. `accepted_paths`: regular expressions of scene paths let through unchecked.

    `resolves`: paths are followed as a file system does, before they are checked; `missing_first`: what is not there is not checked.
    `broken_by`: kinds of bad body ("nul", "nested", "utf8") that are answered as `broken_answer` says.
    """

    whitelist: tuple[str, ...] = SCENES
    accepted_paths: tuple[str, ...] = ()
    resolves: bool = False
    missing_first: bool = False
    largest_body: int = 1_048_576
    check_content_type: bool = True
    broken_by: tuple[str, ...] = ()
    broken_answer: Literal["500", "close"] = "500"
    page_reflects_query: bool = False


@dataclass(frozen=True)
class Audit:
    """The audit log: lines or JSON, one file under the host's audit directory.

    `results` empty: every result is written. `always_address`: stands for every client's. `extra_details` stands behind the details of each line.
    """

    enabled: bool = True
    results: tuple[str, ...] = ()
    client_address: bool = True
    always_address: str = ""
    form: Literal["lines", "json", "nested"] = "lines"
    file: str = "audit.log"
    extra_details: str = ""
    zone_offset_s: int = 0


@dataclass(frozen=True)
class Telemetry:
    """The WebSocket stream: its manners and the values in it."""

    mode: Literal["normal", "refuse", "silent", "garbage"] = "normal"
    drop_after_s: float = 0.0
    fps: float = 90.1
    fps_jitter: float = 0.3
    fps_interval_s: float = 0.5
    tracking_interval_s: float = 0.1
    head: Literal["natural", "frozen", "jumping", "untracked"] = "natural"
    controllers: tuple[str, ...] = ("left", "right")
    controller_drift_m_per_s: float = 0.0
    controller_profile: str = "/interaction_profiles/oculus/touch_controller"
    stuck_button: str = ""
    binary: bool = True
    pong: bool = True
    alerts: tuple[str, ...] = ()
    silence_limit_s: float = 60.0


@dataclass(frozen=True)
class Api:
    """The game's HTTP API. `json_overrides` are merged into an endpoint's answer, key by key."""

    authentication: Authentication = field(default_factory=Authentication)
    limiter: Limiter = field(default_factory=Limiter)
    intrusion: Intrusion = field(default_factory=Intrusion)
    headers: Headers = field(default_factory=Headers)
    cors: Cors = field(default_factory=Cors)
    input: Input = field(default_factory=Input)
    audit: Audit = field(default_factory=Audit)
    answers: dict[str, Answer] = field(default_factory=dict)
    json_overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    error_overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    bodies_appended: dict[str, str] = field(default_factory=dict)
    page_edits: dict[str, dict[str, str]] = field(default_factory=dict)
    latency: dict[str, DelayModel] = field(default_factory=lambda: dict(CLEAN_LATENCY))
    polls_per_second: float = 180.0
    trusted_proxies: tuple[str, ...] = (FRONT_ADDRESS,)
    forwarded_entry: Literal["first", "last"] = "last"
    environment: str = "production"
    version: str = VERSION
    debug_endpoints: bool = False
    memory_mb: float = 612.4
    fps: float = 90.1
    health_frozen: bool = False
    clock_offset_s: float = 0.0
    uptime_s: float = 90000.0
    restart_every_s: float = 0.0
    metrics_missing: tuple[str, ...] = ()
    metrics_without_series: tuple[str, ...] = ()
    metrics_set: dict[str, float] = field(default_factory=dict)
    log_line_per_request: str = ""
    json_content_type: str = "application/json; charset=utf-8"
    chunked: bool = False
    keep_alive: bool = True
    path_prefix: str = ""


@dataclass(frozen=True)
class Certificate:
    """What the front shows. `untrusted`: issued by an authority that the target file does not name."""

    names: tuple[str, ...] = ("localhost", "api.spacetime.rehearsal", "127.0.0.1")
    days_left: float = 90.0
    age_days: float = 5.0
    self_signed: bool = False
    untrusted: bool = False
    send_chain: bool = True


@dataclass(frozen=True)
class Front:
    """The TLS front: certificate, protocol versions, headers it adds, what it passes on."""

    certificate: Certificate = field(default_factory=Certificate)
    lowest_tls: Literal["1.0", "1.1", "1.2", "1.3"] = "1.2"
    highest_tls: Literal["1.0", "1.1", "1.2", "1.3"] = "1.3"
    ciphers: str = "HIGH:!aNULL:!MD5"
    add_headers: dict[str, str] = field(default_factory=lambda: {"Strict-Transport-Security": HSTS})
    added_on: tuple[int, ...] = ()
    drop_headers: tuple[str, ...] = ()
    redirect_to: str = "https://{host}:{port}{path}"
    redirect_status: int = 301
    plain_http: Literal["redirect", "serve", "serve what is posted", "refuse"] = "redirect"
    websocket: bool = True
    forwarded: Literal["append", "pass", "drop"] = "append"
    gzip: bool = True
    keep_alive: bool = True
    http2: bool = True
    upstream_keep_alive: bool = True
    answers: dict[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """One change to a file of the host, made after everything is written.

    In `text`, `{{ago:90}}` is the time 90 seconds ago as the logs write it. A path "newest:…" is the last match only.
    `kind`: write (text is the whole content), append, replace (every match of the regular expression `old` by
    `text`), delete (also directories), chmod (`number` is the mode), age (the modification time becomes `number`
    hours ago), pad (`number` MB of harmless log lines), truncate (to `number` bytes), move (to the path in `text`), commit (put into the project's git).
    """

    kind: Literal["write", "append", "replace", "delete", "chmod", "age", "pad", "truncate", "move", "commit"]
    path: str
    text: str = ""
    old: str = ""
    number: float = 0.0


@dataclass(frozen=True)
class Host:
    """The host's files: settings that are rendered, then `edits` in order; paths may hold `*`."""

    env: dict[str, str] = field(default_factory=dict)
    gdscript: dict[str, dict[str, str]] = field(default_factory=dict)
    version: str = VERSION
    backup_days: int = 30
    backup_leaves_out: tuple[str, ...] = ()
    audit_days: int = 30
    newest_backup_days_ago: int = 0
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class Monitoring:
    """What the monitoring has seen since an hour before the deployment; hours and minutes count from the deployment.

    Shares in percent, `cpu_percent` of all cores. `memory_growth_mb`, `requests_growth` and `latency_growth` (times) and `disk_growth` are over
    the whole day. `down`, `gaps`: (hour, minutes) in which the API was down, or nothing was scraped. `restarts`: hours.
    `host_memory_mb`: all that the host has. `peak`: (hour, times) a quarter of an hour with so many times the requests. `alerts`: (name, severity, hour, minutes)
    that were raised. `alone`: (hour, minutes) in which nobody was in VR. `dead_jobs`: scrape jobs whose target answers
    nothing now. `unloaded`: the rule files are not loaded; `broken_receiver`: the mail server refuses everything;
    `silenced`: a silence holds every alert of that severity back.
    """

    requests_per_s: float = 2.0
    requests_growth: float = 0.0
    error_percent: float = 0.1
    latency_ms: float = 20.0
    latency_growth: float = 0.0
    memory_mb: float = 612.0
    memory_growth_mb: float = 0.0
    host_memory_mb: float = 8192.0
    cpu_percent: float = 31.0
    fps: float = 90.1
    failed_logins_percent: float = 0.1
    disk_percent: float = 41.0
    disk_growth: float = 0.0
    restarts: tuple[float, ...] = ()
    down: tuple[tuple[float, float], ...] = ()
    gaps: tuple[tuple[float, float], ...] = ()
    peak: tuple[float, float] = (0.0, 1.0)
    alerts: tuple[tuple[str, str, float, float], ...] = ()
    alone: tuple[tuple[float, float], ...] = ()
    dead_jobs: tuple[str, ...] = ()
    unloaded: bool = False
    broken_receiver: bool = False
    silenced: str = ""


@dataclass(frozen=True)
class Gathered:
    """Where logs are gathered: a stand-in for Loki. `hole_hours`: from and to, from the deployment on, of which it has nothing.

    `access_log`: the front's is gathered too. `stopped`: nothing of after the start is there. `refuses`: every query is.
    """

    access_log: bool = True
    stopped: bool = False
    refuses: bool = False
    hole_hours: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Secrets:
    """The deployment's secrets; what is empty is made up anew for each start."""

    jwt: str = ""
    previous_jwt: str = ""
    development_jwt: str = ""
    jwt_same_as_development: bool = False


@dataclass(frozen=True)
class Deployment:
    """Everything that a rehearsal starts."""

    api: Api = field(default_factory=Api)
    front: Front = field(default_factory=Front)
    telemetry: Telemetry = field(default_factory=Telemetry)
    host: Host = field(default_factory=Host)
    monitoring: Monitoring = field(default_factory=Monitoring)
    gathered: Gathered = field(default_factory=Gathered)
    secrets: Secrets = field(default_factory=Secrets)
    absent: dict[str, str] = field(default_factory=dict)
    headset: dict[str, Any] = field(default_factory=dict)
