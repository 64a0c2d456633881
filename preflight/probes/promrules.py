"""The documented alerts: found among the loaded rules, read by promql-parser, and proven by `promtool test rules`.

A rule is found by its name and severity, else by its name, else by its severity and the metrics that it asks for. What its
threshold means in the checklist's unit follows from the constants in its expression (`* 60`, `/ 1048576`, `increase(…[1m])`).
What recording rules make counts as what it is made of (recorded.py).
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from preflight import programs
from preflight.errors import LookError, Undecided
from preflight.outcome import Reason
from preflight.probes import promql, recorded
from preflight.probes.prometheus import Prometheus, Rule
from preflight.probes.promql import Matcher
from preflight.probes.recorded import Asked
from preflight.redact import printable

_WHOSE = {"instance": "localhost:8080", "job": "godot_http_api"}
"""Whose the series of a trial are, where the rule does not ask for others."""
_OWN = {"__name__", "endpoint", "method", "status", "result", "le", "quantile"}
"""The labels in which the series of a trial differ."""
_HAPPENED = (_OWN - {"__name__"}) | {"code", "scene", "error_type", "rule"}
"""Labels that say what happened: a value that has not happened yet has no series."""
_PLACES = {"job", "instance"}
"""Labels that say whose a series is."""
_RAISED = {"ALERTS", "ALERTS_FOR_STATE"}
"""What Prometheus itself writes while an alert is raised: it is not there on a quiet day."""

_STEP_S = 15
_SECONDS = 30.0


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


_LATENCY = ("http_request_duration_seconds_bucket", "http_request_latency_ms")
DOCUMENTED = (
    Documented("HLT-RULE-02", ("HighHTTPErrorRate",), "critical", ("http_requests_total",), "5", "errors", 0.05, 0.01, 300),
    Documented("HLT-RULE-03", ("CriticalSlowRequests",), "critical", _LATENCY, "0.99", "latency", 2.0, 1.0, 300),
    Documented(
        "HLT-RULE-04", ("CriticalAuthFailureRate",), "critical", ("auth_attempts_total",), "", "logins", 50 / 60, 1 / 60, 120
    ),
    Documented(
        "HLT-RULE-05", ("CriticalMemoryUsage",), "critical", ("process_resident_memory_bytes",), "", "memory", 2**30, 1e9, 300
    ),
    Documented("HLT-RULE-06", ("HTTPAPIDown",), "critical", ("up",), "", "down", 0.0, 1.0, 120),
    Documented("HLT-RULE-07", ("ElevatedHTTPErrorRate",), "warning", ("http_requests_total",), "/", "errors", 0.01, 0.01, 600),
    Documented("HLT-RULE-08", ("SlowRequestLatency",), "warning", _LATENCY, "0.95", "latency", 0.5, 0.001, 600),
    Documented("HLT-RULE-09", ("HighRateLimitHits",), "warning", ("rate_limit_hits_total",), "", "limited", 50 / 60, 1 / 60, 300),
    Documented(
        "HLT-RULE-10", ("HighMemoryUsage",), "warning", ("process_resident_memory_bytes",), "", "memory", 800 * 2**20, 1e6, 600
    ),
)
_FURTHER = {"EndpointHighErrorRate", "ServiceDegraded", "HealthCheckFailing"}
"""Documented alerts with the same metrics that are about something else."""


def documented(item: str) -> Documented:
    """The alert that an item is about."""
    return next(one for one in DOCUMENTED if one.item == item)


def find(rules: Sequence[Rule], wanted: Documented) -> Rule | None:
    """The loaded rule that is the documented one; None where there is none.

    By its name and severity, else by its name, else by severity and metrics: then a name that is documented with this
    severity is another alert, but the twin of one that is documented with the other severity may be it.
    """
    named = [rule for rule in rules if rule.name in wanted.names]
    alike = [rule for rule in named if rule.labels.get("severity") == wanted.severity] or named
    if alike:
        return alike[0]
    known = _FURTHER | {name for one in DOCUMENTED if one.severity == wanted.severity for name in one.names}
    for rule in rules:
        severe = rule.labels.get("severity") == wanted.severity and rule.name not in known
        if severe and metrics(rule) & set(wanted.metrics) and _hinted(rule, wanted.hint):
            return rule
    return None


def _hinted(rule: Rule, hint: str) -> bool:
    return hint in rule.expression or any(hint in one.expression for one in recorded.needed(rule))


def metrics(rule: Rule) -> set[str]:
    """The names of the metrics that a rule asks for, of recorded ones those that they are made of. Raises LookError as `threshold`."""
    return {one.metric for one in recorded.asked(rule)}


def threshold(rule: Rule, wanted: Documented) -> float | None:
    """The number at which a rule fires, in base units; None where it compares with none.

    A rule may compare more than one thing ("and there are requests at all"): the comparison that is about what the
    alert is about counts. Raises LookError when an expression is no PromQL that the parser knows.
    """

    def fit(one: promql.Comparison) -> int:
        about = bool(one.metrics & set(wanted.metrics))
        return about + (one.share == (wanted.kind == "errors")) + (one.over != (wanted.kind == "down"))

    found = promql.decisive(recorded.whole(rule), fit)
    return None if found is None else found.value


def blind(client: Prometheus, rules: Sequence[Rule], absent: Sequence[str]) -> list[str]:
    """What rules ask for and no target of Prometheus has had in the last hour: "alert: selector". Declared-absent ones don't count.

    Labels that say what happened are not asked for. A counter that has never counted has no series where it has labels;
    that it is declared is enough. A recorded series may have no sample where what it is made of has.
    """
    known: dict[tuple[str, tuple[Matcher, ...]], bool] = {}

    def there(one: Asked) -> bool:
        key = one.metric, (*one.matchers, *one.above)
        if key not in known:
            known[key] = _is_there(client, *key)
        return known[key]

    return sorted(
        {
            f"{rule.name}: {_for_people(one)}"
            for rule in rules
            for one in _to_be_seen(recorded.asked(rule), absent)
            if not there(one) and not (one.through and client.had(one.through, "1h"))
        }
    )


def strangers(client: Prometheus, rules: Sequence[Rule], absent: Sequence[str], game: str) -> list[str]:
    """Documented alerts that watch somebody else: "alert: selector is not the game's".

    Of what an alert is about, at least one condition asks for series of the game's job alone, or of several jobs with
    the game's among them. `game` is that job.
    """
    found = []
    for wanted in DOCUMENTED:
        rule = find(rules, wanted)
        if rule is None:
            continue
        conditions = [recorded.asked(rule, part) for part in promql.conditions(recorded.tree(rule))]
        about = [[one for one in _to_be_seen(each, absent) if one.metric in wanted.metrics] for each in conditions]
        foreign = [[one for one in each if not _is_of(client, one, game)] for each in about if each]
        if foreign and all(foreign):
            found += [f"{rule.name}: {_for_people(one)} is not the game's" for each in foreign for one in each]
    return list(dict.fromkeys(found))


def _to_be_seen(asked: Iterable[Asked], absent: Sequence[str]) -> list[Asked]:
    gone = _RAISED | {f"{name}{ending}" for name in absent for ending in ("", "_total", "_bucket", "_sum", "_count")}
    return [one for one in asked if one.metric not in gone]


def _for_people(one: Asked) -> str:
    whose = tuple(each for each in one.above if each[0] in _PLACES)
    return promql.written(one.metric, (*one.matchers, *whose)) + (f" (for {one.through})" if one.through else "")


def _is_of(client: Prometheus, one: Asked, job: str) -> bool:
    """Whether series of that job are among what is asked for. What is wanted of recorded labels but their place may be made."""
    whose = (each for each in one.above if each[0] in _PLACES)
    return _is_there(client, one.metric, (*one.matchers, *whose, ("job", "=", job)))


def _is_there(client: Prometheus, metric: str, matchers: Sequence[Matcher]) -> bool:
    """Whether there are such series of late, or a target that they would come from declares them and none has been born yet."""
    wanted = list(dict.fromkeys(one for one in matchers if one[0] not in _HAPPENED))
    if client.had(promql.written(metric, wanted), "1h"):
        return True
    place = [one for one in wanted if one[0] in _PLACES]
    jobs = [value for label, operator, value in place if (label, operator) == ("job", "=")]
    if not client.declares(metric, jobs[0] if jobs else ""):
        return False
    born = len(place) < len(wanted) and client.had(promql.written(metric, place), "1h")
    return not born and (len(place) == len(jobs) < 2 or client.had(promql.written("up", place), "1h"))


def misfires(rule: Rule, wanted: Documented) -> str:
    """What `promtool test rules` says of a rule just over and just under its threshold; empty when it does as it should.

    Raises Undecided without promtool, LookError when promtool can't read the rule, or when it is made of recorded series
    that a trial can't feed.
    """
    tool = programs.find("promtool")
    if tool is None:
        raise Undecided(Reason.PROGRAM, f"promtool is not on this machine; get it by `{programs.HOW_TO_GET}`")
    bound = wanted.threshold
    own = threshold(rule, wanted)
    if own is not None and 0 < own < bound and wanted.kind != "down":
        bound = own  # stricter than documented is allowed: it must not fire under its own bound
    over, under = (0.0, 1.0) if wanted.kind == "down" else (1.1 * wanted.threshold, 0.9 * bound)
    whose = _whose(rule)
    _feeds(rule, _input(wanted, over, whose))
    for value, fires in ((over, True), (under, False)):
        said = _try(tool, rule, _input(wanted, value, whose), hold_s=wanted.hold_s, fires=fires)
        if said:
            return said
    return ""


def _feeds(rule: Rule, series: Sequence[dict[str, str]]) -> None:
    """Raises LookError when a recorded series is made of what is not among the series, or of nobody knows what."""
    fed = {one["series"].partition("{")[0] for one in series}
    for one in recorded.asked(rule):
        if one.metric not in fed and (one.through or ":" in one.metric):
            made = f", which {one.through} is made of" if one.through else ", and no recording rule loaded here makes it"
            raise LookError(f"{rule.name} can't be tried: it needs {one.metric}{made}")


def _try(tool: Path, rule: Rule, series: list[dict[str, str]], *, hold_s: float, fires: bool) -> str:
    import yaml

    bodies: list[dict[str, object]] = [
        {"record": one.name, "expr": one.expression, "labels": dict(one.labels)} for one in recorded.needed(rule)
    ]
    bodies.append({"alert": rule.name, "expr": rule.expression, "for": f"{rule.hold:g}s", "labels": dict(rule.labels)})
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
        (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "one", "rules": bodies}]}), encoding="utf-8")
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
