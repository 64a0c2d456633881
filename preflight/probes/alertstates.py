"""Whether alerts fire when their own expression holds, now and over a day, and not otherwise."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from preflight.probes.metrics import counter
from preflight.probes.promanswers import Rule
from preflight.probes.prometheus import Prometheus

if TYPE_CHECKING:  # it needs numpy, and the checklist is collected without it
    from preflight.probes.windows import View

_SETTLED_SECONDS = 60.0
_STEP_S = 15.0


@dataclass(frozen=True)
class Raised:
    """An alert that fired, when first, and whether its own expression did not hold while it did."""

    name: str
    first: float
    false: bool

    def __str__(self) -> str:
        return f"{self.name} ({datetime.fromtimestamp(self.first, UTC):%Y-%m-%d %H:%M} UTC)"


def contradictions(client: Prometheus, rules: Sequence[Rule]) -> list[str]:
    """Alerts that fire although their expression does not hold, or are quiet although it has held long enough.

    What changed in the last minute contradicts nothing: rules are evaluated every now and then. An alert can't have held
    for longer than Prometheus runs.
    """
    now = time.time()
    began = counter(client.ask("/metrics"), "process_start_time_seconds") or 0.0
    found = []
    for rule in rules:
        late = client.range(rule.expression, now - _SETTLED_SECONDS, now, _STEP_S)
        held = max((len(one.times) for one in late), default=0)
        whole = int(_SETTLED_SECONDS / _STEP_S) + 1
        if rule.state == "firing" and not held:
            found.append(f"{rule.name} fires although {rule.expression} does not hold")
        elif rule.state == "inactive" and held >= whole and now - began > 2 * _SETTLED_SECONDS:
            found.append(f"{rule.name} is quiet although {rule.expression} holds")
        elif rule.state == "pending" and now - began > rule.hold + 2 * _SETTLED_SECONDS:
            start = now - rule.hold - _SETTLED_SECONDS
            long = client.range(rule.expression, start, now, _STEP_S)
            if max((len(one.times) for one in long), default=0) > (now - start) / _STEP_S:
                found.append(f"{rule.name} does not fire although {rule.expression} holds for longer than {rule.hold:g} s")
    return found


def raised(client: Prometheus, rules: Sequence[Rule], window: View) -> list[Raised]:
    """The alerts that fired in a window. One whose rule is not loaded any more can't be called false.

    Of rules that share a name either may have raised it.
    """
    known: dict[str, list[Rule]] = {}
    for rule in rules:
        known.setdefault(rule.name, []).append(rule)
    found = []
    for one in window.firing():
        name = one.labels.get("alertname", "")
        if not one.times:
            continue
        false = False
        if name in known:
            held = [client.range(rule.expression, window.start, window.end, window.step) for rule in known[name]]
            moments = {moment for each in held for series in each for moment in series.times}
            # an alert is written with the evaluation before, so its expression may have ended one step earlier
            false = not any(moment in moments or moment - window.step in moments for moment in one.times)
        found.append(Raised(name, one.times[0], false))
    return found
