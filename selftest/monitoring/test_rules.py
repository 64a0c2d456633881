"""Alert rules are read for what they mean, and proven by promtool."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.errors import LookError
from preflight.probes import alertstates, promrules, recorded
from preflight.probes.promanswers import Recording, Rule, Series
from preflight.probes.prometheus import Prometheus
from preflight.probes.promrules import DOCUMENTED
from selftest.monitoring.alertrules import ERRORS, P99, PARTS, RATIO, REQUESTS, made, rule, shipped


@pytest.mark.parametrize(
    ("expression", "threshold"),
    [
        ('sum(rate(a{status="500"}[5m])) / sum(rate(a[5m])) > 0.05', 0.05),
        ("100 * sum(rate(a[5m])) / sum(rate(b[5m])) > 5", 0.05),
        ("sum(rate(a[5m])) / sum(rate(b[5m])) * 100 >= 5", 0.05),
        ("0.05 < sum(rate(a[5m])) / sum(rate(b[5m]))", 0.05),
        ("sum(rate(a[1m])) * 60 > 50", 50 / 60),
        ("sum(increase(a[1m])) > 50", 50 / 60),
        ("sum(increase(a[2m])) / 2 > 50", 50 / 60),
        ("sum(increase((a[1m]))) > 50", 50 / 60),
        ("max_over_time((100 * a / b)[5m:1m]) > 5", 0.05),
        ("memory > 1024 * 1024 * 1024", 2.0**30),
        ("memory / 1024 / 1024 > 1024", 2.0**30),
        ("(memory / 2 ^ 20) > 1024", 2.0**30),
        ('latency_ms{quantile="0.95"} > 500', 0.5),
        ("(rate(a[5m]) > 3) and on() up == 1", 3.0),
        ("a > 0 ^ -1", None),
        ("a > (-8) ^ 0.5", None),
        ("a > 1e300 ^ 2", None),
        ("a > (-2) ^ 3", -8.0),
        ("absent(up)", None),
        ("a > b", None),
    ],
)
def test_threshold_is_read_in_base_units(expression: str, threshold: float | None) -> None:
    found = promrules.threshold(rule(expression), promrules.documented("HLT-RULE-02"))

    assert found == (pytest.approx(threshold) if threshold is not None else None)


@pytest.mark.parametrize(
    ("item", "expression", "threshold"),
    [
        ("HLT-RULE-02", f"{REQUESTS} > 1 and {ERRORS} > 0.05", 0.05),
        ("HLT-RULE-02", f"{ERRORS} > 0.05 and {REQUESTS} > 0.01", 0.05),
        ("HLT-RULE-02", f"({REQUESTS} > 0.01) and 100 * {ERRORS} > 50", 0.5),
        ("HLT-RULE-02", f"{ERRORS} > 0.05 and {ERRORS.replace('5m', '1h')} > 0.04", 0.05),
        ("HLT-RULE-02", f"{ERRORS} > 0.05 or {ERRORS.replace('5m', '1m')} > 0.5", 0.05),
        ("HLT-RULE-02", f"{ERRORS} > 0.05 and {ERRORS} < 0.9", 0.05),
        ("HLT-RULE-02", f"{ERRORS} > 0.05 unless {ERRORS} > 0.01", 0.05),
        ("HLT-RULE-02", f"{REQUESTS} and {ERRORS} > 0.05", 0.05),
        ("HLT-RULE-03", f"{REQUESTS} > 1 and {P99} > 5", 5.0),
        ("HLT-RULE-03", f"{P99} > 2 and {REQUESTS} > 10", 2.0),
        ("HLT-RULE-04", "sum(rate(auth_attempts_total[1m])) * 60 > 50 and a / b > 0.1", 50 / 60),
        ("HLT-RULE-06", 'up{job="a"} < 1 and time() - start > 60', 1.0),
    ],
)
def test_of_several_comparisons_the_one_about_the_documented_limit_counts(item: str, expression: str, threshold: float) -> None:
    found = promrules.threshold(rule(expression), promrules.documented(item))

    assert found == pytest.approx(threshold)


def test_broken_expression_is_no_look() -> None:
    with pytest.raises(LookError, match="can't be read"):
        promrules.metrics(rule("sum(rate(a[5m]"))


def test_metrics_are_found_wherever_they_stand() -> None:
    found = recorded.asked(rule('max_over_time(sum by (x) (rate(a{job="g"}[5m]))[1h:1m]) > -(b offset 5m) unless {__name__="c"}'))

    assert {(one.metric, one.matchers) for one in found} == {("a", (("job", "=", "g"),)), ("b", ()), ("c", ())}


@pytest.mark.parametrize("wanted", DOCUMENTED, ids=lambda one: one.item)
def test_shipped_rules_hold_every_documented_alert(wanted: promrules.Documented) -> None:
    found = promrules.find(shipped(), wanted)

    assert found is not None
    assert found.name in wanted.names
    assert found.hold == wanted.hold_s
    assert found.labels["severity"] == wanted.severity


def test_renamed_alert_is_found_by_what_it_says() -> None:
    renamed = [dataclasses.replace(one, name="Oom") if one.name == "CriticalMemoryUsage" else one for one in shipped()]
    found = promrules.find(renamed, promrules.documented("HLT-RULE-05"))

    assert found is not None
    assert found.name == "Oom"


def twins(*thresholds: tuple[str, str]) -> list[Rule]:
    """The shipped rules with the alerts on errors replaced by rules of one name, by severity."""
    others = [one for one in shipped() if "HTTPErrorRate" not in one.name]
    like = rule("up")
    return others + [
        dataclasses.replace(like, labels={"severity": severity}, expression=f"{ERRORS} > {bound}")
        for severity, bound in thresholds
    ]


@pytest.mark.parametrize("order", [("warning", "critical"), ("critical", "warning")])
def test_of_two_alerts_of_one_name_the_severity_tells_which(order: tuple[str, str]) -> None:
    bounds = {"critical": "0.05", "warning": "0.01"}
    rules = twins(*((severity, bounds[severity]) for severity in order))
    critical, warning = (promrules.find(rules, promrules.documented(one)) for one in ("HLT-RULE-02", "HLT-RULE-07"))

    assert critical is not None
    assert critical.expression.endswith("> 0.05")
    assert warning is not None
    assert warning.expression.endswith("> 0.01")


def test_alert_of_the_wrong_severity_is_found_by_its_name_and_is_no_other_alert() -> None:
    rules = [
        dataclasses.replace(one, labels={"severity": "warning"}) if one.name == "CriticalSlowRequests" else one
        for one in shipped()
    ]
    slow, warning = (promrules.find(rules, promrules.documented(one)) for one in ("HLT-RULE-03", "HLT-RULE-08"))

    assert slow is not None
    assert (slow.name, slow.labels["severity"]) == ("CriticalSlowRequests", "warning")
    assert warning is not None
    assert warning.name == "SlowRequestLatency"


def test_recorded_series_are_followed_to_what_they_are_made_of() -> None:
    asking = made('job:http_errors:ratio5m{job="g",team="vr"} > 0.05', RATIO, *PARTS)

    assert promrules.metrics(asking) == {"http_requests_total"}
    assert [one.name for one in recorded.needed(asking)] == ["job:http_5xx:rate5m", "job:http_requests:rate5m", RATIO.name]
    assert {one.above for one in recorded.asked(asking)} == {(("job", "=", "g"),)}


@pytest.mark.parametrize(
    ("expression", "threshold"),
    [
        ("job:http_errors:ratio5m > 0.05", 0.05),
        ("100 * job:http_errors:ratio5m > 5", 0.05),
        ("job:http_errors:percent > 5", 0.05),
        ("max_over_time(job:http_errors:percent[10m]) > 5", 0.05),
        ("job:http_requests:rate5m > 1 and job:http_errors:ratio5m > 0.05", 0.05),
        ("increase(job:failures:sum[1m]) > 50", 50 / 60),
        ('job:http_errors:by{part="share"} > 0.05 and job:http_errors:by{part="all"} > 9', 0.05),
    ],
)
def test_threshold_on_a_recorded_series_is_read_in_base_units(expression: str, threshold: float) -> None:
    recordings = (
        Recording("job:http_errors:percent", "100 * job:http_errors:ratio5m", {}),
        Recording("job:failures:sum", "sum by (job) (auth_attempts_total)", {}),
        Recording("job:http_errors:by", "job:http_requests:rate5m", {"part": "all"}),
        Recording("job:http_errors:by", RATIO.expression, {"part": "share"}),
    )
    found = promrules.threshold(made(expression, RATIO, *PARTS, *recordings), promrules.documented("HLT-RULE-02"))

    assert found == pytest.approx(threshold)


def test_renamed_alert_on_a_recorded_series_is_found() -> None:
    p99 = Recording("job:http_latency:p99", P99, {})
    renamed = dataclasses.replace(made("job:http_latency:p99 > 2", p99, like="CriticalSlowRequests"), name="Slow")

    assert promrules.find([renamed], promrules.documented("HLT-RULE-03")) == renamed


def test_recorded_series_made_of_itself_is_no_look() -> None:
    asking = made("a:b > 1", Recording("a:b", "c:d", {}), Recording("c:d", "a:b + 1", {}))

    with pytest.raises(LookError, match="can't be followed"):
        promrules.metrics(asking)
    with pytest.raises(LookError, match="can't be followed"):
        promrules.threshold(asking, promrules.documented("HLT-RULE-02"))


def test_recording_rules_come_with_the_alerts_that_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    alert = {"type": "alerting", "name": "A", "query": "a:b > 1", "duration": 60, "labels": {"severity": "critical"}}
    recording = {"type": "recording", "name": "a:b", "query": "sum(a)", "labels": {"team": "vr"}}
    broken = {"type": "recording", "name": "c:d", "query": "sum(c)", "health": "err", "lastError": "many-to-many"}
    told = {"groups": [{"rules": [alert]}, {"rules": [recording, broken]}]}
    monkeypatch.setattr(Prometheus, "data", lambda *_, **__: told)
    (found,) = Prometheus("http://p:9090", None, "selftest").rules()

    assert (found.name, found.hold, found.labels) == ("A", 60.0, {"severity": "critical"})
    assert found.recordings == (Recording("a:b", "sum(a)", {"team": "vr"}), Recording("c:d", "sum(c)", {}, "many-to-many"))


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_alert_that_one_of_two_rules_of_its_name_raised_is_not_false(order: tuple[int, int]) -> None:
    rules = [twins(("critical", "0.05"), ("warning", "0.01"))[-2:][one] for one in order]
    held = {f"{ERRORS} > 0.01": [Series({}, (15.0, 30.0), (0.02, 0.02))]}
    client: Any = SimpleNamespace(range=lambda expression, *_: held.get(expression, []))
    fired = Series({"alertname": "HighHTTPErrorRate"}, (30.0,), (1.0,))
    window: Any = SimpleNamespace(firing=lambda: [fired], start=0.0, end=60.0, step=15.0)

    assert [one.false for one in alertstates.raised(client, rules, window)] == [False]
