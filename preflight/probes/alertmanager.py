"""Alertmanager by its API, version 2: its configuration in force, its routes by amtool, its counters, and a test alert."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from preflight import programs
from preflight.errors import BadAnswer, LookError, Undecided
from preflight.outcome import Reason
from preflight.probes import http, metrics
from preflight.probes.http import Answer
from preflight.redact import printable
from preflight.target import Target

MAIL = "email"
ON_CALL = ("pagerduty", "opsgenie", "victorops", "pushover", "webhook", "slack", "sns", "telegram", "wechat", "webex", "msteams")
_DELIVERY_SECONDS = 25.0
"""Groups wait for 10 s; the rest is for a second try."""
_SECONDS = 15.0
_TRIED = "alertmanager_notification_requests_total"
_TRIED_IN_VAIN = "alertmanager_notification_requests_failed_total"


@dataclass(frozen=True)
class Inhibition:
    """One rule of silence: matchers by label, as (operator, value)."""

    source: Mapping[str, tuple[str, str]]
    target: Mapping[str, tuple[str, str]]
    equal: tuple[str, ...]

    def may_silence(self, severity: str) -> bool:
        """Whether an alert of that severity can be its target."""
        return _matches(self.target.get("severity"), severity)

    def speaks_for(self, severity: str) -> bool:
        """Whether an alert of that severity can be its source."""
        return _matches(self.source.get("severity"), severity)


@dataclass(frozen=True)
class Configuration:
    """The configuration in force, secrets hidden."""

    said: Mapping[str, Any]
    text: str = field(repr=False)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The `global` part."""
        found = self.said.get("global")
        return found if isinstance(found, dict) else {}

    @property
    def route(self) -> Mapping[str, Any]:
        """The outermost route."""
        found = self.said.get("route")
        return found if isinstance(found, dict) else {}

    @http.shaped("Alertmanager")
    def integrations(self, receiver: str) -> dict[str, list[Mapping[str, Any]]]:
        """The integrations of a receiver: "email" → its entries. Empty where there is no such receiver."""
        for one in self.said.get("receivers") or ():
            if one.get("name") == receiver:
                return {
                    key.removesuffix("_configs"): list(value) for key, value in one.items() if key.endswith("_configs") and value
                }
        return {}

    @http.shaped("Alertmanager")
    def receivers_with(self, *kinds: str) -> list[str]:
        """The receivers that have an integration of one of these kinds."""
        names = [str(one.get("name")) for one in self.said.get("receivers") or ()]
        return [name for name in names if any(kind in kinds for kind in self.integrations(name))]

    @http.shaped("Alertmanager")
    def inhibitions(self) -> list[Inhibition]:
        """The rules of silence."""
        return [
            Inhibition(dict(_matchers(one, "source")), dict(_matchers(one, "target")), tuple(map(str, one.get("equal") or ())))
            for one in self.said.get("inhibit_rules") or ()
        ]


class Alertmanager:
    """A client."""

    def __init__(self, url: str, user_agent: str) -> None:
        self.url = url
        self._headers = {"User-Agent": user_agent}

    def ask(self, path: str) -> Answer:
        """GET a path. Raises Unreachable."""
        return http.send("GET", f"{self.url}{path}", headers=self._headers)

    def configuration(self) -> Configuration:
        """The configuration in force. Raises BadAnswer when Alertmanager does not say it."""
        answer = self.ask("/api/v2/status").object()
        try:
            text = str(answer["config"]["original"])
            said = yaml.safe_load(text)
        except (KeyError, TypeError, ValueError, RecursionError, yaml.YAMLError) as error:  # a date that is none is a ValueError
            raise BadAnswer(f"{self.url}/api/v2/status does not say the configuration in force") from error
        if not isinstance(said, dict):
            raise BadAnswer(f"{self.url}/api/v2/status does not say the configuration in force")
        return Configuration(said, text)

    def counts(self, name: str) -> dict[str, float]:
        """A counter of Alertmanager's own by integration."""
        found: dict[str, float] = {}
        for sample in metrics.samples(self.ask("/metrics"), name):
            if sample.name == name:
                key = sample.labels.get("integration", "")
                found[key] = found.get(key, 0.0) + sample.value
        return found

    def post(self, labels: Mapping[str, str], summary: str, *, minutes: float) -> None:
        """Raise an alert that ends by itself after `minutes`; with 0 it is resolved. Raises LookError when it is refused."""
        now = datetime.now(UTC)
        alert = {
            "labels": dict(labels),
            "annotations": {"summary": summary},
            "startsAt": (now - timedelta(seconds=1)).isoformat(),
            "endsAt": (now + timedelta(minutes=minutes)).isoformat(),
        }
        answer = http.send("POST", f"{self.url}/api/v2/alerts", headers=self._headers, body=json.dumps([alert]).encode())
        if answer.status_code != 200:
            raise LookError(f"{self.url}/api/v2/alerts answers {answer.status_code}: {printable(answer.text, 120)}")


