"""`preflight doctor`: one harmless request a service, so that a wrong URL or token costs seconds and no run."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from preflight.budget import Budget
from preflight.errors import LookError, Undecided
from preflight.probes import http
from preflight.probes.api import PROTECTED, Api
from preflight.probes.host import host_of
from preflight.redact import Redactor, know, printable
from preflight.target import HOW_TO_OFFER, Target, load

_SECONDS = 5.0


def examine(path: Path) -> int:
    """Say of each part whether it can be looked at; 0 when everything named answers as it should."""
    target = load(path)
    know(Redactor(target.revealed()))
    good = True
    for part, text, fine in findings(target):
        print(f"{'ok  ' if fine else 'BAD '} {part:<14}{text}")
        good = good and fine
    for part, how in HOW_TO_OFFER.items():
        if not target.offers(part) and part not in target.facts.absent:
            print(f"--   {part:<14}not named, its items will be PENDING: {how}")
    missing = [name for name, agreed in target.facts.consent.items() if not agreed]
    if missing:
        print(f"--   consent       not given: {', '.join(missing)}")
    return 0 if good else 1


def findings(target: Target) -> Iterator[tuple[str, str, bool]]:
    """Part, sentence, and whether it is as it should be."""
    facts = target.facts
    with tempfile.TemporaryDirectory(prefix="preflight-doctor-") as place:
        api = Api(target, Budget(Path(place) / "budget.json", [""]), "spacetime-preflight/doctor")
        yield from _api(target, api)
    services = {
        "prometheus": (facts.prometheus, "/-/ready"),
        "alertmanager": (facts.alertmanager, "/-/ready"),
        "grafana": (facts.grafana, "/api/health"),
        "loki": (facts.loki, "/ready"),
    }
    for name, (service, where) in services.items():
        if service is not None and service.url is not None:
            yield _asked(name, service.url + where)
    if facts.host is not None:
        yield _host(target)


def _host(target: Target) -> tuple[str, str, bool]:
    project = target.facts.paths.project
    try:
        with contextlib.closing(host_of(target)) as host:
            there = (found := host.facts(project)) is not None and found.is_folder
            name = host.name
    except (LookError, Undecided) as error:
        return "host", str(error), False
    return "host", f"{project} {'is there' if there else 'is missing: see [host] root and [paths] project'}, on {name}", there


def _api(target: Target, api: Api) -> Iterator[tuple[str, str, bool]]:
    try:
        health = api.get("/health", total_seconds=_SECONDS)
    except LookError as error:
        yield "api", f"{error}; see [api] url", False
        return
    yield "api", f"{api.url('/health')} answers {health.status_code}", health.status_code in (200, 503)
    token = target.secret("token")
    if token is None:
        yield "token", "none: give [secrets] token", False
        return
    try:
        answer = api.get(PROTECTED, token=token, total_seconds=_SECONDS)
    except LookError as error:
        yield "token", str(error), False
        return
    fine = answer.status_code == 200
    yield "token", "opens the API" if fine else f"GET {PROTECTED} answers {answer.status_code}: wrong, expired or revoked", fine


def _asked(name: str, url: str) -> tuple[str, str, bool]:
    try:
        answer = http.send("GET", url, total_seconds=_SECONDS)
    except LookError as error:
        return name, f"{error}; see [{name}] url", False
    return name, f"{printable(url)} answers {answer.status_code}", answer.status_code == 200
