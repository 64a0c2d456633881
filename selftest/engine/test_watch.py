"""Watching the windows after a deployment, with a clock that a test turns: each is looked at once, when it is over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from preflight import watch
from preflight.checklist import load as load_checklist
from preflight.errors import UsageError
from preflight.outcome import Stage
from preflight.target import Target, load
from selftest.conftest import Project, entry

DEPLOYED = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class Night:
    """A folder of records, a clock that sleeping moves on, and looks that leave a record each."""

    def __init__(self, project: Project, began: datetime) -> None:
        project.checklist(entry("SEC-T-01", evidence={"requests": 1}))
        project.tests("@item('SEC-T-01')\ndef test_it(api, evidence):\n    evidence.request(api.get('/health'))\n")
        project.run("-q")
        self.sample: dict[str, Any] = project.record()
        self.sample["target"]["deployed_at"] = DEPLOYED.isoformat()
        project.target(f"[times]\ndeployed_at = {DEPLOYED:%Y-%m-%dT%H:%M:%SZ}")
        self.target: Target = load(project.path / "target.toml")
        self.folder = project.path / "watched"
        self.now, self.looked = began, list[tuple[str, str]]()
        self.missed = 0

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def look(self, stages: Sequence[Stage]) -> None:
        self.looked.append((f"{self.now:%H:%M}", " ".join(stages)))
        place = self.folder / f"run-{len(self.looked)}"
        place.mkdir(parents=True)
        every = [item for item in load_checklist().item if item.stage in stages]
        items = [{**self.sample["items"][0], "stage": item.stage, "id": item.id} for item in every[self.missed :]]
        when = self.now.isoformat()
        (place / "record.json").write_text(json.dumps({**self.sample, "items": items, "started": when, "finished": when}))

    def follow(self, until: str) -> None:
        watch.follow(self.target, watch.duration(until), self.folder, self.look, clock=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def night(project: Project) -> Night:
    return Night(project, DEPLOYED + timedelta(minutes=3))


def test_each_window_is_looked_at_when_it_is_over(night: Night) -> None:
    night.follow("4h")

    assert night.looked == [("12:15", "immediate"), ("13:00", "short"), ("16:00", "medium")]


def test_what_is_over_already_is_looked_at_once_together(night: Night) -> None:
    night.now = DEPLOYED + timedelta(hours=5)
    night.follow("24h")

    assert night.looked == [("17:00", "immediate short medium"), ("12:00", "long")]


def test_a_stopped_watch_goes_on_where_it_was(night: Night) -> None:
    night.follow("1h")
    night.follow("1h")
    assert len(night.looked) == 2

    night.follow("4h")
    assert night.looked[2:] == [("16:00", "medium")]


def test_a_look_before_the_window_was_over_does_not_count(night: Night) -> None:
    night.look([Stage.IMMEDIATE])
    night.follow("15m")

    assert [stages for _, stages in night.looked] == ["immediate", "immediate"]


def test_records_of_another_build_do_not_count(night: Night) -> None:
    night.sample["target"]["build"] = "0.9"

    with pytest.raises(UsageError, match="left no record"):
        night.follow("15m")


def test_without_a_time_of_deployment_there_is_nothing_to_watch(project: Project) -> None:
    project.target()

    with pytest.raises(UsageError, match="deployed_at"):
        watch.follow(load(project.path / "target.toml"), watch.duration("4h"), project.path, lambda _: None)


@pytest.mark.parametrize("text", ["4", "h", "-1h", "4 hours"])
def test_a_time_that_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="write 15m, 4h or 1d"):
        watch.duration(text)


def test_a_look_at_a_part_of_a_window_is_none(night: Night) -> None:
    night.missed = 1
    with pytest.raises(UsageError, match="did not reach all its items"):
        night.follow("15m")

    night.missed = 0
    night.follow("15m")
    assert len(night.looked) == 2
