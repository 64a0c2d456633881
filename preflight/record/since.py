"""What changed from one record of a deployment to the next: statuses first, then values that moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from preflight.outcome import Status, Verdict, worst
from preflight.run import ItemResult

MOVED = 0.10
"""The share of its old value from which on a value is said to have moved."""
_MOST_MOVED = 15


class Change(BaseModel):
    """One item that is not as it was. Values are in `unit`, None where the look gave none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    was: Status
    now: Status
    old_value: float | None
    value: float | None
    unit: str

    @property
    def better(self) -> bool:
        """Whether the status became better; of equal ones nothing is said."""
        return self.was is not self.now and worst([self.was, self.now]) is self.was


class Since(BaseModel):
    """The older record, and what is different now. `both`: how many items were looked at in both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str
    build: str
    finished: datetime
    verdict: Verdict
    score: float
    both: int
    changes: tuple[Change, ...]


def changes(old: Sequence[ItemResult], new: Sequence[ItemResult]) -> tuple[Change, ...]:
    """The items of both that changed: what became worse, what became better, then the values that moved most."""
    before = {item.id: item for item in old}
    found = [
        Change(
            id=item.id,
            title=item.title,
            was=then.status,
            now=item.status,
            old_value=then.value,
            value=item.value,
            unit=item.unit or "",
        )
        for item in new
        if (then := before.get(item.id)) is not None and (then.status is not item.status or _moved(then, item) >= MOVED)
    ]
    other = sorted((c for c in found if c.was is not c.now), key=lambda change: change.better)
    same = sorted((c for c in found if c.was is c.now), key=lambda change: -_share(change.old_value, change.value))
    return (*other, *same[:_MOST_MOVED])


def _moved(then: ItemResult, item: ItemResult) -> float:
    return _share(then.value, item.value) if then.unit == item.unit else 0.0


def _share(old: float | None, new: float | None) -> float:
    """How far a value has moved, as a share of the old one; from nothing it is as far as a share can tell.

    What the record shows as the same figure (to a thousandth) has not moved.
    """
    if old is None or new is None or round(old, 3) == round(new, 3):
        return 0.0
    return abs(new - old) / abs(old) if old else 1.0
