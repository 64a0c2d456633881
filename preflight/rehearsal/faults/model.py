"""What a fault is, and the changes that faults are made of: functions from a deployment to a deployment."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from preflight.rehearsal.behaviour import Answer, DelayModel, Deployment, Edit

Change = Callable[[Deployment], Deployment]


@dataclass(frozen=True)
class Fault:
    """One thing wrong and nothing else. `breaks` is one sentence; what it changes stands in selftest/expected/."""

    name: str
    breaks: str
    change: Change
    theme: str = ""


def themed(theme: str, *faults: Fault) -> dict[str, Fault]:
    """The faults of one module by name. Raises ValueError when a name stands twice."""
    named = {fault.name: dataclasses.replace(fault, theme=theme) for fault in faults}
    if len(named) != len(faults):
        raise ValueError(f"a name stands twice among the {theme} faults")
    return named


def at(path: str, **values: Any) -> Change:
    """Set fields of the part at a dotted path: `at("api.limiter", enabled=False)`."""

    def change(deployment: Deployment) -> Deployment:
        changed: Deployment = _set(deployment, path.split("."), values)
        return changed

    return change


def merge(path: str, name: str, entries: Mapping[str, Any]) -> Change:
    """Add entries to the dict `name` of the part at a dotted path."""

    def change(deployment: Deployment) -> Deployment:
        part = _part(deployment, path)
        return at(path, **{name: {**getattr(part, name), **entries}})(deployment)

    return change


def plus(path: str, name: str, *entries: Any) -> Change:
    """Add entries to the tuple `name` of the part at a dotted path."""

    def change(deployment: Deployment) -> Deployment:
        part = _part(deployment, path)
        return at(path, **{name: (*getattr(part, name), *entries)})(deployment)

    return change


def both(*changes: Change) -> Change:
    """Several changes that are one thing: what can't be broken in one place."""

    def change(deployment: Deployment) -> Deployment:
        for each in changes:
            deployment = each(deployment)
        return deployment

    return change


def overridden(endpoint: str, **values: Any) -> Change:
    """Change keys of an endpoint's JSON answer."""
    return merge("api", "json_overrides", {endpoint: values})


def answered(endpoint: str, answer: Answer) -> Change:
    """A fixed answer of the game in an endpoint's place."""
    return merge("api", "answers", {endpoint: answer})


def delayed(endpoint: str, model: DelayModel) -> Change:
    """Another delay for an endpoint."""
    return merge("api", "latency", {endpoint: model})


def files(*edits: Edit) -> Change:
    """Changes to files of the host."""
    return plus("host", "edits", *edits)


def _part(deployment: Deployment, path: str) -> Any:
    part: Any = deployment
    for name in path.split("."):
        part = getattr(part, name)
    return part


def _set(part: Any, path: list[str], values: dict[str, Any]) -> Any:
    if not path:
        return dataclasses.replace(part, **values)
    return dataclasses.replace(part, **{path[0]: _set(getattr(part, path[0]), path[1:], values)})
