"""Who was refused again and again and then let in is one who guessed, whatever port each try came from."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from preflight.probes import auditentry, breakins


def log(clients: Sequence[str], results: Sequence[str]) -> list[auditentry.Entry]:
    lines = [
        f"[2026-01-02 10:00:{second:02}] [INFO] [{client}] [/scene] [{result}] GET"
        for second, (client, result) in enumerate(zip(clients, results, strict=True))
    ]
    return [auditentry.read_entry(line.encode()) for line in lines]


@pytest.mark.parametrize("form", ["203.0.113.7", "203.0.113.7:{}", "[2001:db8::7]:{}", "::ffff:203.0.113.7"])
def test_guesses_are_counted_by_address(form: str) -> None:
    clients = [form.format(50_000 + number) for number in range(breakins.REFUSALS + 1)]
    results = ["AUTH_FAILURE"] * breakins.REFUSALS + ["AUTH_SUCCESS"]

    assert len(breakins._admitted(log(clients, results))) == 1
    assert breakins._admitted(log(clients[1:], results[1:])) == []


def test_somebody_else_is_not_who_guessed() -> None:
    clients = ["203.0.113.7:1"] * breakins.REFUSALS + ["203.0.113.70:1"]
    results = ["AUTH_FAILURE"] * breakins.REFUSALS + ["AUTH_SUCCESS"]

    assert breakins._admitted(log(clients, results)) == []
