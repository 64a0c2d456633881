"""Alerts reach the people they are meant for.

Checklist lines 565-603, 651-652, 654-655, 660-661, 1290, 1541, 1550.
"""

from preflight.fixtures import item, not_built


@item("HLT-ALERT-01")
def test_alertmanager_is_ready():
    """Alertmanager is running and ready."""
    not_built()


@item("HLT-ALERT-02")
def test_mail_server_is_configured():
    """Alertmanager has a mail server and an account to send with."""
    not_built()


@item("HLT-ALERT-03")
def test_alerts_are_grouped_as_agreed():
    """Alerts are grouped, delayed and repeated as agreed, and go to the team when nothing else fits."""
    not_built()


@item("HLT-ALERT-04")
def test_critical_alerts_reach_mail_and_on_call():
    """Critical alerts reach the team by mail and whoever is on call."""
    not_built()


@item("HLT-ALERT-05")
def test_both_receivers_are_defined():
    """Both receivers are defined, and mails say what is wrong in their subject."""
    not_built()


@item("HLT-ALERT-06")
def test_inhibition_swallows_no_critical_alert():
    """A critical alert silences its own warning twin and never another critical one."""
    not_built()


@item("HLT-ALERT-07")
def test_alert_is_delivered():
    """A test alert is delivered by every integration of its route."""
    not_built()


@item("HLT-ALERT-08")
def test_no_notification_has_failed():
    """No notification of Alertmanager has failed."""
    not_built()


@item("HLT-ALERT-09")
def test_alert_was_received_by_mail(people):
    """Somebody has received the test alert by mail."""
    people.attested()


@item("HLT-ALERT-10")
def test_page_goes_out():
    """A page goes out through PagerDuty."""
    not_built()


@item("HLT-ALERT-11")
def test_page_was_received(people):
    """Whoever is on call has received the page."""
    people.attested()


@item("HLT-AFTER-09")
def test_neither_evaluation_nor_notification_failed():
    """Neither rule evaluation nor notification has failed since the deployment."""
    not_built()
