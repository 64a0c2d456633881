"""Alerts tried by promtool just over and just under their thresholds."""

from __future__ import annotations

import dataclasses

import pytest

from preflight.errors import LookError
from preflight.probes import promrules, ruletrial
from preflight.probes.promanswers import Recording
from preflight.probes.promrules import DOCUMENTED
from selftest.monitoring.alertrules import ERRORS, PARTS, RATIO, REQUESTS, SERVICE, made, promtool, rule, shipped


@promtool
@pytest.mark.parametrize("wanted", DOCUMENTED, ids=lambda one: one.item)
def test_shipped_rules_fire_when_they_should(wanted: promrules.Documented) -> None:
    found = promrules.find(shipped(), wanted)

    assert found is not None
    assert ruletrial.misfires(found, wanted) == ""


@promtool
@pytest.mark.parametrize(
    ("expression", "said"),
    [
        (f"{ERRORS} > 0.06", "does not fire just over"),
        (f"{ERRORS} > 0.04", ""),
        (f"{ERRORS} < 0.05", "does not fire just over"),
        (f"{ERRORS} >= 0", "fires just under"),
        (ERRORS.replace("requests", "request") + " > 0.05", "does not fire just over"),
        (f"100 * {ERRORS} > 5", ""),
        (f"{REQUESTS} > 1 and {ERRORS} > 0.05", ""),
        (f"{REQUESTS} > 1000 and {ERRORS} > 0.05", "does not fire just over"),
        (SERVICE.format("0.05"), ""),
        (SERVICE.format("0.06"), "does not fire just over"),
        (ERRORS.replace("total[", 'total{service=""}[') + " > 0.05", ""),
    ],
)
def test_wrong_rules_are_told_by_what_they_do(expression: str, said: str) -> None:
    found = ruletrial.misfires(rule(expression), promrules.documented("HLT-RULE-02"))

    assert found.startswith(said) if said else not found


@promtool
@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ('up{instance="127.0.0.1:8080"} == 0', ""),
        ('up{job="spacetime"} == 0', ""),
        ('sum(up{job="space\\"time"}) < 1', ""),
        ('absent(up{job="godot_http_api",instance="a:1"} == 1)', ""),
        ('up{job="spacetime"} == 2', "does not fire just over"),
        ('up{job="spacetime"} >= 0', "fires just under"),
        ('up{job!="godot_http_api"} == 0', "does not fire just over"),
    ],
)
def test_the_server_a_rule_asks_for_is_the_one_tried(expression: str, said: str) -> None:
    found = ruletrial.misfires(rule(expression, like="HTTPAPIDown"), promrules.documented("HLT-RULE-06"))

    assert found.startswith(said) if said else not found


@promtool
@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("job:http_errors:ratio5m > 0.05", ""),
        ('job:http_errors:ratio5m{job="spacetime",team="vr"} > 0.05', ""),
        ("max_over_time(job:http_errors:ratio5m[5m]) > 0.05", ""),
        ("job:http_errors:ratio5m > 0.06", "does not fire just over"),
    ],
)
def test_alert_on_a_recorded_series_is_tried_with_its_recording_rules(expression: str, said: str) -> None:
    asking = made(expression, RATIO, *reversed(PARTS))
    found = ruletrial.misfires(asking, promrules.documented("HLT-RULE-02"))

    assert found.startswith(said) if said else not found


@promtool
@pytest.mark.parametrize(
    ("recording", "said"),
    [
        (Recording("job:http_errors:ratio5m", "sum(rate(proxy_errors_total[5m]))", {}), "proxy_errors_total, which job:http_err"),
        (Recording("job:other", "up", {}), "job:http_errors:ratio5m, and no recording rule"),
    ],
)
def test_recorded_series_that_a_trial_can_not_feed_is_no_look(recording: Recording, said: str) -> None:
    with pytest.raises(LookError, match=f"it needs {said}"):
        ruletrial.misfires(made("job:http_errors:ratio5m > 0.05", recording), promrules.documented("HLT-RULE-02"))


@promtool
def test_alert_that_waits_too_long_does_not_fire() -> None:
    slow = dataclasses.replace(rule(f"{ERRORS} > 0.05"), hold=3600.0)

    assert "does not fire" in ruletrial.misfires(slow, promrules.documented("HLT-RULE-02"))
