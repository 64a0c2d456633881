"""A test alert counts as delivered only when a try is known to have succeeded."""

from __future__ import annotations

from typing import Any

import pytest

from preflight.probes import alertmanager


class Fails:
    """An Alertmanager each of whose tries fails just after it was counted, between any two questions."""

    def __init__(self) -> None:
        self.tried = self.failed = 0.0
        self.posted: list[float] = []

    def post(self, *_: object, minutes: float) -> None:
        self.posted.append(minutes)

    def counts(self, name: str) -> dict[str, float]:
        said = {"email": self.failed if "failed" in name else self.tried}
        if self.posted:
            self.failed, self.tried = self.failed + 1, self.tried + 1
        return said


def test_a_try_that_fails_between_two_questions_is_no_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertmanager, "_DELIVERY_SECONDS", 0.3)
    monkeypatch.setattr(alertmanager.time, "sleep", lambda _: None)
    client: Any = Fails()
    delivery = alertmanager.deliver(client, "warning", {"email"}, "run-1")

    assert delivery.sent["email"] <= 0
    assert client.posted == [5, 0], "the alert is resolved all the same"
