"""What a rule asks for in the end: of a series that a recording rule makes, the series that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import promql_parser

from preflight.errors import LookError
from preflight.probes import promql
from preflight.probes.promanswers import Recording, Rule
from preflight.probes.promql import Matcher
from preflight.redact import printable

_MOST = 200
"""How many recorded series one rule may be made of; more is something that is made of itself."""


@dataclass(frozen=True)
class Asked:
    """A metric that a rule asks for.

    `through` is the selector of the recorded series that it is asked for by, "" where the rule itself asks; `above` is
    what those selectors want of labels that no recording rule puts on.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    through: str = ""
    above: tuple[Matcher, ...] = ()


def tree(rule: Rule) -> Any:
    """A rule's expression as it is written. Raises LookError when it is no PromQL that the parser knows."""
    return _parsed(rule.name, rule.expression)


def whole(rule: Rule) -> Any:
    """A rule's expression, with the expressions of recording rules in the place of their names. Raises LookError as `tree`."""

    def made_of(selector: Any) -> str:
        return next((one.expression for one in _makers(selector, rule.recordings)), "")

    try:
        return promql.expanded(tree(rule), made_of, _MOST)
    except ValueError as error:
        raise LookError(f"what {rule.name} asks for can't be followed: {printable(str(error), 120)}") from error


def asked(rule: Rule, part: Any = None) -> list[Asked]:
    """What a rule, or a part of its expression, asks for in the end. Raises LookError as `tree`."""
    found: list[Asked] = []
    todo: list[tuple[Any, Asked]] = [(tree(rule) if part is None else part, Asked("", ()))]
    for _ in range(_MOST):
        if not todo:
            return found
        expression, outer = todo.pop(0)
        for selector in promql.vectors(expression):
            name, own = promql.metric(selector), promql.matchers(selector)
            makers = _makers(selector, rule.recordings)
            through = outer.through or (promql.written(name, own) if makers else "")
            if not makers and name:
                found.append(Asked(name, own, through, outer.above))
            for one in makers:
                handed = tuple(each for each in (*own, *outer.above) if each[0] not in one.labels)
                todo.append((_parsed(one.name, one.expression), Asked("", (), through, handed)))
    raise LookError(f"what {rule.name} asks for can't be followed: it is recorded of more than {_MOST} series, or of itself")


def needed(rule: Rule) -> list[Recording]:
    """The recording rules that a rule is made of, each after those that it needs itself. Raises LookError as `tree`."""
    seen: list[Recording] = []

    def follow(expression: Any) -> Iterator[Recording]:
        for selector in promql.vectors(expression):
            for one in _makers(selector, rule.recordings):
                if one not in seen:
                    seen.append(one)
                    yield from follow(_parsed(one.name, one.expression))
                    yield one

    return list(follow(tree(rule)))


def _makers(selector: Any, recordings: Sequence[Recording]) -> list[Recording]:
    """The recording rules that make what a selector asks for; of several of one name those whose labels it takes."""
    name, wanted = promql.metric(selector), promql.equalities(selector)
    return [
        one
        for one in recordings
        if one.name == name
        and all(one.labels.get(label, value) == value for label, value in wanted.items() if label != "__name__")
    ]


def _parsed(name: str, expression: str) -> Any:
    try:
        return promql_parser.parse(expression)
    except ValueError as error:
        raise LookError(f"the expression of {name} can't be read: {printable(str(error), 120)}") from error
