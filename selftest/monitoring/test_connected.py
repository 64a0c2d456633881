"""Whether an Alertmanager that Prometheus lists is one that alerts reach."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.errors import BadAnswer
from preflight.probes.http import Answer
from preflight.probes.prometheus import Prometheus, same_place

PAGE = """# TYPE prometheus_notifications_sent_total counter
prometheus_notifications_sent_total{alertmanager="http://localhost:9093/api/v2/alerts"} 7
prometheus_notifications_sent_total{alertmanager="http://other:9093/api/v2/alerts"} 900
# TYPE prometheus_notifications_errors_total counter
prometheus_notifications_errors_total{alertmanager="http://localhost:9093/api/v2/alerts"} 2
"""


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://localhost:9093/api/v2/alerts", "http://127.0.0.1:9093", True),
        ("http://[::1]:9093/", "http://127.0.0.1:9093", True),
        ("http://manager:9093/x", "http://MANAGER:9093", True),
        ("https://manager", "https://manager:443/", True),
        ("http://localhost:9094", "http://localhost:9093", False),
        ("http://manager:9093", "http://localhost:9093", False),
    ],
)
def test_two_addresses_of_one_place(one: str, other: str, same: bool) -> None:
    assert same_place(one, other) is same


def test_an_address_that_is_none_is_no_look() -> None:
    with pytest.raises(BadAnswer):
        same_place("http://manager:port", "http://manager:9093")


@pytest.mark.parametrize(("status", "counted"), [(200, (7.0, 2.0)), (404, (0.0, 0.0))])
def test_alerts_sent_and_in_vain_are_counted_by_address(
    monkeypatch: pytest.MonkeyPatch, status: int, counted: tuple[float, float]
) -> None:
    client: Any = Prometheus("http://p", None, "selftest")
    page = Answer("GET", "http://p/metrics", status, (), PAGE.encode(), 0.0, sent_token=False, curl="")
    monkeypatch.setattr(client, "ask", lambda _: page)

    assert client.notified("http://127.0.0.1:9093/api/v2/alerts") == counted
