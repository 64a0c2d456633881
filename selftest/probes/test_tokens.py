"""Tokens: what refuses a request that has none."""

from __future__ import annotations

import pytest

from preflight.probes import tokens


@pytest.mark.parametrize(
    ("path", "status"),
    [("/metrics", 403), ("/admin/config", 403), ("/debug/profile", 403), ("/scene", 401), ("/jobs", 404), ("/batch", 405)],
)
def test_a_refusal_is_one_by_address_too(path: str, status: int) -> None:
    assert tokens.is_refusal(path, status)


@pytest.mark.parametrize(("path", "status"), [("/metrics", 200), ("/admin/config", 302), ("/scene", 403), ("/metricsx", 500)])
def test_an_open_door_and_a_ban_are_none(path: str, status: int) -> None:
    assert not tokens.is_refusal(path, status)
