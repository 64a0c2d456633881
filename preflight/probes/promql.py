"""What a PromQL expression asks for, read by promql-parser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import promql_parser


def vectors(tree: Any) -> Iterator[Any]:
    """Every selector of series in an expression."""
    if isinstance(tree, promql_parser.MatrixSelector):
        tree = tree.vector_selector
    if isinstance(tree, promql_parser.VectorSelector):
        yield tree
        return
    for child in children(tree):
        yield from vectors(child)


def children(tree: Any) -> Iterator[Any]:
    """The parts of an expression that are expressions."""
    if isinstance(tree, promql_parser.BinaryExpr):
        yield from (tree.lhs, tree.rhs)
    elif isinstance(tree, promql_parser.Call):
        yield from tree.args
    elif isinstance(
        tree, promql_parser.AggregateExpr | promql_parser.ParenExpr | promql_parser.UnaryExpr | promql_parser.SubqueryExpr
    ):
        yield tree.expr


def equal(selector: Any, label: str) -> str:
    """What a selector wants a label to be equal to; "" where it does not say."""
    wanted = (one.value for one in selector.matchers.matchers if one.name == label and str(one.op) == "MatchOp.Equal")
    return next(wanted, "")


def metric(selector: Any) -> str:
    """The metric that a selector asks for; "" where it asks for several."""
    return selector.name or equal(selector, "__name__")
