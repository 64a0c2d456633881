"""What one run knows, and the journal it keeps as it goes.

Every process (the main one, or each xdist worker) appends to a journal of its own in the run folder, so that a crash
loses nothing that was already judged and shows which test was running. The record is made from the journals alone.
"""

from __future__ import annotations

import difflib
import json
import math
import os
import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import platformdirs

from preflight.budget import Budget
from preflight.checklist import Checklist, Item
from preflight.errors import UsageError
from preflight.outcome import COUNTED, Stage, Status, VerdictStage
from preflight.people import Attestation, Waiver, read_attestations, read_waivers
from preflight.probes.api import Api
from preflight.redact import Redactor
from preflight.run import TestOutcome
from preflight.target import Target, TargetError
from preflight.waiting import Waiting

SUITE = "spacetime-preflight"


@dataclass
class Session:
    """One run in one process."""

    checklist: Checklist
    target: Target
    folder: Path
    run_id: str
    stage: VerdictStage
    started: datetime
    worker: str = "main"
    distributed: bool = False
    redact: Redactor = field(default_factory=Redactor)
    waiting: Waiting = field(default_factory=Waiting)
    attestations: tuple[Attestation, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    @cached_property
    def items(self) -> dict[str, Item]:
        """The items of the checklist by id."""
        return self.checklist.by_id

    @cached_property
    def user_agent(self) -> str:
        """How the run names itself to the target."""
        return f"{SUITE}/{version(SUITE)} {self.run_id}"

    @cached_property
    def budget(self) -> Budget:
        """The pace, shared by all workers and by later runs against the same target."""
        if self.target.facts.rehearsal:  # gone with the run: nobody meets it again
            return Budget(self.target.path.parent / "budget.json", ["", *self.target.facts.manners.addresses])
        key = re.sub(r"[^A-Za-z0-9.]+", "-", self.target.facts.api.url.split("://", 1)[1])
        shared = platformdirs.user_cache_path("preflight") / f"budget-{key}.json"
        return Budget(shared, ["", *self.target.facts.manners.addresses])

    @cached_property
    def api(self) -> Api:
        """The HTTP API of the target."""
        return Api(self.target, self.budget, self.user_agent)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages that count for the verdict of this run."""
        return COUNTED[self.stage]

    @cached_property
    def journal(self) -> Journal:
        """Where this process writes what it does."""
        return Journal(self.folder / "journal" / f"{self.worker}.jsonl", self.redact)


def stage_of(target: Target, asked: str | None) -> VerdictStage:
    """The stage a run is about: the one asked for, else what the target's times say."""
    times = target.facts.times
    if asked:
        stage = VerdictStage(asked)
        if stage is VerdictStage.ROLLBACK and times.rolled_back_at is None:
            raise UsageError(f"{target.path}: --stage rollback needs times.rolled_back_at")
        return stage
    if times.rolled_back_at:
        return VerdictStage.ROLLBACK
    return VerdictStage.POSTDEPLOY if times.deployed_at else VerdictStage.PREDEPLOY


def read_people(target: Target, checklist: Checklist) -> tuple[tuple[Attestation, ...], tuple[Waiver, ...]]:
    """The attestations and waivers beside the target file. Raises UsageError."""
    files = target.facts.people
    items = checklist.by_id
    return (
        read_attestations(target.beside(files.attestations), items),
        read_waivers(target.beside(files.waivers), items),
    )


def check_limits(target: Target, checklist: Checklist) -> None:
    """Raises TargetError for a limit of the target file that no item has: it would be judged by the old one."""
    known = {f"{item.id}.{limit.name}.{limit.severity}" for item in checklist.item for limit in item.limits}
    for key, bound in target.facts.limits.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise TargetError(f"{target.path}: limits.{key}: no item has such a limit (ITEM.NAME.SEVERITY){hint}")
        if not math.isfinite(bound):
            raise TargetError(f"{target.path}: limits.{key}: {bound} is no limit")


def new_run_id() -> str:
    """A short name that nobody else has: it marks the suite's own requests."""
    return f"run-{secrets.token_hex(4)}"


def new_folder(parent: Path, target: Target, started: datetime) -> Path:
    """A folder for a run, made so that two runs at once never share it.

    Raises UsageError when it can't be written.
    """
    facts = target.facts
    kind = "REHEARSAL-" if facts.rehearsal else ""
    build = re.sub(r"[^A-Za-z0-9._-]+", "-", facts.build)
    name = f"{kind}{facts.name}-{build}-{started:%Y%m%dT%H%M%SZ}"
    for number in range(1, 100):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
            (folder / "journal").mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"{folder} can't be written ({error.strerror}); name another place with --record DIR") from error
        return folder
    raise UsageError(f"{parent}: a hundred runs in one second; something is starting runs in a loop")


class Journal:
    """An append-only file of what happened, one JSON object a line, flushed at once."""

    def __init__(self, path: Path, redact: Redactor) -> None:
        self._redact = redact
        self._file = path.open("a", encoding="utf-8")

    def write(self, **entry: Any) -> None:
        """Append `entry`, redacted."""
        self._file.write(json.dumps(self._redact.tree(entry), default=str) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Force what was written to the disk."""
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()


@dataclass
class Told:
    """What the journals of a run say together."""

    planned: dict[str, str] = field(default_factory=dict)
    outcomes: list[TestOutcome] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    addresses: set[str] = field(default_factory=set)
    usage: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    workers: set[str] = field(default_factory=set)


def read_journals(folder: Path) -> Told:
    """Everything the processes of a run have written; a last line cut by a crash is left out."""
    told = Told()
    for path in sorted((folder / "journal").glob("*.jsonl")):
        told.workers.add(path.stem)
        for line in path.read_text("utf-8", "replace").splitlines():
            try:
                entry: Mapping[str, Any] = json.loads(line)
            except ValueError:
                continue
            _tell(told, entry)
    return told


def _tell(told: Told, entry: Mapping[str, Any]) -> None:
    if "planned" in entry:
        told.planned.update(entry["planned"])
    if "started" in entry:
        told.started.append(entry["started"])
    if "outcome" in entry:
        told.outcomes.append(TestOutcome.model_validate(entry["outcome"]))
    if "usage" in entry:
        told.usage.append(entry["usage"])
    told.sent.update(entry.get("sent", {}))
    told.addresses.update(entry.get("addresses", []))


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def crashed(told: Told) -> list[TestOutcome]:
    """The outcomes of tests that were started and never judged: the process died, or was stopped, with them."""
    judged = {outcome.node for outcome in told.outcomes}
    return [
        TestOutcome(
            node=node,
            item=told.planned[node],
            status=Status.ERROR,
            code="did not end",
            reason="was started and did not end: the process died or was stopped while it ran",
        )
        for node in dict.fromkeys(told.started)
        if node not in judged and node in told.planned
    ]
