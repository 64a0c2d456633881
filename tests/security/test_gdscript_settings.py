"""What the game's own code says about security, as a parser reads it.

Checklist lines 74-78, 250-251, 397, 808-823, 840-846, 883-888.
"""

import pytest

from preflight.fixtures import item
from preflight.probes.answers import PRODUCTION_ORIGINS
from preflight.probes.project import API_SERVER, SECURITY_CONFIG, SECURITY_HEADERS

METHODS = {"GET", "POST", "PUT", "DELETE"}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@pytest.fixture
def there(host, target, evidence):
    """The script is where the checklist has it."""

    def look(path):
        evidence.saw("files", host.facts(f"{target.facts.paths.project}/{path}") is not None)
        assert host.facts(f"{target.facts.paths.project}/{path}") is not None, f"{path} is missing"

    return look


@pytest.fixture
def setting(script, evidence):
    """The value in force of a setting; a value that it may get in a branch is a warning."""

    def look(path, name):
        found = script(path).find(name)
        evidence.saw("settings", found is not None)
        assert found is not None, f"{path} does not set {name}"
        assert found.declared == 1, f"{path} declares {name} {found.declared} times, which Godot refuses to compile"
        evidence.fact(name, f"{found.value!r} (line {found.line})")
        for value, line in found.possible:
            if value != found.value:
                evidence.warn(f"{name} is {found.value!r}, but a branch in line {line} of {path} may make it {value!r}")
        return found

    return look


@pytest.fixture
def switched(setting, evidence):
    """Settings of a script are on or off as wanted."""

    def look(path, **wanted):
        evidence.saw("files")
        for name, on in wanted.items():
            found = setting(path, name)
            assert found.value is on, f"{name} is {found.value!r} instead of {str(on).lower()} ({path} line {found.line})"

    return look


@pytest.fixture
def bounded(setting, evidence):
    """A setting of a script is a number above zero and within the limit of that name."""

    def look(path, name, limit):
        found = setting(path, name)
        number = found.value if isinstance(found.value, int | float) and not isinstance(found.value, bool) else None
        assert number is not None, f"{name} is {found.value!r}, which is no number ({path} line {found.line})"
        assert number > 0, f"{name} is {number:g}: nothing is bounded by it ({path} line {found.line})"
        evidence.judge(limit, number, where=f"{path} line {found.line}")

    return look


def origins_of(found):
    """The origins of a list setting, in any order."""
    return {str(origin).rstrip("/").lower() for origin in found.value} if isinstance(found.value, list) else {str(found.value)}


@item("SEC-GD-01")
def test_authentication_is_on_in_the_code(there, switched):
    """The game's code has authentication, token manager and strict mode switched on."""
    there(SECURITY_CONFIG)
    switched(SECURITY_CONFIG, auth_enabled=True, use_token_manager=True, strict_mode=True)


@item("SEC-GD-02")
def test_limiter_is_on_in_the_code(switched, bounded):
    """The game's code has the limiter switched on, at 100 requests a minute."""
    switched(SECURITY_CONFIG, rate_limiting_enabled=True)
    bounded(SECURITY_CONFIG, "max_requests_per_minute", "max_requests_per_minute")


@item("SEC-GD-03")
def test_offenders_are_banned_by_the_code(switched, bounded):
    """The game's code bans offenders by itself, for an hour."""
    switched(SECURITY_CONFIG, auto_ban_enabled=True)
    bounded(SECURITY_CONFIG, "ban_duration_minutes", "ban_duration")


@item("SEC-GD-04")
def test_cors_is_off_in_the_security_configuration(setting, evidence):
    """The game's security configuration keeps CORS off or to production origins."""
    evidence.saw("files")
    enabled, allowed = setting(SECURITY_CONFIG, "cors_enabled"), setting(SECURITY_CONFIG, "allowed_origins")
    strangers = origins_of(allowed) - set(PRODUCTION_ORIGINS)

    assert isinstance(enabled.value, bool), f"cors_enabled is {enabled.value!r} ({SECURITY_CONFIG} line {enabled.line})"
    assert not strangers, f"allowed_origins has {', '.join(sorted(strangers))} ({SECURITY_CONFIG} line {allowed.line})"
    if enabled.value:
        evidence.warn("cors_enabled is true: the game answers browsers itself, which is left to the front in production")


@item("SEC-GD-05")
def test_debug_endpoints_are_off_in_the_code(switched):
    """The game's code has its debug endpoints switched off."""
    switched(SECURITY_CONFIG, debug_endpoints_enabled=False)


@item("SEC-GD-06")
def test_server_listens_on_the_local_address(setting, ports_of_the_game, evidence):
    """The game's server listens on the local address and the agreed port."""
    evidence.saw("files")
    address, port = setting(API_SERVER, "server_host"), setting(API_SERVER, "server_port")

    assert address.value in LOOPBACK, f"server_host is {address.value!r} ({API_SERVER} line {address.line})"
    assert port.value in ports_of_the_game, (
        f"server_port is {port.value!r} instead of {' or '.join(map(str, ports_of_the_game))} ({API_SERVER} line {port.line})"
    )


@item("SEC-GD-07")
def test_server_logs_sparingly_and_keeps_metrics(there, switched):
    """The game's server logs sparingly and keeps profiling and metrics on."""
    there(API_SERVER)
    switched(API_SERVER, verbose_logging=False, enable_profiling=True, enable_metrics=True)


@item("SEC-GD-08")
def test_header_module_allows_production_origins_only(there, setting):
    """The header module allows the two production origins and four methods, without credentials."""
    there(SECURITY_HEADERS)
    origins = setting(SECURITY_HEADERS, "cors_allowed_origins")
    methods = setting(SECURITY_HEADERS, "cors_allowed_methods")
    credentials = setting(SECURITY_HEADERS, "cors_allow_credentials")

    assert origins_of(origins) == set(PRODUCTION_ORIGINS), (
        f"cors_allowed_origins is {', '.join(sorted(origins_of(origins)))} ({SECURITY_HEADERS} line {origins.line})"
    )
    assert isinstance(methods.value, list), f"cors_allowed_methods is {methods.value!r} ({SECURITY_HEADERS} line {methods.line})"
    strangers = {str(method).upper() for method in methods.value} - METHODS
    assert not strangers, f"cors_allowed_methods has {', '.join(sorted(strangers))} ({SECURITY_HEADERS} line {methods.line})"
    assert credentials.value is False, (
        f"cors_allow_credentials is {credentials.value!r} ({SECURITY_HEADERS} line {credentials.line})"
    )
