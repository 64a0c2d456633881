"""Prometheus runs, scrapes the game and has every metric that is asked for.

Checklist lines 426-435, 441-455, 499-501, 539, 651, 658, 660, 1025-1046, 1213, 1288, 1374, 1539, 1549.
"""

from preflight.fixtures import item, not_built


@item("HLT-PROM-01")
def test_prometheus_is_ready():
    """Prometheus is running and ready."""
    not_built()


@item("HLT-PROM-02")
def test_game_is_being_scraped():
    """Prometheus is scraping the game's API metrics now."""
    not_built()


@item("HLT-PROM-03")
def test_all_targets_are_up():
    """All targets of Prometheus are up, telemetry included."""
    not_built()


@item("HLT-PROM-04")
def test_pace_and_labels_are_the_agreed_ones():
    """Prometheus scrapes and evaluates every 15 s, and labels its data with cluster and environment."""
    not_built()


@item("HLT-PROM-05")
def test_job_for_the_api_is_configured():
    """Prometheus has the job for the game's API, with its path, pace and credentials."""
    not_built()


@item("HLT-PROM-06")
def test_job_for_telemetry_is_configured():
    """Prometheus has the job for telemetry, with its path and pace."""
    not_built()


@item("HLT-PROM-07")
def test_prometheus_is_connected_to_alertmanager():
    """Prometheus knows its Alertmanager and is connected to it."""
    not_built()


@item("HLT-PROM-08")
def test_request_metrics_are_there():
    """The request metrics are there: rate, errors, latency and connections."""
    not_built()


@item("HLT-PROM-09")
def test_security_metrics_are_there():
    """The security metrics are there: failed logins, limiter hits, audit entries, intrusion alerts."""
    not_built()


@item("HLT-PROM-10")
def test_vr_metrics_are_there():
    """The VR metrics are there: frame rate, frame time, input latency and memory."""
    not_built()


@item("HLT-PROM-11")
def test_system_metrics_are_there():
    """The system metrics are there: CPU, memory, disk and network."""
    not_built()


@item("HLT-UNIT-01")
def test_monitoring_comes_back_after_a_restart():
    """Prometheus, Grafana and Alertmanager come back by themselves after a restart of the host."""
    not_built()


@item("HLT-AFTER-10")
def test_new_version_is_being_scraped():
    """Prometheus is scraping the new version."""
    not_built()


@item("HLT-AFTER-11")
def test_no_scrape_was_missed():
    """Prometheus has missed no scrape since the deployment."""
    not_built()
