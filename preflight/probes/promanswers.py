"""What Prometheus answers, read into data: series, scrape targets, rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from preflight.errors import BadAnswer
from preflight.probes import http
from preflight.redact import printable


@dataclass(frozen=True)
class Series:
    """One series: its labels, and its values with their times (seconds since the epoch)."""

    labels: Mapping[str, str]
    times: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def host(self) -> str:
        """The host of the instance, without its port; this machine has one name."""
        instance = self.labels.get("instance", "").lower()
        host, _, port = instance.rpartition(":")
        name = (host if port.isdigit() else instance).strip("[]")
        return "localhost" if name in ("127.0.0.1", "::1") else name


@dataclass(frozen=True)
class ScrapeTarget:
    """What Prometheus scrapes. `age` in seconds since the last scrape, infinite where there was none."""

    job: str
    url: str
    health: str
    error: str
    age: float
    interval: str

    @property
    def place(self) -> str:
        """Job and address, for people."""
        return f"{self.job} ({printable(self.url, 80)})"


@dataclass(frozen=True)
class Recording:
    """A recording rule as it is loaded: what its series are called, what they are made of, labels put on them, what breaks it."""

    name: str
    expression: str
    labels: Mapping[str, str]
    error: str = ""


@dataclass(frozen=True)
class Rule:
    """An alerting rule as it is loaded. `hold` is its `for`, in seconds; `recordings` are those loaded beside it."""

    name: str
    expression: str
    hold: float
    labels: Mapping[str, str]
    health: str
    state: str
    error: str
    recordings: tuple[Recording, ...] = field(default=(), repr=False)


@http.shaped("Prometheus")
def read_series(data: Any, key: str) -> list[Series]:
    """The series of a query; `key` is what their values are called, "value" or "values". Raises BadAnswer as all of these."""
    said = mapping(data)
    result = said.get("result")
    if said.get("resultType") == "scalar" and isinstance(result, list):
        result = [{"metric": {}, "value": result}]
    if not isinstance(result, list):
        raise BadAnswer("Prometheus answers with no result")
    found = []
    for one in result:
        pairs = one.get("values") or ([one["value"]] if "value" in one else []) if key == "values" else [one.get("value", [])]
        try:
            points = [(float(moment), float(value)) for moment, value in pairs]
        except (TypeError, ValueError) as error:
            raise BadAnswer("Prometheus answers with a value that is no number") from error
        kept = [(moment, value) for moment, value in points if not math.isnan(value)]
        labels = {str(name): str(value) for name, value in one.get("metric", {}).items()}
        found.append(Series(labels, tuple(t for t, _ in kept), tuple(v for _, v in kept)))
    return found


@http.shaped("Prometheus")
def read_targets(data: Any, now: float) -> list[ScrapeTarget]:
    """The active targets; `now` in seconds since the epoch."""
    found = mapping(data).get("activeTargets") or []
    return [
        ScrapeTarget(
            job=str(one.get("labels", {}).get("job", one.get("scrapePool", ""))),
            url=str(one.get("scrapeUrl", "")),
            health=str(one.get("health", "unknown")),
            error=printable(str(one.get("lastError", "")), 160),
            age=now - _moment(str(one.get("lastScrape", ""))),
            interval=str(one.get("scrapeInterval", "")),
        )
        for one in found
    ]


@http.shaped("Prometheus")
def read_rules(data: Any) -> list[Rule]:
    """The alerting rules, each with the recording rules that are loaded."""
    groups = mapping(data).get("groups") or []
    loaded = [one for group in groups for one in group.get("rules") or []]
    recordings = tuple(
        Recording(
            name=str(one.get("name", "")),
            expression=str(one.get("query", "")),
            labels=_texts(one.get("labels")),
            error=_error(one),
        )
        for one in loaded
        if one.get("type") == "recording"
    )
    return [
        Rule(
            name=str(one.get("name", "")),
            expression=str(one.get("query", "")),
            hold=float(one.get("duration", 0.0)),
            labels=_texts(one.get("labels")),
            health=str(one.get("health", "unknown")),
            state=str(one.get("state", "")),
            error=_error(one),
            recordings=recordings,
        )
        for one in loaded
        if one.get("type") == "alerting"
    ]


def mapping(data: Any) -> Mapping[str, Any]:
    """The object that an answer must be."""
    if not isinstance(data, dict):
        raise BadAnswer("Prometheus answers with something else than was asked for")
    return data


def _moment(text: str) -> float:
    """A time of RFC 3339 with nanoseconds; minus infinity for none (Go's zero time is the year 1)."""
    head, _, fraction = text.partition(".")
    zone = fraction.lstrip("0123456789") if fraction else ""
    try:
        moment = datetime.fromisoformat(f"{head}{zone}".replace("Z", "+00:00"))
    except ValueError:
        return -math.inf
    return moment.timestamp() if moment.year > 1970 else -math.inf


def _error(rule: Mapping[str, Any]) -> str:
    """What breaks a rule now; "" for one that works, or that nobody has evaluated yet."""
    return printable(str(rule.get("lastError") or "it does not say why"), 160) if rule.get("health") == "err" else ""


def _texts(labels: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (labels or {}).items()}
