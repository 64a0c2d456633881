"""Alerts reach the people they are meant for.

Checklist lines 565-603, 651-652, 654-655, 660-661, 1290, 1541, 1550.
"""

from preflight.fixtures import item
from preflight.probes import alertmanager, alertrouting, spans
from preflight.probes.alertrouting import MAIL, ON_CALL
from preflight.probes.servercounters import ALERTS_DROPPED, EVALUATIONS_FAILED, NOTIFICATIONS_FAILED
from preflight.probes.yamlfiles import seconds
from preflight.session import now


@item("HLT-ALERT-01")
def test_alertmanager_is_ready(alerts, evidence):
    """Alertmanager is running and ready."""
    answer = alerts.ask("/-/ready")
    evidence.request(answer)

    assert answer.status_code == 200, f"{answer.url} answers {answer.status_code}"


@item("HLT-ALERT-02")
def test_mail_server_is_configured(alert_routes, alert_file, evidence):
    """Alertmanager has a mail server and an account to send with."""
    settings = alert_routes.settings
    evidence.saw("settings", 2)
    assert settings.get("smtp_smarthost"), "smtp_smarthost is not set: no mail leaves Alertmanager"
    assert settings.get("smtp_auth_username"), "smtp_auth_username is not set"
    assert settings.get("smtp_auth_password") or settings.get("smtp_auth_password_file"), "smtp_auth_password is not set"

    assert not alert_file.placeholders("smtp"), f"a placeholder stands in {', '.join(alert_file.placeholders('smtp'))}"


@item("HLT-ALERT-03")
def test_alerts_are_grouped_as_agreed(alert_routes, evidence):
    """Alerts are grouped, delayed and repeated as agreed, and go to the team when nothing else fits."""
    route = alert_routes.route
    evidence.saw("settings", 5)

    for name, unit in (("group_wait", 1), ("group_interval", 1), ("repeat_interval", 3600)):
        said = seconds(route.get(name))
        assert said is not None, f"route.{name} is not set"
        evidence.judge(name, said / unit)
    missing = {"alertname", "severity"} - set(route.get("group_by") or ())
    assert not missing, f"route.group_by lacks {', '.join(sorted(missing))}"
    assert MAIL in alert_routes.integrations(route.get("receiver", "")), "what fits no route does not go to the team by mail"


@item("HLT-ALERT-04")
def test_critical_alerts_reach_mail_and_on_call(alert_routes, critical_alerts, evidence):
    """Critical alerts reach the team by mail and whoever is on call."""
    for labels in critical_alerts:
        name, reached = labels["alertname"], alertrouting.receivers_of(alert_routes, **labels)
        evidence.saw("settings", 2)
        evidence.fact(name, f"reaches {', '.join(reached)}")
        kinds = {kind for receiver in reached for kind in alert_routes.integrations(receiver)}
        assert MAIL in kinds, f"{name} reaches {', '.join(reached) or 'nobody'}, and none of them gets mail"
        assert kinds & set(ON_CALL), f"{name} reaches {', '.join(reached)}, and none of them pages whoever is on call"
        muted = alert_routes.muted(labels)
        assert not muted, f"{name} is held back at times: {'; '.join(muted)}"


@item("HLT-ALERT-04")
def test_critical_alerts_are_not_silenced(alerts, critical_alerts, evidence):
    """No silence keeps a critical alert from those whom it is meant for."""
    silenced = {labels["alertname"]: held for labels in critical_alerts if (held := alerts.silences(labels))}
    evidence.saw("settings")
    said = "; ".join(f"{name} by {held[0]}" for name, held in silenced.items())

    assert len(silenced) < len(critical_alerts), f"every critical alert is silenced: {said}"
    if silenced:
        evidence.warn(f"silenced: {said}")


@item("HLT-ALERT-05")
def test_both_receivers_are_defined(alert_routes, alert_file, evidence):
    """Both receivers are defined, and mails say what is wrong in their subject."""
    mail, on_call = alert_routes.receivers_with(MAIL), alert_routes.receivers_with(*ON_CALL)
    evidence.saw("settings", 3)
    assert mail, "no receiver sends mail"
    assert on_call, "no receiver pages whoever is on call"
    # Alertmanager's own subject names what alerts are grouped by
    grouped = {"alertname", "..."} & set(alert_routes.route.get("group_by") or ())
    default = "{{ alertname }}" if grouped else ""
    subjects = [
        str((entry.get("headers") or {}).get("Subject", default))
        for name in mail
        for entry in alert_routes.integrations(name)[MAIL]
    ]

    assert not alert_file.placeholders("receivers"), f"a placeholder stands in {', '.join(alert_file.placeholders('receivers'))}"
    assert any("alertname" in subject for subject in subjects), "the subject of the mails does not name the alert"


