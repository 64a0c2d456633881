"""PromQL by promql-parser, read for what it says: which series it asks for, and what it compares with which number."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser

_COMPARISONS = {">", ">=", "<", "<=", "==", "!="}
_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_SAME_UNIT = {"avg_over_time", "max_over_time", "min_over_time", "last_over_time", "quantile_over_time"}
"""Functions of a range whose value is in the unit of what they are about."""

Matcher = tuple[str, str, str]
"""A label, the operator as it is written, and a value."""


@dataclass(frozen=True)
class Comparison:
    """One comparison with a number.

    `value` in the base unit of what is compared; `over`: it holds above the number; `share`: a share of something is compared.
    """

    value: float
    metrics: frozenset[str]
    over: bool
    share: bool


def vectors(tree: Any) -> Iterator[Any]:
    """Every selector of series in an expression."""
    if isinstance(tree, promql_parser.MatrixSelector):
        tree = tree.vector_selector
    if isinstance(tree, promql_parser.VectorSelector):
        yield tree
        return
    for child in _children(tree):
        yield from vectors(child)


def equalities(selector: Any) -> dict[str, str]:
    """The labels that a selector wants to be equal to something, and to what."""
    return {one.name: one.value for one in selector.matchers.matchers if str(one.op) == "MatchOp.Equal" and one.value}


def metric(selector: Any) -> str:
    """The name of the metric that a selector asks for; "" where it does not say one."""
    return str(selector.name or equalities(selector).get("__name__", ""))


def matchers(selector: Any) -> tuple[Matcher, ...]:
    """What a selector wants of the labels, beside the name of the metric."""
    found = ((one.name, _OPERATORS[str(one.op).rpartition(".")[2]], one.value) for one in selector.matchers.matchers)
    return tuple(one for one in found if one[0] != "__name__")


def written(name: str, wanted: Iterable[Matcher]) -> str:
    """The selector of a metric, as it is asked for."""
    inside = ",".join(f"{label}{operator}{json.dumps(value, ensure_ascii=False)}" for label, operator, value in wanted)
    return f"{name}{{{inside}}}" if inside else name


def expanded(tree: Any, made_of: Callable[[Any], str], most: int) -> Any:
    """An expression with what its selectors are made of in their place, where `made_of` says an expression.

    Raises ValueError when there is more than so much to put in: something is made of itself.
    """
    put = 0

    def replaced(node: Any) -> Any:
        nonlocal put
        ranged = isinstance(node, promql_parser.MatrixSelector)
        if not ranged and not isinstance(node, promql_parser.VectorSelector):
            return None
        inner = made_of(node.vector_selector if ranged else node)
        if not inner:
            return None
        put += 1
        if put > most:
            raise ValueError(f"more than {most} recorded series in one expression")
        return promql_parser.parse(f"({inner})[{node.range.total_seconds():.0f}s:]" if ranged else f"({inner})")

    return promql_parser.transform(tree, replaced)


def conditions(tree: Any) -> Iterator[Any]:
    """The parts of an expression that have to hold (`and`) or that are enough (`or`), each on its own."""
    tree = _bare(tree)
    operator = str(tree.op) if isinstance(tree, promql_parser.BinaryExpr) else ""
    if operator not in {"and", "or", "unless"}:
        yield tree
        return
    yield from conditions(tree.lhs)
    if operator != "unless":
        yield from conditions(tree.rhs)


def decisive(tree: Any, fit: Callable[[Comparison], int]) -> Comparison | None:
    """The comparison that decides: of several the one that fits best; of those the strictest (`and`) or the loosest (`or`)."""
    tree = _bare(tree)
    operator = str(tree.op) if isinstance(tree, promql_parser.BinaryExpr) else ""
    if operator == "unless":
        return decisive(tree.lhs, fit)
    if operator in ("and", "or"):
        sides = [found for side in (tree.lhs, tree.rhs) if (found := decisive(side, fit)) is not None]
        best = max(map(fit, sides), default=0)
        fitting = sorted((one for one in sides if fit(one) == best), key=lambda one: one.value, reverse=operator == "and")
        return fitting[0] if fitting else None
    return _compared(tree, operator) if operator in _COMPARISONS else None


def _compared(tree: Any, operator: str) -> Comparison | None:
    for constant, other, over in ((tree.rhs, tree.lhs, (">", ">=")), (tree.lhs, tree.rhs, ("<", "<="))):
        value = _constant(constant)
        if value is not None:
            metrics = frozenset(map(metric, vectors(other)))
            return Comparison(value / (_scale(other) or 1.0), metrics, operator in over, _is_share(other))
    return None


def _is_share(tree: Any) -> bool:
    """Whether something that varies is divided by something that varies."""
    divided = isinstance(tree, promql_parser.BinaryExpr) and str(tree.op) == "/"
    return (divided and _constant(tree.rhs) is None and _constant(tree.lhs) is None) or any(map(_is_share, _children(tree)))


def _children(tree: Any) -> Iterator[Any]:
    if isinstance(tree, promql_parser.BinaryExpr):
        yield from (tree.lhs, tree.rhs)
    elif isinstance(tree, promql_parser.Call):
        yield from tree.args
    elif isinstance(
        tree, promql_parser.AggregateExpr | promql_parser.ParenExpr | promql_parser.UnaryExpr | promql_parser.SubqueryExpr
    ):
        yield tree.expr


def _bare(tree: Any) -> Any:
    while isinstance(tree, promql_parser.ParenExpr):
        tree = tree.expr
    return tree


def _constant(tree: Any) -> float | None:
    """The value of an expression of numbers alone."""
    tree = _bare(tree)
    if isinstance(tree, promql_parser.NumberLiteral):
        return float(tree.val)
    if isinstance(tree, promql_parser.UnaryExpr):
        inner = _constant(tree.expr)
        return None if inner is None else -inner
    if isinstance(tree, promql_parser.BinaryExpr):
        left, right = _constant(tree.lhs), _constant(tree.rhs)
        if left is None or right is None:
            return None
        sums = {"*": left * right, "+": left + right, "-": left - right, "/": left / right if right else 0.0}
        return _power(left, right) if str(tree.op) == "^" else sums.get(str(tree.op))
    return None


def _power(base: float, exponent: float) -> float | None:
    """A power that is a number: Prometheus calls 0 ^ -1 infinite and (-8) ^ 0.5 no number, and neither is a threshold."""
    try:
        power = base**exponent
    except (ZeroDivisionError, OverflowError):
        return None
    return power if isinstance(power, float) else None


def _scale(tree: Any) -> float:
    """By how much the value of an expression is larger than in base units: 100 of percent, 60 of "a minute"."""
    tree = _bare(tree)
    if isinstance(tree, promql_parser.BinaryExpr) and str(tree.op) in ("*", "/"):
        left, right = _constant(tree.lhs), _constant(tree.rhs)
        if str(tree.op) == "*":
            return (left if left is not None else _scale(tree.lhs)) * (right if right is not None else _scale(tree.rhs))
        return (left if left is not None else _scale(tree.lhs)) / ((right if right is not None else _scale(tree.rhs)) or 1.0)
    if isinstance(tree, promql_parser.AggregateExpr):
        return _scale(tree.expr)
    if isinstance(tree, promql_parser.Call):
        ranged: Any = _bare(tree.args[-1]) if tree.args else None
        inner = _scale(ranged.expr) if isinstance(ranged, promql_parser.SubqueryExpr) else 1.0
        span = getattr(ranged, "range", None)
        if tree.func.name == "increase" and span is not None:
            return float(span.total_seconds()) * inner
        if tree.func.name in _SAME_UNIT:
            return inner
        if tree.func.name in ("histogram_quantile", "round"):
            return 1.0
    if isinstance(tree, promql_parser.VectorSelector) and (tree.name or "").endswith("_ms"):
        return 1000.0
    return 1.0
