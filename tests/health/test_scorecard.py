"""The eight figures of the scorecard, over twenty-four hours.

Checklist lines 1026, 1032, 1231-1238.
"""

from preflight.fixtures import item, not_built


@item("HLT-CARD-01")
def test_health_check_passed_all_day():
    """Scorecard: the health check passed all day."""
    not_built()


@item("HLT-CARD-02")
def test_error_rate_of_the_day():
    """Scorecard: fewer than 1 % of the day's requests failed."""
    not_built()


@item("HLT-CARD-03")
def test_p95_of_the_day():
    """Scorecard: the day's P95 is under 200 ms."""
    not_built()


@item("HLT-CARD-04")
def test_memory_of_the_day():
    """Scorecard: memory stayed under 80 % of what the game may use."""
    not_built()


@item("HLT-CARD-05")
def test_cpu_of_the_day():
    """Scorecard: the CPU was used to less than 70 %."""
    not_built()


@item("HLT-CARD-06")
def test_logins_of_the_day_succeeded():
    """Scorecard: more than 99 % of logins with a token succeeded."""
    not_built()


@item("HLT-CARD-07")
def test_frame_rate_of_the_day():
    """Scorecard: the game held 90 frames a second over the day."""
    not_built()


@item("HLT-CARD-08")
def test_api_was_up_all_day():
    """Scorecard: the API was up all day."""
    not_built()
