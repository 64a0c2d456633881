"""The documented alerts: found among the loaded rules, read by promql-parser, and proven by `promtool test rules`.

A rule is found by its name, else by its severity and the metrics that it asks for. What its threshold means in the
checklist's unit follows from the constants in its expression (`* 60`, `/ 1048576`, `increase(…[1m])`).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from preflight import programs
from preflight.errors import LookError, Undecided
from preflight.outcome import Reason
from preflight.probes.prometheus import Prometheus, Rule
from preflight.redact import printable

_WHOSE = {"instance": "localhost:8080", "job": "godot_http_api"}
"""Whose the series of a trial are, where the rule does not ask for others."""

_STEP_S = 15
_SECONDS = 30.0
_COMPARISONS = {">", ">=", "<", "<=", "==", "!="}


@dataclass(frozen=True)
class Documented:
    """One alert of the checklist (lines 618-627 and 1051-1061).

    `threshold` in the base unit of the expression (shares of 1, seconds, bytes, events a second); `unit` is how many
    base units one unit of the item's limit has; `kind` says which series break it; `hold_s` is the documented `for`.
    """

    item: str
    names: tuple[str, ...]
    severity: str
    metrics: tuple[str, ...]
    hint: str
    kind: str
    threshold: float
    unit: float
    hold_s: float


DOCUMENTED = (
    Documented("HLT-RULE-02", ("HighHTTPErrorRate",), "critical", ("http_requests_total",), "5", "errors", 0.05, 0.01, 300),
    Documented(
        "HLT-RULE-03",
        ("CriticalSlowRequests",),
        "critical",
        ("http_request_duration_seconds_bucket", "http_request_latency_ms"),
        "0.99",
        "latency",
        2.0,
        1.0,
        300,
    ),
    Documented(
        "HLT-RULE-04", ("CriticalAuthFailureRate",), "critical", ("auth_attempts_total",), "", "logins", 50 / 60, 1 / 60, 120
    ),
    Documented(
        "HLT-RULE-05", ("CriticalMemoryUsage",), "critical", ("process_resident_memory_bytes",), "", "memory", 2**30, 1e9, 300
    ),
    Documented("HLT-RULE-06", ("HTTPAPIDown",), "critical", ("up",), "", "down", 0.0, 1.0, 120),
    Documented("HLT-RULE-07", ("ElevatedHTTPErrorRate",), "warning", ("http_requests_total",), "/", "errors", 0.01, 0.01, 600),
    Documented(
        "HLT-RULE-08",
        ("SlowRequestLatency",),
        "warning",
        ("http_request_duration_seconds_bucket", "http_request_latency_ms"),
        "0.95",
        "latency",
        0.5,
        0.001,
        600,
    ),
    Documented("HLT-RULE-09", ("HighRateLimitHits",), "warning", ("rate_limit_hits_total",), "", "limited", 50 / 60, 1 / 60, 300),
    Documented(
        "HLT-RULE-10", ("HighMemoryUsage",), "warning", ("process_resident_memory_bytes",), "", "memory", 800 * 2**20, 1e6, 600
    ),
)
_FURTHER = {"EndpointHighErrorRate", "ServiceDegraded", "HealthCheckFailing"}
"""Documented alerts with the same metrics that are about something else."""


@dataclass(frozen=True)
class Read:
    """A rule as its expression says it: the threshold in base units, None where it compares with no number.

    `selectors`: the names of the metrics asked for, each with the job that it is asked of, "" for any.
    """

    threshold: float | None
    selectors: tuple[tuple[str, str], ...]

    @property
    def metrics(self) -> set[str]:
        """The names of the metrics."""
        return {name for name, _ in self.selectors}


def documented(item: str) -> Documented:
    """The alert that an item is about."""
    return next(one for one in DOCUMENTED if one.item == item)


def find(rules: Sequence[Rule], wanted: Documented) -> Rule | None:
    """The loaded rule that is the documented one: by its name, else by severity and metrics; None where there is none."""
    for rule in rules:
        if rule.name in wanted.names:
            return rule
    known = _FURTHER | {name for one in DOCUMENTED for name in one.names}
    for rule in rules:
        severe = rule.labels.get("severity") == wanted.severity and rule.name not in known
        if severe and read(rule).metrics & set(wanted.metrics) and wanted.hint in rule.expression:
            return rule
    return None


def read(rule: Rule) -> Read:
    """What a rule's expression says. Raises LookError when it is no PromQL that the parser knows."""
    try:
        tree = promql_parser.parse(rule.expression)
    except ValueError as error:
        raise LookError(f"the expression of {rule.name} can't be read: {printable(str(error), 120)}") from error
    return Read(_threshold(tree), tuple(_selectors(tree)))


