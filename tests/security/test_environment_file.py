"""The 28 settings of the production environment file, and how the file is kept.

Checklist lines 73, 77-78, 192-235, 248-252, 396-397, 1373, 1547.
"""

from preflight.errors import Undecided
from preflight.fixtures import item
from preflight.outcome import Reason
from preflight.probes import cors, envfile, placeholders, rotation, versioncontrol
from preflight.probes.project import SETTINGS_FILES

METHODS = {"GET", "POST", "PUT", "DELETE"}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def switched(environment, evidence, **wanted):
    """Each setting is set, and on or off as wanted."""
    for name, on in wanted.items():
        evidence.saw("settings", environment.count(name) > 0)
        assert environment.value(name) is not None, f"{name} is not set"
        assert environment.switch(name) is on, f"{name} is {environment.value(name)!r} instead of {str(on).lower()}"


def bounded(environment, evidence, **limits):
    """Each setting is a number above zero (zero means no bound at all) and within the limit of that name."""
    for name, limit in limits.items():
        evidence.saw("settings", environment.count(name) > 0)
        number = environment.number(name)
        assert environment.value(name) is not None, f"{name} is not set"
        assert number is not None, f"{name} is {environment.value(name)!r}, which is no number"
        assert number > 0, f"{name} is {number:g}: nothing is bounded by it"
        evidence.judge(limit, number, where=name)


@item("SEC-ENV-01")
def test_environment_file_is_there(host, target, evidence):
    """The production environment file is there."""
    path = target.facts.paths.env_file
    facts = host.facts(path)
    evidence.saw("files", facts is not None)

    assert facts is not None, f"{path} is missing"
    assert facts.size > 0, f"{path} is empty"


@item("SEC-ENV-02")
def test_every_setting_stands_in_the_file(environment, target, evidence):
    """Each of the 28 settings stands in the environment file, and none twice with different values."""
    path = target.facts.paths.env_file
    evidence.saw("files")
    evidence.saw("settings", sum(environment.count(name) > 0 for name in envfile.SETTINGS))
    absent = [name for name in envfile.SETTINGS if not environment.count(name)]
    doubled = [name for name in environment.contradicting() if name in envfile.SETTINGS]

    assert not environment.broken, f"{path} can't be read in line {', '.join(map(str, environment.broken))}"
    assert not absent, f"{path} does not set {', '.join(absent)}"
    assert not doubled, f"{path} sets {', '.join(doubled)} more than once, with different values"


@item("SEC-ENV-03")
def test_jwt_secret_has_256_bits(environment, evidence):
    """The JWT secret has 256 bits, written as 64 hexadecimal digits."""
    secret = environment.value("JWT_SECRET_KEY")
    evidence.saw("settings", bool(secret))

    assert secret, "JWT_SECRET_KEY is not set"
    assert envfile.is_hexadecimal(secret), "JWT_SECRET_KEY holds something else than hexadecimal digits"
    evidence.judge("secret_length", len(secret))


@item("SEC-ENV-04")
def test_jwt_secret_is_not_a_known_one(environment, host, target, evidence):
    """The JWT secret is not the development one and not a known word, and the game uses it."""
    secret, earlier = rotation.secret_in_force(host, target), rotation.development_secrets(host, target)
    evidence.saw("settings")
    evidence.fact("compared with", f"{len(earlier)} other secret(s)")
    weak = envfile.guessable(secret.reveal())

    assert secret not in earlier, "JWT_SECRET_KEY is the one that is used in development"
    assert not weak, f"JWT_SECRET_KEY is {weak}"
    given = target.secret("token")
    assert given is None or envfile.signed_with(given, secret) is not False, (
        "the API token is not signed with JWT_SECRET_KEY: the game runs with another secret than the file holds"
    )
    if not earlier:
        raise Undecided(Reason.OPERATOR, "no development secret to compare with: give [secrets] development_jwt_secret")


@item("SEC-ENV-05")
def test_authentication_is_demanded(environment, evidence):
    """The environment file demands authentication, in strict mode."""
    switched(environment, evidence, AUTH_REQUIRED=True, AUTH_STRICT_MODE=True)


@item("SEC-ENV-06")
def test_limiter_is_switched_on(environment, evidence):
    """The environment file switches the limiter on, at 100 requests in 60 seconds for each address."""
    switched(environment, evidence, ENABLE_RATE_LIMITING=True)
    bounded(environment, evidence, RATE_LIMIT_PER_IP="rate_limit_per_ip", RATE_LIMIT_WINDOW="rate_limit_window")


@item("SEC-ENV-07")
def test_debug_mode_is_switched_off(environment, evidence):
    """The environment file switches debug mode and debug endpoints off."""
    switched(environment, evidence, DEBUG_MODE=False, ENABLE_DEBUG_ENDPOINTS=False)


