"""The 28 settings of the production environment file, and how the file is kept.

Checklist lines 73, 77-78, 192-235, 248-252, 396-397, 1373, 1547.
"""

from preflight.fixtures import item, not_built


@item("SEC-ENV-01")
def test_environment_file_is_there():
    """The production environment file is there."""
    not_built()


@item("SEC-ENV-02")
def test_every_setting_stands_exactly_once():
    """Each of the 28 settings stands in the environment file exactly once."""
    not_built()


@item("SEC-ENV-03")
def test_jwt_secret_has_256_bits():
    """The JWT secret has 256 bits, written as 64 hexadecimal digits."""
    not_built()


@item("SEC-ENV-04")
def test_jwt_secret_is_not_a_known_one():
    """The JWT secret is not the development one and not a known word."""
    not_built()


@item("SEC-ENV-05")
def test_authentication_is_demanded():
    """The environment file demands authentication, in strict mode."""
    not_built()


@item("SEC-ENV-06")
def test_limiter_is_switched_on():
    """The environment file switches the limiter on, at 100 requests in 60 seconds for each address."""
    not_built()


@item("SEC-ENV-07")
def test_debug_mode_is_switched_off():
    """The environment file switches debug mode and debug endpoints off."""
    not_built()


@item("SEC-ENV-08")
def test_cors_is_off_or_for_production_domains_only():
    """The environment file keeps CORS off or to the two production domains and the four methods."""
    not_built()


@item("SEC-ENV-09")
def test_environment_folder_and_port_are_the_agreed_ones():
    """The environment file says production and names folder, port, address and HTTPS as agreed."""
    not_built()


@item("SEC-ENV-10")
def test_metrics_and_health_checks_are_switched_on():
    """The environment file switches metrics, profiling and health checks on, and verbose logging off."""
    not_built()


@item("SEC-ENV-11")
def test_audit_log_is_switched_on():
    """The environment file switches the audit log on, for thirty days, in the audit folder."""
    not_built()


@item("SEC-ENV-12")
def test_connections_time_and_size_are_bounded():
    """The environment file bounds connections, waiting time and request size."""
    not_built()


@item("SEC-ENV-13")
def test_tokens_live_for_a_day_at_most():
    """Tokens live for a day at most."""
    not_built()


@item("SEC-ENV-14")
def test_only_the_owner_can_read_the_file():
    """Only its owner can read the environment file."""
    not_built()


@item("SEC-ENV-15")
def test_file_is_not_under_version_control():
    """The environment file is not under version control, and never was."""
    not_built()


@item("SEC-ENV-16")
def test_no_placeholder_is_left():
    """No placeholder is left in any configuration file."""
    not_built()
