"""The marks and options of an acceptance run."""

from __future__ import annotations

import pytest

from preflight.outcome import VerdictStage

MARKERS = {
    "item(id)": "names the item of checklist.toml that the test answers",
    "security": "section: authentication, limits, headers, TLS, firewall, secrets",
    "health": "section: the API, its surroundings, configuration and monitoring",
    "performance": "section: latency, trend, baseline, resources",
    "vr": "section: headset, tracking, frames, input, comfort",
    "approval": "section: the sign-offs",
    "red_flag": "severity: breaking it stops the deployment and can't be waived",
    "mandatory": "severity: breaking it stops the deployment unless waived",
    "warning": "severity: breaking it is reported (xfail)",
    "predeploy": "stage: may it be deployed?",
    "signoff": "stage: the approvals",
    "postdeploy": "stage: was the deployment successful? (immediate, short, medium, long)",
    "immediate": "stage: 0-15 minutes after the deployment",
    "short": "stage: 15-60 minutes after the deployment",
    "medium": "stage: 1-4 hours after the deployment",
    "long": "stage: 4-24 hours after the deployment",
    "rollback": "stage: after a rollback",
    "intrusive": "changes the target, calls people or may get an address banned: needs consent",
    "manual": "only a person can say it",
    "measuring": "takes times, so it never runs beside others",
}


def _minutes(text: str) -> float:
    """A time in minutes. Raises ValueError for one that is none."""
    if not float(text) > 0:
        raise ValueError(text)
    return float(text)


def add_options(parser: pytest.Parser) -> None:
    """The options of an acceptance run."""
    group = parser.getgroup("preflight", "Preflight: may SpaceTime VR be deployed?")
    group.addoption("--target", metavar="FILE", help="the deployment under test (else PREFLIGHT_TARGET, else target.toml)")
    group.addoption("--rehearse", action="store_true", help="start a stand-in deployment on this machine and look at that")
    group.addoption("--fault", action="append", default=[], metavar="NAME", help="break the rehearsal in one way (repeatable)")
    group.addoption("--polite", action="store_true", help="rehearse without any consent")
    group.addoption(
        "--stage", choices=[str(s) for s in VerdictStage], help="what the verdict is about (else by the target's times)"
    )
    group.addoption("--intrusive", action="store_true", help="give every consent but page_on_call for this run")
    group.addoption("--plan", action="store_true", help="show what would be sent and changed, and send nothing")
    group.addoption(
        "--checklist", action="store_true", help="show every item with its lines, tests and severity, and run nothing"
    )
    group.addoption("--record", metavar="DIR", help="where the run's folder is made (else reports/)")
    group.addoption("--frames", metavar="FILE", help="judge this recording of the game's frames (docs/vr.md)")
    group.addoption("--live", action="store_true", help="lead a person through the VR session on this terminal (docs/vr.md)")
    group.addoption(
        "--live-minutes", type=_minutes, metavar="M", help="shorten every scenario of --live to M minutes; the record says so"
    )
    group.addoption("--engine", action="store_true", help="with --rehearse: judge frames that Godot draws as well (docs/vr.md)")
    group.addoption(
        "--quick", action="store_true", help="measure latency for about a minute in all; what that can't decide waits"
    )
    group.addoption("--pending", metavar="RECORD", help="run only what is not decided in that record.json")
