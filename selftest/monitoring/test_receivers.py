"""Whoever is told of alerts in the rehearsal sees the suite's own test alert arrive, through a real Alertmanager."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from preflight import programs
from preflight.probes import alertmanager
from preflight.probes.alertmanager import Alertmanager
from preflight.rehearsal import monitorfiles
from preflight.rehearsal.behaviour import Deployment, Edit
from preflight.rehearsal.deploy import Rehearsal
from preflight.rehearsal.faults import FAULTS
from preflight.rehearsal.monitorfiles import Places
from preflight.rehearsal.receivers import NOTES

FILE = "opt/alertmanager/alertmanager.yml"
TEAM, ON_CALL = "devops-team@spacetime.production.com", "pagerduty"
HOOK = "    webhook_configs:\n      - url: 'https://hooks.spacetime.production.com/alerts'\n        send_resolved: true\n"
GROUP_WAIT = 2.0
QUICK = (
    Edit("replace", FILE, f"group_wait: {GROUP_WAIT:g}s", "group_wait: 10s"),
    Edit("replace", FILE, "group_interval: 1s", "group_interval: 10s"),
)
WITH_WEBHOOKS = (
    Edit("replace", FILE, f"{HOOK}    email_configs:", "    email_configs:"),
    Edit("replace", FILE, f"{HOOK}    pagerduty_configs:", "    pagerduty_configs:"),
)
"""The documented file has none; Alertmanager of a deployment that has some is no other program."""

live = pytest.mark.skipif(bool(programs.missing(programs.MONITORING)), reason="Prometheus and Alertmanager are not at hand")


class Told:
    """A rehearsal whose Alertmanager is ready, and what its receivers have noted."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.client = Alertmanager(rehearsal.alertmanager_url, "selftest")
        self._file = rehearsal.folder / "monitoring" / NOTES

    def notes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._file.read_text().splitlines()] if self._file.exists() else []

    def ways(self, state: str) -> dict[tuple[str, str], float]:
        """By which ways the test alert came, and when first (s since the epoch)."""
        ways: dict[tuple[str, str], float] = {}
        for note in self.notes():
            if note["alerts"] == ["PreflightTestAlert"] and note["state"] == state:
                ways.setdefault((note["through"], note["to"]), note["time"])
        return ways

    def raised(self, severity: str, *integrations: str) -> alertmanager.Delivery:
        alert = alertmanager.alarm(self.client, alertmanager.marked(severity, f"run-{severity}"), group_wait=GROUP_WAIT)
        return alert.followed(set(integrations))


@contextmanager
def deployed(folder: Path, fault: str = "", *edits: Edit) -> Iterator[Told]:
    deployment = FAULTS[fault].change(Deployment()) if fault else Deployment()
    deployment = replace(deployment, host=replace(deployment.host, edits=(*deployment.host.edits, *QUICK, *edits)))
    with Rehearsal(deployment, folder) as rehearsal:
        until(lambda: reached(f"{rehearsal.alertmanager_url}/-/ready"), 30.0)
        yield Told(rehearsal)


def reached(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def until(holds: Callable[[], object], seconds: float) -> bool:
    """Whether it holds before the time is over."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@live
def test_test_alert_is_received_by_everybody_within_seconds_and_its_end_by_who_wants_to_know(tmp_path: Path) -> None:
    with deployed(tmp_path / "told", "", *WITH_WEBHOOKS) as told:
        began = time.time()
        delivery = told.raised("critical", "email", "pagerduty", "webhook")
        hooks = {("webhook", "team-email"), ("webhook", ON_CALL)}
        everybody = {("mail", TEAM), ("pager", ON_CALL), *hooks}
        seconds = {way: at - began for way, at in told.ways("firing").items()}
        print(f"alert to receiver, s, after a group_wait of {GROUP_WAIT:g}:", seconds)

        assert all(delivery.sent[kind] > 0 for kind in ("email", "pagerduty", "webhook"))
        assert seconds.keys() == everybody
        assert max(seconds.values()) < 10, seconds

        # Alertmanager tells the end to pagers and webhooks, and by mail only where that is asked for
        ended = time.time()
        assert until(lambda: told.ways("resolved").keys() >= everybody - {("mail", TEAM)}, 10.0), told.notes()
        print("end to receiver, s:", {way: at - ended for way, at in told.ways("resolved").items()})
        assert ("mail", TEAM) not in told.ways("resolved")
        assert "PreflightTestAlert" in next(note["subject"] for note in told.notes() if note["through"] == "mail")


@live
def test_warning_of_the_documented_file_is_received_by_mail_alone(tmp_path: Path) -> None:
    with deployed(tmp_path / "documented") as told:
        assert told.raised("warning", "email").sent["email"] == 1
        assert told.ways("firing").keys() == {("mail", TEAM)}


@live
@pytest.mark.lengthy
def test_mail_that_is_refused_is_received_by_nobody_and_not_delivered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertmanager, "_SECOND_TRY", 3.0)
    with deployed(tmp_path / "broken", "receiver_broken") as told:
        delivery = told.raised("warning", "email")

        assert delivery.failed["email"] > 0
        assert not delivery.sent["email"], "HLT-ALERT-07 fails for it"
        assert told.notes() == []


@live
@pytest.mark.lengthy
def test_silenced_warning_reaches_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alertmanager, "_SECOND_TRY", 3.0)
    with deployed(tmp_path / "silenced", "warnings_silenced", *WITH_WEBHOOKS) as told:
        assert until(lambda: told.client.ask("/api/v2/silences").json(), 10.0)
        told.raised("warning", "email", "webhook")

        assert told.notes() == []


def test_no_receiver_is_added_and_nobody_outside_is_told() -> None:
    said = yaml.safe_load((Path(monitorfiles.__file__).parent / "host/files" / FILE).read_text())
    hook = {"name": "hook / 2", "webhook_configs": [{"url": "https://hooks.spacetime.production.com/alerts"}]}
    said["receivers"].append(hook)
    made = yaml.safe_load(monitorfiles.alertmanager(said, Places(1, 2, 3, 4, 5, mail=6, posts=7)))

    assert [(one["name"], *sorted(one)) for one in made["receivers"]] == [
        (one["name"], *sorted(one)) for one in said["receivers"]
    ]
    assert made["global"]["smtp_smarthost"] == "127.0.0.1:6"
    _, pager, webhook = made["receivers"]
    # version 1 of PagerDuty's API, which a service key stands for, has one address that can't be changed
    assert pager["pagerduty_configs"] == [{"url": "http://127.0.0.1:7/pager/pagerduty", "routing_key": "@@PAGER_KEY@@"}]
    assert webhook["webhook_configs"] == [{"url": "http://127.0.0.1:7/webhook/hook%20%2F%202"}]
