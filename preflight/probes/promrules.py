"""The documented alerts: found among the loaded rules, and read by promql-parser.

A rule is found by its name and severity, else by its name, else by its severity and the metrics that it asks for. What its
threshold means in the checklist's unit follows from the constants in its expression (`* 60`, `/ 1048576`, `increase(…[1m])`).
What recording rules make counts as what it is made of (recorded.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preflight.probes import promql, recorded
from preflight.probes.promanswers import Rule
from preflight.probes.prometheus import Prometheus
from preflight.probes.promql import Matcher
from preflight.probes.recorded import Asked

_HAPPENED = {"endpoint", "method", "status", "result", "le", "quantile", "code", "scene", "error_type", "rule"}
"""Labels that say what happened: a value that has not happened yet has no series."""
_PLACES = {"job", "instance"}
"""Labels that say whose a series is."""
_RAISED = {"ALERTS", "ALERTS_FOR_STATE"}
"""What Prometheus itself writes while an alert is raised: it is not there on a quiet day."""


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
