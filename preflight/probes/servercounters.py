"""Prometheus' and Alertmanager's counters of their own failures: they count since the server's start, and are judged of late.

A counter above 0 may tell of one night half a year ago. When it grew is known where the server was started since, and
where Prometheus scrapes it.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from preflight.errors import Undecided
from preflight.outcome import Reason
from preflight.probes.http import Answer
from preflight.probes.metrics import counter
from preflight.probes.prometheus import Prometheus
from preflight.probes.spans import clock

EVALUATIONS_FAILED = "prometheus_rule_evaluation_failures_total"
ALERTS_DROPPED = "prometheus_notifications_dropped_total"
NOTIFICATIONS_FAILED = "alertmanager_notifications_failed_total"
_BEGAN = "process_start_time_seconds"


def growth(page: Answer, name: str, since: float, prometheus: Callable[[], Prometheus]) -> float | None:
    """By how much a counter on a server's own /metrics has grown since a moment; None where there is none of that name.

    `prometheus` is asked for only where the page can't tell. Raises Undecided where nobody knows when the counter grew.
    """
    total = counter(page, name)
    began = counter(page, _BEGAN)
    if not total or (began is not None and began >= since):
        return total
    said = f"{name} of {page.url} is {total:g}, counted since the server's start"
    try:
        client = prometheus()
    except Undecided as error:
        raise Undecided(error.reason, f"{said}, and only Prometheus knows when it grew: {error.text}") from error
    # the moment of its start tells the server from others of its kind
    scraped = client.query(f"{_BEGAN} == {began!r} and on (job, instance) {name}") if began is not None else []
    if not scraped:
        whom = "itself" if name.startswith("prometheus_") else "Alertmanager"
        raise Undecided(Reason.OPERATOR, f"{said}: let Prometheus scrape {whom}, only then is it known when they failed")
    labels = scraped[0].labels
    whose = ",".join(f"{label}={json.dumps(labels.get(label, ''), ensure_ascii=False)}" for label in ("job", "instance"))
    if not client.range(f"{_BEGAN}{{{whose}}}", since, since, 1.0):
        raise Undecided(Reason.SAMPLES, f"{said}, and Prometheus has no scrape of {clock(since)} to compare it with")
    # the process is the same as then: what was not there yet was 0
    before = client.range(f"sum({name}{{{whose}}})", since, since, 1.0)
    return total - sum(value for one in before for value in one.values)
