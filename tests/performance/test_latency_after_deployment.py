"""Response times after the deployment, now and over the windows.

Checklist lines 1191, 1285, 1325, 1339.
"""

from preflight.fixtures import item
from preflight.probes.spans import FOUR_HOURS, HOUR, QUARTER

LIMIT_MS = 200.0


@item("PERF-LAT-16")
def test_p95_after_the_deployment(watched):
    """After the deployment 95 of 100 requests are answered within 200 ms."""
    watched.judge("p95", watched.over(QUARTER).p95())


@item("PERF-LAT-17")
def test_no_time_outs_now_and_then(latency):
    """No time-outs occur now and then after the deployment."""
    latency.no_timeouts("GET /health", least=30)


@item("PERF-LAT-18")
def test_response_times_were_normal_in_the_first_hour(watched):
    """Response times were normal in the first hour."""
    watched.judge("p95", watched.over(HOUR).p95())


@item("PERF-LAT-19")
def test_response_times_stayed_consistent(watched):
    """Response times stayed consistent in the first four hours: they do not rise."""
    watched.stable_latency(watched.over(FOUR_HOURS), LIMIT_MS)
