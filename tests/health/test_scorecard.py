"""The eight figures of the scorecard, over twenty-four hours.

Checklist lines 1026, 1032, 1231-1238.
"""

from preflight.fixtures import item
from preflight.probes.spans import DAY
from preflight.windowfixtures import judge_share


@item("HLT-CARD-01")
def test_health_check_passed_all_day(watched):
    """Scorecard: the health check passed all day."""
    watched.judge("healthy_share", watched.over(DAY).healthy())


@item("HLT-CARD-02")
def test_error_rate_of_the_day(watched):
    """Scorecard: fewer than 1 % of the day's requests failed."""
    watched.judge("error_rate", watched.over(DAY).error_rate())


@item("HLT-CARD-03")
def test_p95_of_the_day(watched):
    """Scorecard: the day's P95 is under 200 ms."""
    watched.judge("p95", watched.over(DAY).p95())


@item("HLT-CARD-04")
def test_memory_of_the_day(watched, evidence):
    """Scorecard: memory stayed under 80 % of what the game may use."""
    day = watched.over(DAY)
    memory = day.memory()

    watched.judge_value("memory", float(memory.values.max()), memory)
    judge_share(evidence, float(memory.values.max()), day.host_memory())


@item("HLT-CARD-05")
def test_cpu_of_the_day(watched):
    """Scorecard: the CPU was used to less than 70 %."""
    watched.judge("cpu", watched.over(DAY).cpu())


@item("HLT-CARD-06")
def test_logins_of_the_day_succeeded(watched):
    """Scorecard: more than 99 % of logins with a token succeeded."""
    watched.judge("auth_success", watched.over(DAY).logins())


@item("HLT-CARD-07")
def test_frame_rate_of_the_day(watched):
    """Scorecard: the game held 90 frames a second over the day."""
    watched.judge("fps", watched.over(DAY).frame_rate())


@item("HLT-CARD-08")
def test_api_was_up_all_day(watched):
    """Scorecard: the API was up all day."""
    watched.judge("uptime", watched.over(DAY).uptime())
