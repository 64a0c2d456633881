"""How long requests take, by endpoint and percentile.

Checklist lines 122-136, 969-971, 977, 1033.
"""

from preflight.fixtures import item

PLAYERS_WAIT_FOR = ("GET /health", "GET /status", "GET /scene", "GET /scenes")


@item("PERF-LAT-01")
def test_p95_of_get_health(latency):
    """GET /health answers within 18 ms for 95 of 100 requests."""
    latency.percentile("p95", "GET /health")


@item("PERF-LAT-02")
def test_p99_of_get_health(latency):
    """GET /health answers within 25 ms for 99 of 100 requests."""
    latency.percentile("p99", "GET /health")


@item("PERF-LAT-03")
def test_p95_of_get_status(latency):
    """GET /status answers within 12 ms for 95 of 100 requests."""
    latency.percentile("p95", "GET /status")


@item("PERF-LAT-04")
def test_p99_of_get_status(latency):
    """GET /status answers within 18 ms for 99 of 100 requests."""
    latency.percentile("p99", "GET /status")


@item("PERF-LAT-05")
def test_p95_of_get_scene(latency):
    """GET /scene answers within 68 ms for 95 of 100 requests."""
    latency.percentile("p95", "GET /scene")


@item("PERF-LAT-06")
def test_p99_of_get_scene(latency):
    """GET /scene answers within 92 ms for 99 of 100 requests."""
    latency.percentile("p99", "GET /scene")


@item("PERF-LAT-07")
def test_p95_of_post_scene(latency):
    """POST /scene answers within 245 ms for 95 of 100 requests."""
    latency.percentile("p95", "POST /scene")


@item("PERF-LAT-08")
def test_p99_of_post_scene(latency):
    """POST /scene answers within 320 ms for 99 of 100 requests."""
    latency.percentile("p99", "POST /scene")


@item("PERF-LAT-09")
def test_p95_of_get_scenes(latency):
    """GET /scenes answers within 55 ms for 95 of 100 requests."""
    latency.percentile("p95", "GET /scenes")


@item("PERF-LAT-10")
def test_p99_of_get_scenes(latency):
    """GET /scenes answers within 78 ms for 99 of 100 requests."""
    latency.percentile("p99", "GET /scenes")


@item("PERF-LAT-11")
def test_every_endpoint_is_fit_for_interactive_use(latency):
    """Every endpoint but POST /scene is fit for interactive use: under 200 ms for 95 of 100 requests."""
    latency.percentile("p95", *PLAYERS_WAIT_FOR, "GET /performance", *latency.listed)


@item("PERF-LAT-12")
def test_no_endpoint_is_unbearably_slow(latency):
    """No endpoint needs more than 500 ms for 95 of 100 requests."""
    latency.percentile("p95", *PLAYERS_WAIT_FOR, "GET /performance", *latency.listed)


@item("PERF-LAT-13")
def test_latency_does_not_rise(latency):
    """Latency does not rise while it is measured."""
    latency.trend(*PLAYERS_WAIT_FOR)


@item("PERF-LAT-14")
def test_no_request_times_out(latency):
    """No request times out."""
    latency.no_timeouts("GET /health", "GET /status")


@item("PERF-LAT-15")
def test_server_agrees_with_what_was_measured(latency):
    """The server's own histogram agrees with what was measured from outside."""
    latency.witness("GET /health")
