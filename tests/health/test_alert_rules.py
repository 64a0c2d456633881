"""Every documented alert is loaded, fires when it should and only then.

Checklist lines 437-438, 502, 618-627, 653, 660, 1008-1009, 1051-1061, 1188, 1215, 1360.
"""

from functools import cache

import pytest

from preflight.errors import LookError, Undecided
from preflight.fixtures import item
from preflight.probes import alertstates, promrules, ruletrial
from preflight.probes.gamejob import game_job
from preflight.probes.promrules import DOCUMENTED
from preflight.probes.servercounters import EVALUATIONS_FAILED
from preflight.probes.spans import DAY, HOUR
from preflight.session import now


@pytest.fixture
def rule_is_as_documented(rules, evidence):
    """The rule of the item is loaded; threshold, duration and severity are the documented ones, or stricter."""

    def hold():
        wanted = promrules.documented(evidence.item.id)
        rule = promrules.find(rules, wanted)
        evidence.saw("rules", rule is not None)
        assert rule is not None, f"no rule {wanted.names[0]} is loaded, and none that says the same"
        evidence.fact("rule", f"{rule.name}: {rule.expression}")
        severity = rule.labels.get("severity", "")
        assert severity == wanted.severity, f"{rule.name} is {severity or 'of no severity'} instead of {wanted.severity}"
        evidence.judge("for", rule.hold / 60, where=rule.name)
        if evidence.item.limit("threshold"):
            threshold = promrules.threshold(rule, wanted)
            assert threshold is not None, f"{rule.name} compares with no number: {rule.expression}"
            evidence.judge("threshold", round(threshold / wanted.unit, 6), where=rule.name)

    return hold


@pytest.fixture(scope="session")
def misfiring(rules):
    """Documented alerts that are not loaded, don't fire when they should, or fire when they should not."""

    @cache
    def found():
        wrong, untried = [], []
        for wanted in DOCUMENTED:
            rule = promrules.find(rules, wanted)
            try:
                said = ruletrial.misfires(rule, wanted) if rule else "is not loaded"
            except (LookError, Undecided) as error:  # one that can't be tried takes nothing from what the others show
                untried.append(error)
                continue
            if said:
                wrong.append(f"{rule.name if rule else wanted.names[0]} {said}")
        if untried and not wrong:
            raise untried[0]
        return wrong

    return found


@item("HLT-RULE-01")
def test_rule_files_are_loaded(rules, evidence):
    """The rule files are loaded and contain every documented rule."""
    evidence.saw("rules", len(rules))
    missing = [one.names[0] for one in DOCUMENTED if promrules.find(rules, one) is None]

    assert rules, "Prometheus has loaded no alerting rule: rule_files in prometheus.yml name no file that exists"
    assert not missing, f"not loaded: {', '.join(missing)}"


@item("HLT-RULE-02")
def test_alert_on_errors_is_loaded(rule_is_as_documented):
    """The alert on an error rate over 5 % for 5 minutes is loaded, as critical."""
    rule_is_as_documented()


@item("HLT-RULE-03")
def test_alert_on_very_slow_requests_is_loaded(rule_is_as_documented):
    """The alert on a P99 over 2 s for 5 minutes is loaded, as critical."""
    rule_is_as_documented()


@item("HLT-RULE-04")
def test_alert_on_failed_logins_is_loaded(rule_is_as_documented):
    """The alert on more than 50 failed logins a minute for 2 minutes is loaded, as critical."""
    rule_is_as_documented()


@item("HLT-RULE-05")
def test_alert_on_too_much_memory_is_loaded(rule_is_as_documented):
    """The alert on memory over 1 GB for 5 minutes is loaded, as critical."""
    rule_is_as_documented()


@item("HLT-RULE-06")
def test_alert_on_a_dead_api_is_loaded(rule_is_as_documented):
    """The alert on an API that is down for 2 minutes is loaded, as critical."""
    rule_is_as_documented()


