"""What the deployment can carry, and what profiling has found.

Checklist lines 228, 1384.
"""

from preflight.fixtures import item


@item("PERF-LOAD-01")
def test_configured_connections_are_served(capacity):
    """The configured hundred connections and ten telemetry clients are served together."""
    capacity()


@item("PERF-LOAD-02")
def test_performance_was_profiled(people):
    """Performance was profiled, and what was found was mended."""
    people.attested()
