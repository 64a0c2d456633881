"""Alertmanager by its API: its configuration in force, its routes by amtool, its counters, and a test alert.

Version 2 of the API, or 1 where the server is older than 0.16 and has no other.
"""

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

from preflight import programs
from preflight.errors import BadAnswer, LookError, Undecided
from preflight.outcome import Reason
from preflight.probes import http, metrics
from preflight.probes.http import Answer
from preflight.probes.yamlfiles import seconds
from preflight.redact import printable
from preflight.target import Target

MAIL = "email"
ON_CALL = ("pagerduty", "opsgenie", "victorops", "pushover", "webhook", "slack", "sns", "telegram", "wechat", "webex", "msteams")
_GROUP_WAIT = 30.0
"""Of a route that says none, nor any above it: Alertmanager's own."""
_LONGEST_WAIT = 120.0
"""A test alert is followed no longer, and the time of a second try."""
_SECOND_TRY = 15.0
_SECONDS = 15.0
_TRIED = ("alertmanager_notification_requests_total", "alertmanager_notification_requests_failed_total")
_TRIED_OF_OLD = ("alertmanager_notifications_total", "alertmanager_notifications_failed_total")
"""Tries by integration and those in vain; before 0.22 there was one pair of counters, which counted every try."""


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
            Inhibition(dict(_matchers(one, "source_")), dict(_matchers(one, "target_")), tuple(map(str, one.get("equal") or ())))
            for one in self.said.get("inhibit_rules") or ()
        ]

    @http.shaped("Alertmanager")
    def group_wait(self, labels: Mapping[str, str]) -> float:
        """How long (s) an alert with these labels waits before anybody is told: the longest of its routes."""
        return max(_waits(self.route, labels, _GROUP_WAIT))


class Alertmanager:
    """A client."""

    def __init__(self, url: str, user_agent: str) -> None:
        self.url = url
        self._headers = {"User-Agent": user_agent}

    def ask(self, path: str) -> Answer:
        """GET a path. Raises Unreachable."""
        return http.send("GET", f"{self.url}{path}", headers=self._headers)

    def api(self, path: str) -> tuple[str, Answer]:
        """Which version of the API there is, and what it answers to GET."""
        answer = self.ask(f"/api/v2/{path}")
        return ("v1", self.ask(f"/api/v1/{path}")) if answer.status_code in (404, 410) else ("v2", answer)

    def configuration(self) -> Configuration:
        """The configuration in force. Raises BadAnswer when Alertmanager does not say it."""
        import yaml

        version, answer = self.api("status")
        try:
            told = answer.object()
            text = str(told["config"]["original"] if version == "v2" else told["data"]["configYAML"])
            said = yaml.safe_load(text)
        except (KeyError, TypeError, ValueError, RecursionError, yaml.YAMLError) as error:  # a date that is none is a ValueError
            raise BadAnswer(f"{answer.url} does not say the configuration in force") from error
        if not isinstance(said, dict):
            raise BadAnswer(f"{answer.url} does not say the configuration in force")
        return Configuration(said, text)

    def state(self, run_id: str) -> str:
        """What has become of the test alert of this run: "active", "suppressed" (silenced or inhibited), "" when it is unknown.

        Raises BadAnswer when Alertmanager does not list its alerts.
        """
        version, answer = self.api("alerts")
        told = answer.json()
        listed = told.get("data") if version == "v1" and isinstance(told, dict) else told
        if not isinstance(listed, list):
            raise BadAnswer(f"{answer.url} does not list the alerts")
        for alert in listed:
            if isinstance(alert, dict) and (alert.get("labels") or {}).get("run") == run_id:
                return str((alert.get("status") or {}).get("state", "active"))
        return ""

    def tries(self) -> tuple[dict[str, float], dict[str, float]]:
        """Tries to notify, and those in vain, by integration.

        They are asked in this order: a try that fails in between must not look like one that succeeded.
        """
        tried, in_vain = _TRIED if self.counts(_TRIED[0]) else _TRIED_OF_OLD
        return self.counts(tried), self.counts(in_vain)

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
        body = json.dumps([alert]).encode()
        answer = http.send("POST", f"{self.url}/api/{self.api('status')[0]}/alerts", headers=self._headers, body=body)
        if answer.status_code != 200:
            raise LookError(f"{answer.url} answers {answer.status_code}: {printable(answer.text, 120)}")


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


@dataclass(frozen=True)
class TestAlert:
    """A marked test alert that was taken: its labels, its state then, and the tries to notify counted before.

    `patience`: how long (s) after `began` it may take until it is sent.
    """

    __test__ = False  # for pytest

    client: Alertmanager
    labels: Mapping[str, str]
    state: str
    before: tuple[Mapping[str, float], Mapping[str, float]]
    began: float
    patience: float

    def followed(self, integrations: set[str]) -> Delivery:
        """Wait until each integration has sent it or time is over, and resolve it."""
        try:
            while True:
                tried, failed = (_grown(was, now) for was, now in zip(self.before, self.client.tries(), strict=True))
                sent = {key: count - failed.get(key, 0.0) for key, count in tried.items()}
                seconds = time.monotonic() - self.began
                if all(sent.get(one, 0) > 0 for one in integrations) or seconds > self.patience:
                    return Delivery(sent, failed, seconds)
                time.sleep(0.5)
        finally:
            self.client.post(self.labels, "A test of the acceptance suite: over.", minutes=0)


def marked(severity: str, run_id: str) -> dict[str, str]:
    """The labels of a test alert."""
    return {"alertname": "PreflightTestAlert", "severity": severity, "run": run_id, "instance": "preflight"}


def alarm(client: Alertmanager, labels: Mapping[str, str], *, group_wait: float) -> TestAlert:
    """Raise a marked test alert. `group_wait`: how long (s) its routes wait.

    Raises LookError when it is refused, Undecided where it would have to be followed for too long.
    """
    if group_wait > _LONGEST_WAIT:
        raise Undecided(
            Reason.OPERATOR,
            f"a {labels['severity']} alert waits {group_wait:g} s before anybody is told, and a test alert is followed for"
            f" {_LONGEST_WAIT:g} s: give its route in alertmanager.yml a shorter group_wait",
        )
    before, began = client.tries(), time.monotonic()
    client.post(labels, "A test of the acceptance suite: nothing is wrong, and nothing is to be done.", minutes=5)
    try:
        state = client.state(labels["run"])
    except BaseException:
        client.post(labels, "A test of the acceptance suite: over.", minutes=0)
        raise
    return TestAlert(client, labels, state, before, began, group_wait + _SECOND_TRY)


def _grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {key: value - before.get(key, 0.0) for key, value in after.items()}


def _waits(route: Mapping[str, Any], labels: Mapping[str, str], inherited: float) -> Iterator[float]:
    """The group_wait of each route that takes an alert, as Alertmanager walks them: the last that match, else the one above."""
    said = seconds(route.get("group_wait"))
    wait = inherited if said is None else said
    below = False
    for child in route.get("routes") or ():
        if all(_matches(matcher, labels.get(name, "")) for name, matcher in _matchers(child)):
            below = True
            yield from _waits(child, labels, wait)
            if not child.get("continue"):
                break
    if not below:
        yield wait


def _matchers(rule: Mapping[str, Any], side: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    """The matchers of a route, or of one side ("source_", "target_") of an inhibition: label, (operator, value)."""
    for name, value in (rule.get(f"{side}match") or {}).items():
        yield str(name), ("=", str(value))
    for name, value in (rule.get(f"{side}match_re") or {}).items():
        yield str(name), ("=~", str(value))
    for text in rule.get(f"{side}matchers") or ():
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
