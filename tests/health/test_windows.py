"""Errors, memory and stability over the first hour, four hours and day.

Checklist lines 1010, 1027, 1139, 1146, 1220-1223, 1257, 1323-1324, 1326, 1332, 1340-1341, 1352-1354, 1356,
1361-1362.
"""

import pytest

from preflight.fixtures import item
from preflight.probes.metrics import requests_counted
from preflight.probes.spans import DAY, FOUR_HOURS, HOUR, since_deployment
from preflight.session import now

REQUESTS = 5
ENDPOINTS = ("/health", "/status", "/scene", "/scenes", "/performance")


@item("HLT-ERR-01")
def test_error_rate_allows_a_deployment(watched):
    """The error rate before the deployment is not above 10 %."""
    watched.judge("error_rate", watched.recent.error_rate())


@item("HLT-HOUR-01")
def test_request_rate_was_stable(watched):
    """The request rate was stable in the first hour."""
    watched.stable_requests(watched.over(HOUR))


@item("HLT-HOUR-02")
def test_few_requests_failed_in_the_first_hour(watched):
    """Fewer than 1 % of requests failed in the first hour."""
    watched.judge("error_rate", watched.over(HOUR).error_rate())


@item("HLT-HOUR-03")
def test_error_rate_calls_for_no_rollback(watched):
    """The error rate does not call for a rollback."""
    hour = watched.over(HOUR)

    watched.judge("error_rate_10min", hour.worst_error_rate(600))
    watched.judge("error_rate_5min", hour.worst_error_rate(300))


@item("HLT-HOUR-04")
def test_memory_was_stable_in_the_first_hour(watched):
    """Memory was stable in the first hour."""
    watched.stable_memory(watched.over(HOUR))


@item("HLT-HOUR-06")
@pytest.mark.parametrize("path", ENDPOINTS)
def test_endpoints_still_respond(api, token, evidence, path):
    """The API endpoints still respond after the first hour."""
    answer = api.get(path, token=token)
    evidence.request(answer)
    evidence.saw("endpoints")

    assert answer.status_code == 200, f"GET {path} answers {answer.status_code}"


@item("HLT-HOURS-01")
def test_system_is_stable_for_two_hours(watched):
    """The system has been stable for two hours and more."""
    watched.judge("stable_for", watched.over(FOUR_HOURS).stable_for())


@item("HLT-HOURS-02")
def test_nothing_crashed_or_restarted(watched):
    """Nothing crashed or restarted in the first four hours."""
    watched.judge("restarts", watched.over(FOUR_HOURS).restarts())


@item("HLT-HOURS-03")
def test_memory_does_not_grow(watched):
    """Memory does not grow: no leak in the first four hours."""
    watched.stable_memory(watched.over(FOUR_HOURS))


@item("HLT-HOURS-04")
def test_few_requests_failed_in_four_hours(watched):
    """Fewer than 1 % of requests failed in the first four hours."""
    watched.judge("error_rate", watched.over(FOUR_HOURS).error_rate())


@item("HLT-DAY-01")
def test_system_was_stable_overnight(watched):
    """The system was stable overnight."""
    watched.judge("healthy_share", watched.over(DAY).healthy())


@item("HLT-DAY-02")
def test_memory_did_not_grow_over_the_day(watched):
    """Memory did not grow over the day."""
    watched.stable_memory(watched.over(DAY))


@item("HLT-DAY-03")
def test_disk_has_room(watched, evidence):
    """The disk has room and is not filling up."""
    disk = watched.over(DAY).disk()
    filled = disk.values[-1] - disk.values[0]
    evidence.fact("filled in a day", f"{filled:.2f} %")

    watched.judge_value("disk_used", float(disk.values.max()), disk)
    if disk.values[-1] + filled >= 80:
        evidence.warn(f"the disk is filling up: {disk.values[-1]:.0f} % now, {filled:.1f} % more in a day")


@item("HLT-DAY-05")
def test_traffic_was_not_unusual(watched):
    """Traffic showed no unusual pattern."""
    traffic = watched.over(DAY).request_rate()

    watched.judge_value("peak_to_median", traffic.highest_mean(300) / traffic.median, traffic)


@item("HLT-DAY-08")
def test_logs_were_gathered_all_day(gathered_logs, target, evidence):
    """Logs were gathered all day: every hour of it has some."""
    start, end = since_deployment(target, DAY, now())
    by_hour = gathered_logs.by_hour(start, end)
    evidence.saw("lines", sum(by_hour.values()))
    evidence.fact("lines an hour", ", ".join(str(by_hour[hour]) for hour in range(24)))
    empty = [hour for hour in range(24) if not by_hour[hour]]

    assert not empty, f"{gathered_logs.name} has no line of {len(empty)} of 24 hours, the first {empty[0]} h after the deployment"


@item("HLT-DAY-09")
def test_metrics_are_accurate(api, token, evidence, prometheus):
    """The metrics are accurate: they count what this suite has really sent."""
    before = requests_counted(api.get("/metrics", token=token), "/status")
    for _ in range(REQUESTS):
        evidence.request(api.get("/status", token=token))
    after = requests_counted(api.get("/metrics", token=token), "/status")
    evidence.saw("samples", 2)
    evidence.fact("counted", f"{after - before:g} of {REQUESTS}")

    assert after - before >= REQUESTS, f"{REQUESTS} requests were answered, and http_requests_total grew by {after - before:g}"
    assert prometheus.query('http_requests_total{endpoint="/status"}'), "Prometheus has no http_requests_total of /status"