def blind(client: Prometheus, rules: Sequence[Rule], absent: Sequence[str]) -> list[str]:
    """What rules ask for and no target of Prometheus has had in the last hour: "alert: metric". Declared-absent ones don't count.

    A counter that has never counted has no series where it has labels; that it is declared is enough.
    """
    found = []
    known: dict[str, bool] = {}
    for rule in rules:
        for name, job in read(rule).selectors:
            if any(name in (gone, f"{gone}_total", f"{gone}_bucket", f"{gone}_sum", f"{gone}_count") for gone in absent):
                continue
            selector = f"{name}{{job={json.dumps(job, ensure_ascii=False)}}}" if job else name
            if selector not in known:
                known[selector] = client.had(selector, "1h") or client.declares(name, job)
            if not known[selector]:
                found.append(f"{rule.name}: {selector}")
    return sorted(set(found))


def misfires(rule: Rule, wanted: Documented) -> str:
    """What `promtool test rules` says of a rule just over and just under its threshold; empty when it does as it should.

    Raises Undecided without promtool, LookError when promtool can't read the rule.
    """
    tool = programs.find("promtool")
    if tool is None:
        raise Undecided(Reason.PROGRAM, f"promtool is not on this machine; get it by `{programs.HOW_TO_GET}`")
    bound = wanted.threshold
    own = read(rule).threshold
    if own is not None and 0 < own < bound and wanted.kind != "down":
        bound = own  # stricter than documented is allowed: it must not fire under its own bound
    over, under = (0.0, 1.0) if wanted.kind == "down" else (1.1 * wanted.threshold, 0.9 * bound)
    for value, fires in ((over, True), (under, False)):
        said = _try(tool, rule, _input(wanted, value, _whose(rule)), hold_s=wanted.hold_s, fires=fires)
        if said:
            return said
    return ""


