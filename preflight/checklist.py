"""checklist.toml, typed and validated: every line of the checklist as an item."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from preflight.outcome import Severity, Stage

ROOT = Path(__file__).resolve().parents[1]
CHECKLIST = ROOT / "checklist.toml"
_DATA = Path(__file__).parent / "data"

ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Z]+(-[A-Z0-9]+)*-\d\d$")]
Section = Literal["security", "health", "performance", "vr", "approval"]
Part = Literal[
    "api",
    "front",
    "telemetry",
    "host",
    "prometheus",
    "alertmanager",
    "grafana",
    "headset",
    "browser",
    "game_tests",
    "vr",
    "multiplayer",
    "database",
    "pagerduty",
    "loki",
    "legal",
]
Consent = Literal[
    "limiter",
    "auth_sweep",
    "forged_tokens",
    "bad_logins",
    "scenes",
    "injection",
    "load",
    "test_alert",
    "page_on_call",
    "rotation",
    "drill",
    "buttons",
]


class ChecklistError(ValueError):
    """checklist.toml does not say what it must: one sentence."""


class Limit(BaseModel):
    """One number of the checklist: what the value must keep, and what breaking it does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    unit: str
    severity: Severity
    at_most: float | None = None
    below: float | None = None
    at_least: float | None = None
    above: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Limit:
        if sum(bound is not None for bound in (self.at_most, self.below, self.at_least, self.above)) != 1:
            raise ValueError(f"limit {self.name}: give exactly one of at_most, below, at_least, above")
        return self

    @property
    def bound(self) -> float:
        """The number itself, in `unit`."""
        return next(b for b in (self.at_most, self.below, self.at_least, self.above) if b is not None)

    def keeps(self, value: float) -> bool:
        """Whether `value` (in `unit`) is within the limit; NaN never is."""
        if self.at_most is not None:
            return value <= self.at_most
        if self.below is not None:
            return value < self.below
        if self.at_least is not None:
            return value >= self.at_least
        return value > self.bound

    def __str__(self) -> str:
        sign = "<=" if self.at_most is not None else "<" if self.below is not None else ">=" if self.at_least is not None else ">"
        return f"{sign} {self.bound:.10g} {self.unit}".rstrip()


class Item(BaseModel):
    """One thing that must hold, with the checklist lines and table rows it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: ItemId
    title: str = Field(min_length=8, max_length=120)
    section: Section
    stage: Stage
    severity: Severity
    lines: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    needs: tuple[Part, ...] = ()
    limits: tuple[Limit, ...] = ()
    evidence: Mapping[str, int] = Field(min_length=1)
    remedy: str = Field(min_length=20)
    effect: str | None = None
    consent: Consent | None = None
    sends: Mapping[str, int] = {}
    every_endpoint: bool = False
    measuring: bool = False
    reachability: bool = False
    roles: tuple[str, ...] = ()
    life_days: int = 30

    @model_validator(mode="after")
    def _whole(self) -> Item:
        if (self.consent is None) != (self.effect is None):
            raise ValueError(f"{self.id}: effect and consent go together")
        if any(n < 1 for n in self.evidence.values()):
            raise ValueError(f"{self.id}: evidence of less than 1 is no evidence")
        return self

    @property
    def manual(self) -> bool:
        """Whether only a person can say it."""
        return bool(self.roles)

    @property
    def intrusive(self) -> bool:
        """Whether looking changes something, calls people, or may lock somebody out."""
        return self.consent is not None

    def sends_to(self, listed: Iterable[str]) -> Mapping[str, int]:
        """What it sends by call, where the target file lists more endpoints: an item of every endpoint asks those too."""
        if not self.every_endpoint:
            return self.sends
        return {**{f"GET {path}": max(self.sends.values()) for path in listed}, **self.sends}

    def limit(self, name: str) -> tuple[Limit, ...]:
        """The limits of that name, the gravest first."""
        found = [limit for limit in self.limits if limit.name == name]
        order = list(Severity)
        return tuple(sorted(found, key=lambda limit: -order.index(limit.severity)))


class Checklist(BaseModel):
    """All items, in the order of the file, which is the order of the record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    item: tuple[Item, ...]

    @model_validator(mode="after")
    def _unique(self) -> Checklist:
        seen: set[str] = set()
        for entry in self.item:
            if entry.id in seen:
                raise ValueError(f"item {entry.id} stands twice")
            seen.add(entry.id)
        return self

    @property
    def by_id(self) -> dict[str, Item]:
        """Items by id."""
        return {entry.id: entry for entry in self.item}


class Line(BaseModel):
    """A line of the written checklist, or a row of its tables."""

    model_config = ConfigDict(frozen=True)

    number: int
    kind: str
    text: str


@cache
def load(path: Path = CHECKLIST) -> Checklist:
    """The checklist, read and validated once a process.

    Raises ChecklistError with one sentence naming the file and what is wrong.
    """
    try:
        return Checklist.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ChecklistError(f"{path.name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ChecklistError(f"{path.name}: {where}: {first['msg']}") from error


@cache
def written_lines() -> tuple[Line, ...]:
    """The 245 checkbox, red-flag, warning and success lines of the written checklist."""
    return _read("checklist-lines.tsv")


@cache
def written_rows() -> tuple[Line, ...]:
    """The 275 rows of its tables, listings and expectations; several may share a line number."""
    return _read("checklist-tables.tsv")


def _read(name: str) -> tuple[Line, ...]:
    with (_DATA / name).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(Line(number=int(row["line"]), kind=row["kind"], text=row["text"]) for row in rows)


def uncovered(items: Iterable[Item]) -> tuple[list[Line], list[Line]]:
    """The written lines and rows that none of `items` answers."""
    lines: set[int] = set()
    rows: set[int] = set()
    for entry in items:
        lines.update(entry.lines)
        rows.update(entry.rows)
    return [x for x in written_lines() if x.number not in lines], [x for x in written_rows() if x.number not in rows]
