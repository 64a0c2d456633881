"""Prometheus runs, scrapes the game and has every metric that is asked for.

Checklist lines 426-435, 441-455, 499-501, 539, 651, 658, 660, 1025-1046, 1213, 1288, 1374, 1539, 1549.
"""

from preflight.fixtures import item, not_built
from preflight.probes import processes


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
def test_pace_and_labels_are_the_agreed_ones(host, target, evidence, request):
    """Prometheus scrapes and evaluates every 15 s, and labels its data with cluster and environment."""
    path = target.facts.paths.prometheus
    evidence.saw("files", host.facts(path) is not None)
    assert host.facts(path) is not None, f"{path} is missing"
    prometheus_file = request.getfixturevalue("prometheus_file")
    for name in ("scrape_interval", "evaluation_interval"):
        evidence.saw("settings")
        evidence.judge(name, prometheus_file.interval(name), where="global")
    for name, wanted in (("cluster", "spacetime-production"), ("environment", "production")):
        evidence.saw("settings")
        value = prometheus_file.label(name)
        assert value == wanted, f"the external label {name} is {value!r} instead of {wanted!r}"


@item("HLT-PROM-05")
def test_job_for_the_api_is_configured(prometheus_file, evidence):
    """Prometheus has the job for the game's API, with its path, pace and credentials."""
    job = prometheus_file.job("godot_http_api")
    evidence.saw("files")
    assert job is not None, "there is no scrape job godot_http_api"
    evidence.saw("settings", 5)

    assert job.targets or job.discovered, "the job godot_http_api has no target"
    assert job.path == "/metrics", f"the job godot_http_api scrapes {job.path}"
    assert job.interval <= 15, f"the job godot_http_api scrapes every {job.interval:g} s instead of 15"
    assert job.credentials, "the job godot_http_api presents no credentials, and /metrics wants a token"
    if job.credentials != "Bearer":
        evidence.warn(f"the job godot_http_api presents {job.credentials} credentials, and the API wants Bearer")


@item("HLT-PROM-06")
def test_job_for_telemetry_is_configured(prometheus_file, evidence):
    """Prometheus has the job for telemetry, with its path and pace."""
    job = prometheus_file.job("godot_telemetry")
    evidence.saw("files")
    evidence.saw("settings", 4)
    if job is None:
        evidence.warn("there is no scrape job godot_telemetry; that is right where telemetry has no metrics of its own")
        return

    assert job.targets or job.discovered, "the job godot_telemetry has no target"
    assert job.path == "/metrics", f"the job godot_telemetry scrapes {job.path}"
    assert job.interval <= 30, f"the job godot_telemetry scrapes every {job.interval:g} s instead of 30"


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
def test_monitoring_comes_back_by_itself(host, target, evidence):
    """Prometheus, Grafana and Alertmanager come back by themselves after a restart of the host."""
    processes.must_be_a_machine(target)
    off = processes.not_enabled(host)
    evidence.saw("settings", len(processes.UNITS))

    assert not off, f"not started with the host: {', '.join(off)}"


@item("HLT-AFTER-10")
def test_new_version_is_being_scraped():
    """Prometheus is scraping the new version."""
    not_built()


@item("HLT-AFTER-11")
def test_no_scrape_was_missed():
    """Prometheus has missed no scrape since the deployment."""
    not_built()
