"""What the game's own code says about security, as a parser reads it.

Checklist lines 74-78, 250-251, 397, 808-823, 840-846, 883-888.
"""

from preflight.fixtures import item, not_built


@item("SEC-GD-01")
def test_authentication_is_on_in_the_code():
    """The game's code has authentication, token manager and strict mode switched on."""
    not_built()


@item("SEC-GD-02")
def test_limiter_is_on_in_the_code():
    """The game's code has the limiter switched on, at 100 requests a minute."""
    not_built()


@item("SEC-GD-03")
def test_offenders_are_banned_by_the_code():
    """The game's code bans offenders by itself, for an hour."""
    not_built()


@item("SEC-GD-04")
def test_cors_is_off_in_the_security_configuration():
    """The game's security configuration keeps CORS off or to production origins."""
    not_built()


@item("SEC-GD-05")
def test_debug_endpoints_are_off_in_the_code():
    """The game's code has its debug endpoints switched off."""
    not_built()


@item("SEC-GD-06")
def test_server_listens_on_the_local_address():
    """The game's server listens on the local address and the agreed port."""
    not_built()


@item("SEC-GD-07")
def test_server_logs_sparingly_and_keeps_metrics():
    """The game's server logs sparingly and keeps profiling and metrics on."""
    not_built()


@item("SEC-GD-08")
def test_header_module_allows_production_origins_only():
    """The header module allows the two production origins and four methods, without credentials."""
    not_built()
