"""The CPU has something left.

Checklist lines 1025, 1193, 1265, 1327.
"""

from preflight.fixtures import item, not_built


@item("PERF-CPU-01")
def test_cpu_allows_a_deployment():
    """The CPU is not used to more than 90 %."""
    not_built()


@item("PERF-CPU-02")
def test_cpu_after_the_deployment():
    """After the deployment the CPU is used to less than 70 %."""
    not_built()


@item("PERF-CPU-03")
def test_cpu_in_the_first_hour():
    """The CPU was used to less than 70 % in the first hour."""
    not_built()
