"""From outside only HTTPS, and HTTP for the redirect, can be reached.

Checklist lines 388-392, 399, 1536-1541.
"""

from preflight.fixtures import item, not_built


@item("SEC-FW-01")
def test_https_port_is_open():
    """HTTPS can be reached from outside (port 443)."""
    not_built()


@item("SEC-FW-02")
def test_http_port_is_open_for_renewals():
    """HTTP can be reached from outside for the renewal of certificates (port 80)."""
    not_built()


@item("SEC-FW-03")
def test_api_port_is_closed_from_outside():
    """The game's own API port can't be reached from outside, by IPv4 or IPv6."""
    not_built()


@item("SEC-FW-04")
def test_monitoring_ports_are_closed_from_outside():
    """Telemetry, Prometheus, Grafana and Alertmanager can't be reached from outside."""
    not_built()


@item("SEC-FW-05")
def test_internal_monitoring_can_read_the_metrics():
    """Internal monitoring can read the metrics."""
    not_built()


@item("SEC-FW-06")
def test_firewall_is_active():
    """The firewall is active and its rules are the agreed ones."""
    not_built()
