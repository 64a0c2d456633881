"""No slower than the version before.

Checklist lines 130, 1147, 1195, 1263, 1282, 1338.
"""

from preflight.fixtures import item
from preflight.probes.spans import FOUR_HOURS, HOUR


@item("PERF-BASE-01")
def test_no_endpoint_takes_twice_its_baseline(latency):
    """No endpoint takes more than twice its baseline."""
    latency.against_baseline("p95_ratio", "GET /health", "GET /status", "GET /scene", "GET /scenes")


@item("PERF-BASE-02")
def test_no_endpoint_has_become_slower(latency):
    """No endpoint has become slower than its baseline by half."""
    latency.against_baseline("p95_ratio", "GET /health", "GET /status", "GET /scene", "GET /scenes")


@item("PERF-BASE-03")
def test_typical_request_has_not_become_slower(latency):
    """The typical request has not become slower than before the deployment."""
    latency.against_baseline("median_ratio", "GET /health", "GET /status")


@item("PERF-BASE-04")
def test_no_endpoint_is_half_slower_after_the_deployment(latency):
    """No endpoint's P95 is above one and a half times its baseline after the deployment."""
    latency.against_baseline("p95_ratio", "GET /health", "GET /status")


@item("PERF-BASE-05")
def test_latency_is_not_twice_the_baseline_for_ten_minutes(watched):
    """Latency is not above twice the baseline for ten minutes."""
    usual = watched.before.p95()

    watched.judge("p95_ratio_10min", watched.over(HOUR).worst_p95(600).times_of(usual))


@item("PERF-BASE-06")
def test_performance_did_not_degrade_in_four_hours(watched):
    """Performance did not degrade in the first four hours."""
    first, last = watched.over(HOUR).p95(), watched.last(HOUR, of=FOUR_HOURS).p95()

    watched.judge("p95_ratio", last.times_of(first))
