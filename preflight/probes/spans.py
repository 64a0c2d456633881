"""Windows of time by the deployment and the rollback: which they are, and whether they are over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from preflight.errors import Undecided
from preflight.outcome import Reason
from preflight.target import Target

QUARTER, HOUR, FOUR_HOURS, DAY = 900.0, 3600.0, 4 * 3600.0, 24 * 3600.0

Span = tuple[float, float]
"""From and to, in seconds since the epoch."""


def since_deployment(target: Target, seconds: float, now: datetime) -> Span:
    """The first `seconds` after the deployment.

    Raises Undecided when the target file says no time of the deployment, or the window is not over.
    """
    deployed = target.facts.times.deployed_at
    if deployed is None:
        raise Undecided(Reason.OPERATOR, "when was it deployed? give [times] deployed_at in the target file")
    return _span(deployed, seconds, now)


def since_rollback(target: Target, seconds: float, now: datetime) -> Span:
    """The first `seconds` after the rollback. Raises Undecided as `since_deployment`."""
    moment = target.facts.times.rolled_back_at
    if moment is None:
        raise Undecided(Reason.OPERATOR, "when was it rolled back? give [times] rolled_back_at in the target file")
    return _span(moment, seconds, now)


def _span(start: datetime, seconds: float, now: datetime) -> Span:
    due = start + timedelta(seconds=seconds)
    if now < due:
        raise Undecided(Reason.WINDOW, f"the window is over at {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
    return start.timestamp(), due.timestamp()


def clock(moment: float) -> str:
    """A moment for people."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
