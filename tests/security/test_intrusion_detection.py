"""Attacks are noticed, and bans begin and end as announced.

Checklist lines 74, 1347.
"""

from preflight.fixtures import item, not_built


@item("SEC-IDS-01")
def test_intrusion_detection_is_running():
    """Intrusion detection is running and says so."""
    not_built()


@item("SEC-IDS-02")
def test_repeated_failed_logins_bring_a_ban():
    """Five failed logins within a minute get the address banned."""
    not_built()


@item("SEC-IDS-03")
def test_ban_ends_when_it_says():
    """A ban says when it ends, and ends then."""
    not_built()


@item("SEC-IDS-04")
def test_repeated_refusals_bring_a_ban():
    """Five refusals by the limiter within ten minutes get the address banned."""
    not_built()


@item("SEC-IDS-05")
def test_injection_pattern_brings_a_ban():
    """An injection pattern in a request is noticed and gets the address banned."""
    not_built()


@item("SEC-IDS-06")
def test_security_alerts_stayed_quiet():
    """Security alerts stayed quiet in the first four hours."""
    not_built()