@dataclass(frozen=True)
class Delivery:
    """What became of a test alert, by integration: tries that succeeded, and that failed."""

    sent: Mapping[str, float]
    failed: Mapping[str, float]
    seconds: float


def connect(target: Target, user_agent: str) -> Alertmanager:
    """A client of the target's Alertmanager. Raises Undecided where the target file names none."""
    part = target.facts.alertmanager
    if part is None:
        raise Undecided(Reason.OPERATOR, 'no Alertmanager: give [alertmanager] url = "http://…" in the target file')
    return Alertmanager(part.url, user_agent)


def receivers_of(configuration: Configuration, **labels: str) -> list[str]:
    """The receivers that an alert with these labels reaches, by `amtool config routes test`.

    Raises Undecided without amtool, LookError when amtool can't read the configuration.
    """
    tool = programs.find("amtool")
    if tool is None:
        raise Undecided(Reason.PROGRAM, f"amtool is not on this machine; get it by `{programs.HOW_TO_GET}`")
    # hidden secrets stand where addresses have to be
    text = re.sub(r"(?m)(url\w*: *)<secret>$", r"\1http://hidden.invalid", configuration.text)
    with tempfile.TemporaryDirectory(prefix="preflight-routes-") as place:
        file = Path(place) / "alertmanager.yml"
        file.write_text(text, encoding="utf-8")
        command = [str(tool), "config", "routes", "test", f"--config.file={file}"]
        try:
            done = subprocess.run(
                [*command, *(f"{name}={value}" for name, value in labels.items())],
                cwd=place,
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise LookError(f"amtool took longer than {_SECONDS:g} s") from error
    if done.returncode:
        raise LookError(f"amtool can't read the configuration in force: {printable((done.stderr or done.stdout).strip(), 160)}")
    return [name for name in done.stdout.strip().splitlines()[-1].split(",") if name] if done.stdout.strip() else []


def deliver(client: Alertmanager, severity: str, integrations: set[str], run_id: str) -> Delivery:
    """Raise a marked test alert, wait until each integration has sent it or time is over, and resolve it."""
    labels = {"alertname": "PreflightTestAlert", "severity": severity, "run": run_id, "instance": "preflight"}
    before_tried, before_failed = client.counts(_TRIED), client.counts(_TRIED_IN_VAIN)
    began = time.monotonic()
    client.post(labels, "A test of the acceptance suite: nothing is wrong, and nothing is to be done.", minutes=5)
    try:
        while True:
            # in this order: a try that fails between the two questions must not look like one that succeeded
            tried = _grown(before_tried, client.counts(_TRIED))
            failed = _grown(before_failed, client.counts(_TRIED_IN_VAIN))
            sent = {key: count - failed.get(key, 0.0) for key, count in tried.items()}
            seconds = time.monotonic() - began
            if all(sent.get(one, 0) > 0 for one in integrations) or seconds > _DELIVERY_SECONDS:
                return Delivery(sent, failed, seconds)
            time.sleep(0.5)
    finally:
        client.post(labels, "A test of the acceptance suite: over.", minutes=0)


def _grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {key: value - before.get(key, 0.0) for key, value in after.items()}


def _matchers(rule: Mapping[str, Any], side: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, value in (rule.get(f"{side}_match") or {}).items():
        yield str(name), ("=", str(value))
    for name, value in (rule.get(f"{side}_match_re") or {}).items():
        yield str(name), ("=~", str(value))
    for text in rule.get(f"{side}_matchers") or ():
        found = re.match(r"\s*([\w:]+)\s*(=~|!~|!=|=)\s*\"?(.*?)\"?\s*$", str(text))
        if found:
            yield found[1], (found[2], found[3])


def _matches(matcher: tuple[str, str] | None, value: str) -> bool:
    if matcher is None:
        return True
    operator, wanted = matcher
    try:
        same = re.fullmatch(wanted, value) is not None if "~" in operator else wanted == value
    except (re.error, RecursionError, OverflowError) as error:
        raise BadAnswer(f"Alertmanager matches with something else than a pattern: {printable(wanted, 60)}") from error
    return same != operator.startswith("!")
