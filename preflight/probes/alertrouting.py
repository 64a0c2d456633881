"""Alertmanager's configuration in force: whom an alert reaches, after how long, and what holds it back."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from preflight import programs
from preflight.errors import BadAnswer, LookError
from preflight.probes import http
from preflight.probes.yamlfiles import seconds
from preflight.redact import printable

MAIL = "email"
ON_CALL = ("pagerduty", "opsgenie", "victorops", "pushover", "webhook", "slack", "sns", "telegram", "wechat", "webex", "msteams")
_TIMES = ("mute_time_intervals", "active_time_intervals")
_GROUP_WAIT = 30.0
"""Of a route that says none, nor any above it: Alertmanager's own."""
_SECONDS = 15.0


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
        return max(wait for _, wait in _walk(self.route, labels, _GROUP_WAIT))

    @http.shaped("Alertmanager")
    def muted(self, labels: Mapping[str, str]) -> list[str]:
        """The times, by name, in which a route of an alert with these labels tells nobody, or outside of which it does not."""
        held = [(kind, route.get(kind) or ()) for route, _ in _walk(self.route, labels, _GROUP_WAIT) for kind in _TIMES]
        return [f"{kind} {', '.join(map(str, names))}" for kind, names in held if names]


def silences(said: Any, labels: Mapping[str, str]) -> list[str]:
    """The silences in force (`GET /silences`, v1 or v2) that hold back an alert with these labels: who set them, until when."""
    listed = said.get("data") if isinstance(said, dict) else said
    if not isinstance(listed, list):
        raise BadAnswer("Alertmanager does not list its silences")
    found = []
    for silence in (one for one in listed if isinstance(one, dict)):
        state = silence.get("status")
        matchers = [one for one in silence.get("matchers") or () if isinstance(one, dict)]
        if (
            isinstance(state, dict)
            and state.get("state") == "active"
            and matchers
            and all(_holds(one, labels) for one in matchers)
        ):
            what = ", ".join(f"{one.get('name')}={one.get('value')}" for one in matchers)
            found.append(
                printable(f"{what}, set by {silence.get('createdBy') or 'nobody named'}, until {silence.get('endsAt')}", 200)
            )
    return found


_OPERATORS = {(True, False): "=", (True, True): "=~", (False, False): "!=", (False, True): "!~"}


def _holds(matcher: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """One matcher of a silence; `isEqual` is missing where an old server knows no negative ones."""
    operator = _OPERATORS[bool(matcher.get("isEqual", True)), bool(matcher.get("isRegex"))]
    return _matches((operator, str(matcher.get("value", ""))), labels.get(str(matcher.get("name", "")), ""))


def receivers_of(configuration: Configuration, **labels: str) -> list[str]:
    """The receivers that an alert with these labels reaches, by `amtool config routes test`.

    Raises Undecided without amtool, LookError when amtool can't read the configuration.
    """
    tool = programs.needed("amtool")
    # hidden secrets stand where addresses have to be
    text = re.sub(r"(?m)(url\w*: *)<secret>$", r"\1http://hidden.invalid", configuration.text)
    with tempfile.TemporaryDirectory(prefix="preflight-routes-") as place:
        file = Path(place) / "alertmanager.yml"
        file.write_text(text, encoding="utf-8")
        command = [str(tool), "config", "routes", "test", f"--config.file={file}"]
        done = programs.run([*command, *(f"{name}={value}" for name, value in labels.items())], Path(place), _SECONDS)
    if done.returncode:
        raise LookError(f"amtool can't read the configuration in force: {printable((done.stderr or done.stdout).strip(), 160)}")
    return [name for name in done.stdout.strip().splitlines()[-1].split(",") if name] if done.stdout.strip() else []


def _walk(route: Mapping[str, Any], labels: Mapping[str, str], inherited: float) -> Iterator[tuple[Mapping[str, Any], float]]:
    """The routes that take an alert, as Alertmanager walks them (the last that match, else the one above), with their group_wait."""
    said = seconds(route.get("group_wait"))
    wait = inherited if said is None else said
    below = False
    for child in route.get("routes") or ():
        if all(_matches(matcher, labels.get(name, "")) for name, matcher in _matchers(child)):
            below = True
            yield from _walk(child, labels, wait)
            if not child.get("continue"):
                break
    if not below:
        yield route, wait


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
