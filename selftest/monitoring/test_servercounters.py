"""A server's counters of its own failures are judged by when they grew, and not at all where nobody knows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from preflight.errors import Undecided
from preflight.outcome import Reason
from preflight.probes import servercounters
from preflight.probes.http import Answer
from preflight.probes.promanswers import Series
from preflight.probes.prometheus import Prometheus
from preflight.probes.servercounters import NOTIFICATIONS_FAILED

NOW, HOUR = 1.8e9, 3600.0
LONG_AGO = NOW - 90 * 86400


def page(*counts: float, began: float = LONG_AGO) -> Answer:
    """/metrics of an Alertmanager."""
    lines = [f'{NOTIFICATIONS_FAILED}{{integration="{n}"}} {count}' for n, count in enumerate(counts)]
    body = "\n".join([*lines, f"process_start_time_seconds {began}"]) + "\n"
    return Answer("GET", "http://a:9093/metrics", 200, (), body.encode(), 0.1, sent_token=False, curl="")


def scraping(*, since: float = LONG_AGO, began: float = LONG_AGO, before: float | None = 0.0) -> Any:
    """A Prometheus that scrapes an Alertmanager, and whose counters it had an hour ago."""

    def query(expression: str) -> list[Series]:
        assert expression == f"process_start_time_seconds == {LONG_AGO} and on (job, instance) {NOTIFICATIONS_FAILED}"
        return [Series({"job": "am", "instance": 'a"1'}, (NOW,), (began,))] if began == LONG_AGO else []

    def past(expression: str, start: float, end: float, step: float) -> list[Series]:
        assert start == end == NOW - HOUR
        assert expression.endswith(('{job="am",instance="a\\"1"}', '{job="am",instance="a\\"1"})'))
        value = before if NOTIFICATIONS_FAILED in expression else began
        return [Series({}, (start,), (value,))] if since <= start and value is not None else []

    return SimpleNamespace(query=query, range=past)


def growth(said: Answer, prometheus: Any = None) -> float | None:
    def given() -> Prometheus:
        if prometheus is None:
            raise Undecided(Reason.OPERATOR, "no Prometheus")
        client: Prometheus = prometheus
        return client

    return servercounters.growth(said, NOTIFICATIONS_FAILED, NOW - HOUR, given)


def test_counter_at_0_says_that_nothing_failed() -> None:
    assert growth(page(0, 0)) == 0


def test_counter_that_is_not_there_says_nothing() -> None:
    assert growth(page()) is None


def test_what_failed_long_ago_is_no_failure_of_now() -> None:
    assert growth(page(2, 1), scraping(before=3)) == 0


def test_what_failed_since_is_counted() -> None:
    assert growth(page(2, 3), scraping(before=3)) == 2


def test_counter_that_was_born_since_began_at_0() -> None:
    assert growth(page(2), scraping(before=None)) == 2


def test_server_that_was_started_since_needs_no_prometheus() -> None:
    assert growth(page(2, began=NOW - 60)) == 2


@pytest.mark.parametrize(
    ("prometheus", "reason", "says"),
    [
        (None, Reason.OPERATOR, "no Prometheus"),
        (scraping(began=LONG_AGO - 1), Reason.OPERATOR, "let Prometheus scrape Alertmanager"),
        (scraping(since=NOW - 60), Reason.SAMPLES, "no scrape of"),
    ],
    ids=["no Prometheus", "another Alertmanager is scraped", "scraped for a minute"],
)
def test_where_nobody_knows_when_it_failed_the_item_is_not_decided(prometheus: Any, reason: Reason, says: str) -> None:
    with pytest.raises(Undecided, match=says) as found:
        growth(page(1), prometheus)
    assert found.value.reason is reason
