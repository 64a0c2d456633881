"""What a test has seen: counted, judged against the limits of its item, and kept for the record."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from preflight.checklist import Item, Limit
from preflight.outcome import Severity
from preflight.redact import printable


class LimitBroken(AssertionError):
    """A value is outside a limit; `severity` is the limit's, not the item's."""

    def __init__(self, text: str, severity: Severity) -> None:
        super().__init__(text)
        self.severity = severity


class Request(Protocol):
    """What evidence needs to know of an answer."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""

    @property
    def sent_token(self) -> bool:
        """Whether a credential was presented."""

    @property
    def curl(self) -> str:
        """A command that repeats the request, without the secret."""


class Judgement(BaseModel):
    """One value against the limit that decided it, as the record keeps it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    value: float
    unit: str
    limit: str
    severity: Severity
    kept: bool
    n: int | None = None
    where: str = ""
    overridden: bool = False


@dataclass
class Evidence:
    """The look of one test at one item.

    `limits` replaces bounds by name (`"memory"`) where the target overrides them; a replaced bound says so.
    """

    item: Item
    overrides: Mapping[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    judgements: list[Judgement] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    reproduce: list[str] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)

    def saw(self, kind: str, n: int = 1) -> None:
        """Count `n` more of what was looked at (kinds as in checklist.toml: requests, lines, samples …)."""
        if n < 0:
            raise ValueError(f"evidence can't shrink: {kind} {n}")
        self.counts[kind] += n

    def request(self, answer: Request) -> None:
        """Count an answered request, what it proves about authentication, and how to repeat it."""
        self.saw("requests")
        if answer.sent_token and 200 <= answer.status_code < 300:
            self.saw("admitted")
        if answer.status_code >= 400:
            self.saw("refused")
        self.how(answer.curl)

    def fact(self, name: str, value: object) -> None:
        """Keep something a reader of the record wants to see beside the status."""
        self.facts[printable(name, 60)] = printable(str(value))

    def how(self, command: str) -> None:
        """Keep a command that repeats the look."""
        if command not in self.reproduce:
            self.reproduce.append(command)

    def warn(self, text: str) -> None:
        """Met as far as seen, but not proven or not as it should be: the item is at least a WARN."""
        self.warnings.append(printable(text))

    def judge(self, name: str, value: float, *, n: int | None = None, where: str = "") -> None:
        """Hold `value` against every limit of that name; the gravest broken one decides.

        Raises LimitBroken for a broken red-flag or mandatory limit at once; a broken warning limit is kept and the
        test goes on, since something worse may follow. Raises KeyError for a name the item does not have, and
        ValueError for a value that is no number.
        """
        limits = [self._in_force(limit) for limit in self.item.limit(name)]
        if not limits:
            raise KeyError(f"{self.item.id} has no limit called {name!r}")
        if math.isnan(value):
            raise ValueError(f"{name} is no number")
        broken = [pair for pair in limits if not pair[0].keeps(value)]
        limit, overridden = (broken or limits)[0]
        self.judgements.append(
            Judgement(
                name=name,
                value=value,
                unit=limit.unit,
                limit=str(limit),
                severity=limit.severity,
                kept=not broken,
                n=n,
                where=printable(where),
                overridden=overridden,
            )
        )
        if broken:
            text = f"{name} is {value:g} {limit.unit}".rstrip() + f", limit {limit}" + (f" ({where})" if where else "")
            if limit.severity is Severity.WARNING:
                self.warn(text)
            else:
                raise LimitBroken(text, limit.severity)

    def in_force(self, name: str) -> Limit:
        """The gravest limit of that name, as this deployment has it."""
        return self._in_force(self.item.limit(name)[0])[0]

    def _in_force(self, limit: Limit) -> tuple[Limit, bool]:
        key = f"{self.item.id}.{limit.name}.{limit.severity}"
        if key not in self.overrides:
            return limit, False
        bound = next(kind for kind in ("at_most", "below", "at_least", "above") if getattr(limit, kind) is not None)
        return limit.model_copy(update={bound: self.overrides[key]}), True


def missing(minimum: Mapping[str, int], counts: Mapping[str, int]) -> str:
    """What is missing of the least evidence, as a phrase; empty when nothing is."""
    short = [f"{counts.get(kind, 0)} of {least} {kind}" for kind, least in minimum.items() if counts.get(kind, 0) < least]
    return ", ".join(short)


def total(counts: Sequence[Mapping[str, int]]) -> Counter[str]:
    """The evidence of several tests together."""
    together: Counter[str] = Counter()
    for entry in counts:
        together.update(entry)
    return together
