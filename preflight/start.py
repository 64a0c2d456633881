"""Which deployment a run is about: a target file, or a rehearsal that is started for it."""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from preflight.checklist import Consent
from preflight.errors import UsageError
from preflight.target import Target, TargetError, default_place, load

_NOT_BY_INTRUSIVE = {"page_on_call"}


@dataclass(frozen=True)
class Started:
    """A target that can be looked at, and how to let go of it."""

    target: Target
    stop: Callable[[], None]


def start(option: Any, root: Path) -> Started:
    """The target of a run; `option` holds the command line, `root` is where target.toml is looked for.

    Raises UsageError when there is none (a run that lost its target must not turn green against a stand-in),
    TargetError when it can't be used.
    """
    if option.rehearse:
        if option.target:
            raise UsageError("--rehearse and --target are two different runs; give one of them")
        return _rehearsal(option)
    if option.fault or option.polite:
        raise UsageError("--fault and --polite belong to a rehearsal; add --rehearse")
    target = load(_path(option.target, root))
    return Started(_with_consents(target, _all()) if option.intrusive else target, lambda: None)


def joined(path: str, consents: dict[str, bool]) -> Target:
    """The target of a run that goes on in another process, and what its operator agreed to there."""
    return _with(load(Path(path)), consents)


def _path(given: str | None, root: Path) -> Path:
    if given:
        return Path(given).absolute()
    place = default_place(root)
    if place.exists() or os.environ.get("PREFLIGHT_TARGET"):
        return place
    raise UsageError(
        "no target: give --target FILE, set PREFLIGHT_TARGET, or write target.toml here (`preflight init` makes one); "
        "--rehearse runs against a stand-in on this machine, which proves nothing about a deployment"
    )


def _all() -> dict[str, bool]:
    return {consent: consent not in _NOT_BY_INTRUSIVE for consent in get_args(Consent)}


def _with_consents(target: Target, consents: dict[str, bool]) -> Target:
    agreed = {str(name): True for name, yes in target.facts.consent.items() if yes}
    return _with(target, {**consents, **agreed})


def _with(target: Target, consents: dict[str, bool]) -> Target:
    facts = target.facts.model_copy(update={"consent": consents})
    return Target(facts, target.path, {name: s for name in type(facts.secrets).model_fields if (s := target.secret(name))})  # type: ignore[arg-type]


def _fault(name: str) -> Any:
    from preflight.rehearsal.faults import FAULTS, LOOK_ALIKES

    known = {**FAULTS, **LOOK_ALIKES}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"there is no fault called {name}; {hint}`preflight rehearse --list-faults` lists them")
    return known[name]


def _rehearsal(option: Any) -> Started:
    from preflight.rehearsal.behaviour import Deployment
    from preflight.rehearsal.deploy import Rehearsal, RehearsalError

    deployment = Deployment()
    for name in option.fault:
        deployment = _fault(name).change(deployment)
    folder = tempfile.TemporaryDirectory(prefix="preflight-", ignore_cleanup_errors=True)
    rehearsal = Rehearsal(deployment, Path(folder.name))
    try:
        rehearsal.__enter__()
    except RehearsalError as error:
        folder.cleanup()
        raise UsageError(f"the rehearsal did not start: {error}") from error
    os.environ.update(rehearsal.environment)

    def stop() -> None:
        try:
            rehearsal.check()
        except RehearsalError as lost:
            print(f"\n{lost}", file=sys.stderr)
        rehearsal.__exit__(None, None, None)
        folder.cleanup()

    try:
        target = load(Path(folder.name) / "target.toml")
    except TargetError:
        stop()
        raise
    return Started(_with(target, dict.fromkeys(_all(), False)) if option.polite else target, stop)