@item("HLT-ALERT-06")
def test_inhibition_swallows_no_critical_alert(alert_routes, evidence):
    """A critical alert silences its own warning twin and never another critical one."""
    rules = alert_routes.inhibitions()
    evidence.saw("settings")
    swallowing = [one for one in rules if one.may_silence("critical")]
    twins = [one for one in rules if one.speaks_for("critical") and one.may_silence("warning")]

    assert not swallowing, "an inhibition rule silences critical alerts: its target names no severity, or the critical one"
    assert twins, "no inhibition rule lets a critical alert silence its warning twin"
    loose = [one for one in twins if not {"alertname", "instance"} <= set(one.equal)]
    assert not loose, "an inhibition rule silences warnings of other alerts: `equal` lacks alertname or instance"


@item("HLT-ALERT-07")
def test_alert_is_taken(warning, evidence):
    """A test alert is taken, and neither silenced nor inhibited."""
    evidence.saw("messages")

    assert warning.alert.state != "suppressed", "the test alert is silenced or inhibited: nobody is told of a warning"


@item("HLT-ALERT-07")
def test_alert_is_delivered(delivered, warning, evidence):
    """A test alert is delivered by every integration of its route."""
    wanted, delivery = warning.integrations, delivered
    evidence.saw("messages", int(sum(delivery.sent.get(kind, 0) for kind in wanted)))

    assert wanted, "a warning reaches no receiver"
    for kind in sorted(wanted):
        failures = delivery.failed.get(kind, 0)
        assert delivery.sent.get(kind), f"the test alert was not delivered by {kind} ({failures:g} tries failed)"
    evidence.fact("delivered", f"by {', '.join(sorted(wanted))} within {delivery.seconds:.1f} s")


@item("HLT-ALERT-08")
def test_no_notification_has_failed(alerts, failures_since, evidence):
    """No notification of Alertmanager has failed in the last hour."""
    counted = alerts.counts(NOTIFICATIONS_FAILED)
    since_start = ", ".join(f"{kind}: {count:g}" for kind, count in counted.items() if count)
    evidence.fact("failed since Alertmanager's start", since_start or "none")
    failed = failures_since(alerts.ask("/metrics"), NOTIFICATIONS_FAILED, now().timestamp() - spans.HOUR)

    evidence.judge("failed_notifications", failed, n=len(counted), where=since_start)


@item("HLT-ALERT-09")
def test_alert_was_received_by_mail(people):
    """Somebody has received the test alert by mail."""
    people.attested()


@item("HLT-ALERT-10")
def test_page_goes_out(alerts, alert_routes, postman, session, evidence):
    """A page goes out through PagerDuty."""
    labels = alertmanager.marked("critical", session.run_id)
    reached = alertrouting.receivers_of(alert_routes, **labels)
    pagers = {kind for receiver in reached for kind in alert_routes.integrations(receiver)} & set(ON_CALL)
    assert pagers, "a critical alert reaches nobody who is on call"
    wait = alert_routes.group_wait(labels)
    delivery = postman.submit(lambda: alertmanager.alarm(alerts, labels, group_wait=wait).followed(pagers)).result()
    evidence.saw("messages", int(sum(delivery.sent.get(kind, 0) for kind in pagers)))

    for kind in sorted(pagers):
        failures = delivery.failed.get(kind, 0)
        assert delivery.sent.get(kind), f"the page was not delivered by {kind} ({failures:g} tries failed)"


@item("HLT-ALERT-11")
def test_page_was_received(people):
    """Whoever is on call has received the page."""
    people.attested()


@item("HLT-AFTER-09")
def test_neither_evaluation_nor_notification_failed(alerts, prometheus, failures_since, target, evidence):
    """Neither rule evaluation nor notification has failed since the deployment."""
    page, (start, _) = prometheus.ask("/metrics"), spans.since_deployment(target, 0.0, now())
    failures = {
        "evaluations": failures_since(page, EVALUATIONS_FAILED, start),
        "alerts not passed on": failures_since(page, ALERTS_DROPPED, start),
        "notifications": failures_since(alerts.ask("/metrics"), NOTIFICATIONS_FAILED, start),
    }

    evidence.judge("failures", sum(failures.values()), where=", ".join(f"{name}: {count:g}" for name, count in failures.items()))
