"""Prometheus's configuration file, read by PyYAML: intervals, labels, jobs, with the defaults that Prometheus has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from preflight.errors import LookError
from preflight.probes.host import Host, read_text
from preflight.redact import Secret
from preflight.target import Target

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_SECRET_KEYS = re.compile(r"(?i)password|secret|token|credentials$|service_key|routing_key|api_url|webhook_url|_key$")
_DEFAULT_INTERVAL = 60.0
"""Prometheus's own, where the file says nothing."""


def load(host: Host, path: str, target: Target) -> dict[str, Any]:
    """A YAML file of the host; its secrets are told to the target.

    Raises LookError when it is missing, can't be read, or is no YAML mapping.
    """
    import yaml

    if host.facts(path) is None:
        raise LookError(f"{path} is missing, so that nothing in it can be judged")
    text = read_text(host, path)
    try:
        said = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date or a number that is none; nested too deep
        mark = getattr(error, "problem_mark", None)
        raise LookError(f"{path} is no YAML{f' (line {mark.line + 1})' if mark else ''}") from error
    if not isinstance(said, dict):
        raise LookError(f"{path} holds no YAML mapping")
    target.learn(*secrets(said))
    return said


def secrets(value: Any) -> list[Secret]:
    """Values whose keys say that they are secret."""
    found: list[Secret] = []
    # an alias may name the part it stands in, or be doubled forty times: every part is looked at once
    seen: set[int] = set()
    parts = [value]
    for part in parts:  # which grows
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, list):
            parts += part
        elif isinstance(part, Mapping):
            for key, entry in part.items():
                if (
                    isinstance(entry, str)
                    and len(entry) >= 8
                    and _SECRET_KEYS.search(str(key))
                    and not str(key).endswith("_file")
                ):
                    found.append(Secret(entry))
                else:
                    parts.append(entry)
    return found


def seconds(value: Any) -> float | None:
    """A Prometheus duration (`15s`, `1m30s`, `0`) in seconds; None for anything else."""
    text = str(value).strip()
    if text == "0":
        return 0.0
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    if not parts or "".join(f"{number}{unit}" for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


@dataclass(frozen=True)
class Job:
    """One scrape job with what is in force for it. Intervals in seconds."""

    name: str
    targets: tuple[str, ...]
    discovered: bool
    path: str
    interval: float
    credentials: str


class Prometheus:
    """prometheus.yml."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._said = said
        found = said.get("global")
        self._global: Mapping[str, Any] = found if isinstance(found, dict) else {}

    def interval(self, name: str) -> float:
        """`scrape_interval` or `evaluation_interval` of `global`. Raises LookError when it is no duration."""
        return _interval(self._global.get(name), name)

    def label(self, name: str) -> str | None:
        """An external label."""
        labels = self._global.get("external_labels")
        value = labels.get(name) if isinstance(labels, dict) else None
        return None if value is None else str(value)

    def job(self, name: str) -> Job | None:
        """A scrape job by its name, None when there is none."""
        for entry in _list(self._said.get("scrape_configs")):
            if isinstance(entry, dict) and entry.get("job_name") == name:
                return self._job(name, entry)
        return None

    def _job(self, name: str, entry: Mapping[str, Any]) -> Job:
        groups = [group for group in _list(entry.get("static_configs")) if isinstance(group, dict)]
        return Job(
            name=name,
            targets=tuple(str(one) for group in groups for one in _list(group.get("targets"))),
            discovered=any(str(key).endswith("_sd_configs") for key in entry),
            path=str(entry.get("metrics_path", "/metrics")),
            interval=_interval(entry.get("scrape_interval", self._global.get("scrape_interval")), "scrape_interval"),
            credentials=_credentials(entry),
        )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _interval(value: Any, name: str) -> float:
    if value is None:
        return _DEFAULT_INTERVAL
    found = seconds(value)
    if found is None:
        raise LookError(f"{name} is {str(value)[:40]!r}, which is no duration of Prometheus")
    return found


def _credentials(entry: Mapping[str, Any]) -> str:
    """The scheme of the credentials that a job presents: "Bearer", "Basic", another one, or "" for none."""
    authorization = entry.get("authorization")
    if isinstance(authorization, dict) and (authorization.get("credentials") or authorization.get("credentials_file")):
        return str(authorization.get("type", "Bearer")).strip().capitalize()
    if entry.get("bearer_token") or entry.get("bearer_token_file") or entry.get("oauth2"):
        return "Bearer"
    return "Basic" if entry.get("basic_auth") else ""
