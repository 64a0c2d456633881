"""Prometheus runs, scrapes the game and has every metric that is asked for.

Checklist lines 426-435, 441-455, 499-501, 539, 651, 658, 660, 1025-1046, 1213, 1288, 1374, 1539, 1549.
"""

import pytest

from preflight.fixtures import item
from preflight.probes import processes
from preflight.probes.gamejob import game_job
from preflight.probes.prometheus import same_place

LONGEST_GAP_S = 300.0
A_BATCH = 64
"""Alerts that Prometheus sends at once; before 3.0 it counted one failure for all of them."""


@pytest.fixture
def metrics_exist(scraped_metrics):
    """Of each group of names at least one is there."""

    def hold(*groups):
        missing = scraped_metrics.missing(*groups)
        assert not missing, f"Prometheus has no {', '.join(missing)} of the last five minutes"

    return hold


@item("HLT-PROM-01")
def test_prometheus_is_ready(prometheus, evidence):
    """Prometheus is running and ready."""
    answer = prometheus.ask("/-/ready")
    evidence.request(answer)
    evidence.fact("version", prometheus.version())

    assert answer.status_code == 200, f"{answer.url} answers {answer.status_code}"


@item("HLT-PROM-02")
def test_game_is_being_scraped(prometheus, target, evidence):
    """Prometheus is scraping the game's API metrics now."""
    job = game_job(prometheus, target)
    scraped = [one for one in prometheus.targets() if one.job == job]
    evidence.saw("scrapes", len(scraped))

    assert scraped, f"Prometheus has no target of the job {job}"
    for one in scraped:
        assert one.health == "up", f"{one.place} is {one.health}: {one.error}"
        evidence.judge("scrape_age", one.age, where=one.place)


@item("HLT-PROM-03")
def test_all_targets_are_up(prometheus, evidence):
    """All targets of Prometheus are up, telemetry included."""
    targets = prometheus.targets()
    evidence.saw("scrapes", len(targets))
    down = [f"{one.place} is {one.health}: {one.error}" for one in targets if one.health != "up"]

    assert not down, "; ".join(down)


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
def test_prometheus_is_connected_to_alertmanager(prometheus, target, evidence):
    """Prometheus knows its Alertmanager and is connected to it."""
    connected, ours = prometheus.alertmanagers(), target.facts.alertmanager
    evidence.saw("requests")
    evidence.fact("connected to", ", ".join(connected))
    assert connected, "Prometheus is connected to no Alertmanager: no alert reaches anybody"

    proven = False
    for address in connected:
        sent, in_vain = prometheus.notified(address)
        evidence.fact(f"sent to {address}", f"{sent:g} alerts since Prometheus' start, {in_vain:g} times in vain")
        assert not (sent and in_vain >= sent), f"none of {sent:g} alerts has reached {address}"
        if in_vain * A_BATCH >= sent > 0:
            evidence.warn(f"{in_vain:g} times alerts did not reach {address}")
        proven = proven or sent > in_vain or (ours is not None and same_place(address, ours.url))
    if not proven:  # it is listed because it is configured, whether anything answers there or not
        evidence.warn(f"no alert has been sent to {', '.join(connected)} yet, and [alertmanager] url is another address")


@item("HLT-PROM-08")
def test_request_metrics_are_there(metrics_exist):
    """The request metrics are there: rate, errors, latency and connections."""
    metrics_exist(
        ("http_requests_total",),
        ("http_request_duration_seconds", "http_request_latency_ms"),
        ("http_request_size_bytes", "http_response_size_bytes"),
        ("active_connections",),
    )


@item("HLT-PROM-09")
def test_security_metrics_are_there(metrics_exist):
    """The security metrics are there: failed logins, limiter hits, audit entries, intrusion alerts."""
    metrics_exist(
        ("auth_attempts_total",),
        ("rate_limit_hits_total",),
        ("audit_log_entries_total",),
        ("intrusion_alerts_total",),
    )


@item("HLT-PROM-10")
def test_vr_metrics_are_there(metrics_exist):
    """The VR metrics are there: frame rate, frame time, input latency and memory."""
    metrics_exist(
        ("vr_fps",),
        ("vr_frame_time_seconds",),
        ("vr_input_latency_seconds",),
        ("process_resident_memory_bytes",),
    )


@item("HLT-PROM-11")
def test_system_metrics_are_there(metrics_exist):
    """The system metrics are there: CPU, memory, disk and network."""
    metrics_exist(
        ("node_cpu_seconds_total",),
        ("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
        ("node_filesystem_avail_bytes",),
        ("node_network_receive_bytes_total",),
    )


@item("HLT-UNIT-01")
def test_monitoring_comes_back_by_itself(host, target, evidence):
    """Prometheus, Grafana and Alertmanager come back by themselves after a restart of the host."""
    processes.must_be_a_machine(target)
    off = processes.not_enabled(host)
    evidence.saw("settings", len(processes.UNITS))

    assert not off, f"not started with the host: {', '.join(off)}"


@item("HLT-AFTER-10")
def test_new_version_is_being_scraped(prometheus, target, evidence):
    """Prometheus is scraping the new version."""
    job = game_job(prometheus, target)
    scraped = [one for one in prometheus.targets() if one.job == job]
    evidence.saw("scrapes", len(scraped))
    evidence.fact("deployed", target.facts.times.deployed_at)

    assert scraped, f"Prometheus has no target of the job {job}"
    for one in scraped:
        assert one.health == "up", f"{one.place} is {one.health}: {one.error}"
        evidence.judge("scrape_age", one.age, where=one.place)


@item("HLT-AFTER-11")
def test_no_scrape_was_missed(watched, evidence):
    """Prometheus has missed no scrape since the deployment."""
    made = watched.so_far.scrapes()
    evidence.saw("scrapes", made.scrapes)

    evidence.judge("scrapes_made", 100 * made.scraped, n=made.expected)
    if made.longest_gap_s > LONGEST_GAP_S:
        evidence.warn(f"nothing was scraped for {made.longest_gap_s / 60:.0f} minutes on end")
