"""The CPU has something left.

Checklist lines 1025, 1193, 1265, 1327.
"""

from preflight.fixtures import item
from preflight.probes.spans import HOUR, QUARTER


@item("PERF-CPU-01")
def test_cpu_allows_a_deployment(watched):
    """The CPU is not used to more than 90 %."""
    watched.judge("cpu", watched.recent.cpu())


@item("PERF-CPU-02")
def test_cpu_after_the_deployment(watched):
    """After the deployment the CPU is used to less than 70 %."""
    watched.judge("cpu", watched.over(QUARTER).cpu())


@item("PERF-CPU-03")
def test_cpu_in_the_first_hour(watched):
    """The CPU was used to less than 70 % in the first hour."""
    watched.judge("cpu", watched.over(HOUR).cpu())