@item("HLT-RULE-07")
def test_warning_on_errors_is_loaded(rule_is_as_documented):
    """The alert on an error rate over 1 % for 10 minutes is loaded, as warning."""
    rule_is_as_documented()


@item("HLT-RULE-08")
def test_warning_on_slow_requests_is_loaded(rule_is_as_documented):
    """The alert on a P95 over 500 ms for 10 minutes is loaded, as warning."""
    rule_is_as_documented()


@item("HLT-RULE-09")
def test_warning_on_limiter_hits_is_loaded(rule_is_as_documented):
    """The alert on more than 50 limiter hits a minute for 5 minutes is loaded, as warning."""
    rule_is_as_documented()


@item("HLT-RULE-10")
def test_warning_on_memory_is_loaded(rule_is_as_documented):
    """The alert on memory over 800 MB for 10 minutes is loaded, as warning."""
    rule_is_as_documented()


@item("HLT-RULE-11")
def test_alerts_fire_just_over_their_threshold(rules, misfiring, evidence):
    """Each alert fires just over its threshold and stays quiet just under it."""
    evidence.saw("rules", len(DOCUMENTED))
    wrong = misfiring()
    assert not wrong, "; ".join(wrong)


@item("HLT-RULE-12")
def test_no_rule_is_blind(rules, prometheus, target, evidence):
    """Every metric that a rule asks for exists: no rule is blind."""
    evidence.saw("rules", len(rules))
    evidence.saw("series", len({name for rule in rules for name in promrules.metrics(rule)}))
    absent = tuple(target.facts.absent_metrics)
    blind = promrules.blind(prometheus, rules, absent)
    assert not blind, f"asked for and never seen: {', '.join(blind)}"

    strangers = promrules.strangers(prometheus, rules, absent, game_job(prometheus, target))
    assert not strangers, "; ".join(strangers)


@item("HLT-RULE-13")
def test_rules_are_evaluated_without_failures(rules, prometheus, failures_since, evidence):
    """Prometheus evaluates its rules without failures: no rule is broken now, and none has failed in the last hour."""
    evidence.saw("rules", len(rules))
    recorded = {one.name: one for rule in rules for one in rule.recordings}
    broken = [f"{one.name}: {one.error}" for one in [*rules, *recorded.values()] if one.error]
    evidence.judge("evaluation_failures", len(broken), n=len(rules), where="; ".join(broken))

    failures = failures_since(prometheus.ask("/metrics"), EVALUATIONS_FAILED, now().timestamp() - HOUR)
    evidence.judge("evaluation_failures", failures, n=len(rules), where="in the last hour")


@item("HLT-AFTER-07")
def test_alerts_are_configured_and_tested(rules, misfiring, prometheus, evidence):
    """Alerts are configured, connected and tested."""
    evidence.saw("rules", len(rules))
    assert prometheus.alertmanagers(), "Prometheus is connected to no Alertmanager"

    wrong = misfiring()
    assert not wrong, "; ".join(wrong)


@item("HLT-AFTER-08")
def test_alerts_fire_when_they_should(rules, prometheus, evidence):
    """Alerts fire when they should: what breaks a rule now is firing, and nothing else is."""
    evidence.saw("rules", len(rules))
    firing = [rule.name for rule in rules if rule.state == "firing"]
    evidence.fact("firing now", ", ".join(firing) or "none")
    wrong = alertstates.contradictions(prometheus, rules)

    assert not wrong, "; ".join(wrong)


@item("HLT-DAY-07")
def test_no_false_alert_was_raised(rules, watched, prometheus, evidence):
    """No false alert was raised."""
    day = watched.over(DAY)
    evidence.saw("rules", len(rules))
    evidence.saw("samples", day.scrapes().scrapes)
    raised = alertstates.raised(prometheus, rules, day)
    evidence.fact("raised", ", ".join(str(one) for one in raised) or "none")
    false = [str(one) for one in raised if one.false]

    evidence.judge("false_alerts", len(false), n=len(raised), where=", ".join(false))