@item("SEC-ENV-08")
def test_cors_is_off_or_for_production_domains_only(environment, evidence):
    """The environment file keeps CORS off or to the two production domains and the four methods."""
    for name in ("HTTP_API_ENABLE_CORS", "CORS_ALLOWED_ORIGINS", "CORS_ALLOWED_METHODS", "CORS_ALLOW_CREDENTIALS"):
        evidence.saw("settings", environment.count(name) > 0)
        assert environment.value(name) is not None, f"{name} is not set"
    origins = environment.words("CORS_ALLOWED_ORIGINS")
    methods = {method.upper() for method in environment.words("CORS_ALLOWED_METHODS")}

    agreed = cors.agreed(origins, off=environment.switch("HTTP_API_ENABLE_CORS") is False)
    assert agreed, f"CORS_ALLOWED_ORIGINS is {environment.value('CORS_ALLOWED_ORIGINS')!r}"
    assert methods <= METHODS, f"CORS_ALLOWED_METHODS has {', '.join(sorted(methods - METHODS))} as well"
    for name in ("HTTP_API_ENABLE_CORS", "CORS_ALLOW_CREDENTIALS"):
        assert environment.switch(name) is not None, f"{name} is {environment.value(name)!r}, neither on nor off"
    if environment.switch("HTTP_API_ENABLE_CORS"):
        evidence.warn("HTTP_API_ENABLE_CORS is on: the game answers browsers itself, which is left to the front in production")


@item("SEC-ENV-09")
def test_environment_folder_and_port_are_the_agreed_ones(environment, host, ports_of_the_game, evidence):
    """The environment file says production and names folder, port, address and HTTPS as agreed."""
    for name in ("ENVIRONMENT", "GODOT_PATH", "HTTP_API_PORT", "HTTP_API_HOST", "HTTP_API_HTTPS"):
        evidence.saw("settings", environment.count(name) > 0)
        assert environment.value(name), f"{name} is not set"
    folder, address = environment.value("GODOT_PATH").rstrip("/"), environment.value("HTTP_API_HOST")

    assert environment.value("ENVIRONMENT").strip().lower() == "production", (
        f"ENVIRONMENT is {environment.value('ENVIRONMENT')!r} instead of production"
    )
    assert host.facts(f"{folder}/project.godot") is not None, f"GODOT_PATH is {folder!r}, which holds no project.godot"
    assert environment.number("HTTP_API_PORT") in ports_of_the_game, (
        f"HTTP_API_PORT is {environment.value('HTTP_API_PORT')!r} instead of {' or '.join(map(str, ports_of_the_game))}"
    )
    assert environment.switch("HTTP_API_HTTPS") is True, f"HTTP_API_HTTPS is {environment.value('HTTP_API_HTTPS')!r}"
    if address not in LOOPBACK:
        evidence.warn(f"HTTP_API_HOST is {address!r}: only the firewall keeps strangers from the game's own port")


@item("SEC-ENV-10")
def test_metrics_and_health_checks_are_switched_on(environment, evidence):
    """The environment file switches metrics, profiling and health checks on, and verbose logging off."""
    switched(environment, evidence, ENABLE_METRICS=True, ENABLE_PROFILING=True, ENABLE_HEALTH_CHECKS=True, VERBOSE_LOGGING=False)


@item("SEC-ENV-11")
def test_audit_log_is_switched_on(environment, target, evidence):
    """The environment file switches the audit log on, for thirty days, in the audit folder."""
    switched(environment, evidence, AUDIT_LOG_ENABLED=True)
    path, expected = environment.value("AUDIT_LOG_PATH"), target.facts.paths.audit_log
    evidence.saw("settings", path is not None)

    assert path, "AUDIT_LOG_PATH is not set"
    assert path.rstrip("/") == expected.rstrip("/"), f"AUDIT_LOG_PATH is {path!r}, while the audit log is expected in {expected}"
    bounded(environment, evidence, AUDIT_LOG_RETENTION_DAYS="audit_retention")


@item("SEC-ENV-12")
def test_connections_time_and_size_are_bounded(environment, evidence):
    """The environment file bounds connections, waiting time and request size."""
    bounded(
        environment,
        evidence,
        MAX_CONNECTIONS="max_connections",
        REQUEST_TIMEOUT_MS="request_timeout",
        MAX_REQUEST_SIZE_MB="max_request_size",
    )


@item("SEC-ENV-13")
def test_tokens_live_for_a_day_at_most(environment, evidence):
    """Tokens live for a day at most."""
    bounded(environment, evidence, JWT_TOKEN_EXPIRY="token_life")


@item("SEC-ENV-14")
def test_only_the_owner_can_read_the_file(environment, host, target, evidence):
    """Only its owner can read the environment file."""
    path = target.facts.paths.env_file
    facts = host.facts(path)
    evidence.saw("files")

    assert not facts.mode & 0o077, f"{path} has mode {facts.permissions}: others than its owner get at the JWT secret"


@item("SEC-ENV-15")
def test_file_is_not_under_version_control(environment, host, target, people, evidence):
    """The environment file is not under version control, and never was."""
    path = target.facts.paths.env_file
    known = versioncontrol.of(host, path)
    evidence.saw("files")
    if known is None:
        evidence.fact(
            "repository", f"none on the host; in the clone that is deployed from: git log --all -- {path.rpartition('/')[2]}"
        )
        people.attested()
        return

    assert not known.tracked, f"{path} is in the git repository"
    assert not known.commits, f"{path} was in the git repository once ({known.commits} commit(s) hold it)"
    if not known.ignored:
        evidence.warn(f"no rule of .gitignore keeps {path} out: the next `git add .` takes it in")


@item("SEC-ENV-16")
def test_no_placeholder_is_left(environment, host, target, evidence):
    """No placeholder is left in any configuration file."""
    paths = target.facts.paths
    files = [paths.env_file, paths.nginx, paths.prometheus, paths.alert_rules, paths.alertmanager, paths.backup_script]
    found, read = placeholders.in_files(host, [*files, *(f"{paths.project}/{name}" for name in SETTINGS_FILES)])
    evidence.saw("files", read)

    assert not found, f"still to be replaced: {'; '.join(found[:5])}"
