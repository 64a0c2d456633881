"""A documented alert tried out: `promtool test rules` with series just over and just under its threshold."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from preflight import programs
from preflight.errors import LookError
from preflight.probes import recorded
from preflight.probes.promanswers import Rule
from preflight.probes.promrules import Documented, threshold
from preflight.redact import printable

_WHOSE = {"instance": "localhost:8080", "job": "godot_http_api"}
"""Whose the series of a trial are, where the rule does not ask for others."""
_OWN = {"__name__", "endpoint", "method", "status", "result", "le", "quantile"}
"""The labels in which the series of a trial differ."""
_STEP_S = 15
_SECONDS = 30.0


def misfires(rule: Rule, wanted: Documented) -> str:
    """What `promtool test rules` says of a rule just over and just under its threshold; empty when it does as it should.

    Raises Undecided without promtool, LookError when promtool can't read the rule, or when it is made of recorded series
    that a trial can't feed.
    """
    tool = programs.needed("promtool")
    bound = wanted.threshold
    own = threshold(rule, wanted)
    if own is not None and 0 < own < bound and wanted.kind != "down":
        bound = own  # stricter than documented is allowed: it must not fire under its own bound
    over, under = (0.0, 1.0) if wanted.kind == "down" else (1.1 * wanted.threshold, 0.9 * bound)
    whose = _whose(rule)
    _feeds(rule, _input(wanted, over, whose))
    # rates need their range filled before they are whole: ten minutes, then the documented time, then two evaluations
    moment = int(600 + wanted.hold_s + 4 * _STEP_S)
    trials = {
        fires: _trial(rule, _input(wanted, value, whose), moment, fires=fires) for value, fires in ((over, True), (under, False))
    }
    if _as_expected(tool, rule, list(trials.values())):
        return ""
    if not _as_expected(tool, rule, [trials[True]]):
        return "does not fire just over its threshold"
    return "fires just under its threshold"


def _feeds(rule: Rule, series: Sequence[dict[str, str]]) -> None:
    """Raises LookError when a recorded series is made of what is not among the series, or of nobody knows what."""
    fed = {one["series"].partition("{")[0] for one in series}
    for one in recorded.asked(rule):
        if one.metric not in fed and (one.through or ":" in one.metric):
            made = f", which {one.through} is made of" if one.through else ", and no recording rule loaded here makes it"
            raise LookError(f"{rule.name} can't be tried: it needs {one.metric}{made}")


def _trial(rule: Rule, series: list[dict[str, str]], moment: int, *, fires: bool) -> dict[str, object]:
    """A test of promtool's: whether the rule fires at a moment (s) with these series."""
    state = f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}'
    check = {
        "expr": f"(count({state}) > bool 0) or vector(0)",
        "eval_time": f"{moment}s",
        "exp_samples": [{"labels": "{}", "value": int(fires)}],
    }
    return {"interval": f"{_STEP_S}s", "input_series": series, "promql_expr_test": [check]}


def _as_expected(tool: Path, rule: Rule, trials: list[dict[str, object]]) -> bool:
    """Whether all of these trials come out as they say. Raises LookError when promtool can't tell."""
    bodies: list[dict[str, object]] = [
        {"record": one.name, "expr": one.expression, "labels": dict(one.labels)} for one in recorded.needed(rule)
    ]
    bodies.append({"alert": rule.name, "expr": rule.expression, "for": f"{rule.hold:g}s", "labels": dict(rule.labels)})
    with tempfile.TemporaryDirectory(prefix="preflight-rules-") as place:
        folder = Path(place)
        # what is JSON is YAML, too
        (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "one", "rules": bodies}]}), encoding="utf-8")
        plan = {"rule_files": ["rules.yml"], "evaluation_interval": f"{_STEP_S}s", "tests": trials}
        (folder / "test.yml").write_text(json.dumps(plan), encoding="utf-8")
        done = programs.run([str(tool), "test", "rules", "test.yml"], folder, _SECONDS)
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return True
    if "got:" not in said:
        raise LookError(
            f"promtool can't test {rule.name}: {printable(said.strip().splitlines()[-1] if said.strip() else '', 160)}"
        )
    return False


def _whose(rule: Rule) -> str:
    """What the series that a rule selects are labelled with beside their own labels: it can't see those of another server."""
    labels = dict(_WHOSE)
    for one in recorded.asked(rule):
        equal = ((label, value) for label, operator, value in (*one.above, *one.matchers) if operator == "=" and value)
        labels |= {label: value for label, value in equal if label not in _OWN}
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
