"""The decision tables that follow from the rule of `preflight.measure.percentile`: to be read and compared, nothing decides by them."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.measure.percentile import ALPHA_FAIL, ALPHA_PASS, LOOKS, at_least, at_most


@dataclass(frozen=True)
class Bounds:
    """One row of a decision table: at `n` independent samples PASS with `k <= pass_at_most`, FAIL with `k >= fail_at_least`.

    `pass_at_most` is -1 where no count passes.
    """

    n: int
    pass_at_most: int
    fail_at_least: int


def table(quantile: float, *, alpha_pass: float = ALPHA_PASS, alpha_fail: float = ALPHA_FAIL) -> tuple[Bounds, ...]:
    """The decision table of a quantile for independent samples. Raises KeyError for a quantile without looks."""
    looks = LOOKS[quantile]
    p = 1 - quantile
    rows = []
    for n in looks:
        passing = [k for k in range(n) if at_most(k, n, p) <= alpha_pass / len(looks)]
        failing = next((k for k in range(n + 1) if at_least(k, n, p) <= alpha_fail / len(looks)), n + 1)
        rows.append(Bounds(n, max(passing, default=-1), failing))
    return tuple(rows)