def _try(tool: Path, rule: Rule, series: list[dict[str, str]], *, hold_s: float, fires: bool) -> str:
    body = {"alert": rule.name, "expr": rule.expression, "for": f"{rule.hold:g}s", "labels": dict(rule.labels)}
    # rates need their range filled before they are whole: ten minutes, then the documented time, then two evaluations
    moment = int(600 + hold_s + 4 * _STEP_S)
    state = f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}'
    check = {
        "expr": f"(count({state}) > bool 0) or vector(0)",
        "eval_time": f"{moment}s",
        "exp_samples": [{"labels": "{}", "value": int(fires)}],
    }
    tests = {"interval": f"{_STEP_S}s", "input_series": series, "promql_expr_test": [check]}
    with tempfile.TemporaryDirectory(prefix="preflight-rules-") as place:
        folder = Path(place)
        (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "one", "rules": [body]}]}), encoding="utf-8")
        plan = {"rule_files": ["rules.yml"], "evaluation_interval": f"{_STEP_S}s", "tests": [tests]}
        (folder / "test.yml").write_text(yaml.safe_dump(plan), encoding="utf-8")
        try:
            done = subprocess.run(
                [str(tool), "test", "rules", "test.yml"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LookError(f"promtool test rules took longer than {_SECONDS:g} s for {rule.name}") from error
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return ""
    if "got:" not in said:
        raise LookError(
            f"promtool can't test {rule.name}: {printable(said.strip().splitlines()[-1] if said.strip() else '', 160)}"
        )
    return "does not fire just over its threshold" if fires else "fires just under its threshold"


def _whose(rule: Rule) -> str:
    """The job and instance of the series that a rule selects, as labels: it can't see those of another server."""
    labels = dict(_WHOSE)
    for selector in _vectors(promql_parser.parse(rule.expression)):
        labels |= {name: value for name in _WHOSE if (value := _equal(selector, name))}
    return ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())


def _input(wanted: Documented, value: float, whose: str) -> list[dict[str, str]]:
    """Series with everything in order but the one figure. `value` in base units; `whose` the labels of all of them."""
    steps = int((600 + wanted.hold_s) / _STEP_S) + 20
    errors = value if wanted.kind == "errors" else 0.0
    asked = 100.0 * _STEP_S
    latency = value if wanted.kind == "latency" else 0.02
    logins = value if wanted.kind == "logins" else 0.0
    limited = value if wanted.kind == "limited" else 0.0
    memory = value if wanted.kind == "memory" else 600.0 * 2**20
    made = [
        _counter('http_requests_total{endpoint="/scene",method="GET",status="200"', asked * (1 - errors), steps),
        _counter('http_requests_total{endpoint="/scene",method="GET",status="500"', asked * errors, steps),
        _counter('auth_attempts_total{result="success"', asked, steps),
        _counter('auth_attempts_total{result="invalid_token"', logins * _STEP_S, steps),
        _counter('rate_limit_hits_total{endpoint="/scene"', limited * _STEP_S, steps),
        _gauge("process_resident_memory_bytes{", memory, steps),
        _gauge("up{", value if wanted.kind == "down" else 1.0, steps),
    ]
    # all requests take the same time: a narrow bucket around it, so that interpolation adds nothing
    for edge in sorted({0.001, latency * 0.999, latency, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0}):
        share = asked if edge >= latency else 0.0
        made.append(_counter(f'http_request_duration_seconds_bucket{{endpoint="/scene",le="{edge:.6g}"', share, steps))
    made.append(_counter('http_request_duration_seconds_bucket{endpoint="/scene",le="+Inf"', asked, steps))
    made.append(_counter('http_request_duration_seconds_count{endpoint="/scene"', asked, steps))
    made += [_gauge(f'http_request_latency_ms{{quantile="{q}"', 1000 * latency, steps) for q in ("0.5", "0.95", "0.99")]
    return [
        {"series": f"{one['series']}{'' if one['series'].endswith('{') else ','}{whose}}}", "values": one["values"]}
        for one in made
    ]


def _counter(head: str, by: float, steps: int) -> dict[str, str]:
    return {"series": head, "values": f"0+{by:.6f}x{steps}"}


def _gauge(head: str, value: float, steps: int) -> dict[str, str]:
    return {"series": head, "values": f"{value:.6f}x{steps}"}


def _selectors(tree: Any) -> Iterator[tuple[str, str]]:
    """Every metric asked for, with its job."""
    for selector in _vectors(tree):
        name = selector.name or _equal(selector, "__name__")
        if name:
            yield name, _equal(selector, "job")


def _vectors(tree: Any) -> Iterator[Any]:
    """Every selector of series in an expression."""
    if isinstance(tree, promql_parser.MatrixSelector):
        tree = tree.vector_selector
    if isinstance(tree, promql_parser.VectorSelector):
        yield tree
        return
    for child in _children(tree):
        yield from _vectors(child)


def _equal(selector: Any, label: str) -> str:
    """What a selector wants a label to be equal to; "" where it does not say."""
    wanted = (one.value for one in selector.matchers.matchers if one.name == label and str(one.op) == "MatchOp.Equal")
    return next(wanted, "")


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


def _threshold(tree: Any) -> float | None:
    """The constant that the outermost comparison compares with, in the base unit of what it is compared with."""
    tree = _bare(tree)
    if not isinstance(tree, promql_parser.BinaryExpr):
        return None
    if str(tree.op) in ("and", "or", "unless"):
        return _threshold(tree.lhs)
    if str(tree.op) not in _COMPARISONS:
        return None
    for constant, other in ((tree.rhs, tree.lhs), (tree.lhs, tree.rhs)):
        value = _constant(constant)
        if value is not None:
            scale = _scale(other)
            return value / scale if scale else value
    return None


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
        if tree.func.name == "increase" and isinstance(tree.args[0], promql_parser.MatrixSelector):
            return float(tree.args[0].range.total_seconds())
        if tree.func.name in ("histogram_quantile", "round"):
            return 1.0
    if isinstance(tree, promql_parser.VectorSelector) and (tree.name or "").endswith("_ms"):
        return 1000.0
    return 1.0
