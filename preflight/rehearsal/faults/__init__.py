"""Every fault of the rehearsal deployment by name, and the look-alikes that must change nothing."""

from __future__ import annotations

from preflight.rehearsal.faults import (
    audit,
    authentication,
    backup,
    configuration,
    front,
    gathering,
    headers,
    headset,
    health,
    injection,
    latency,
    logs,
    look_alikes,
    monitoring,
    rate_limiting,
    secrets,
    telemetry,
    web_page,
)
from preflight.rehearsal.faults.model import Fault

__all__ = ["FAULTS", "LOOK_ALIKES", "Fault"]

_MODULES = (
    authentication,
    rate_limiting,
    headers,
    injection,
    secrets,
    audit,
    front,
    health,
    logs,
    gathering,
    latency,
    configuration,
    backup,
    web_page,
    telemetry,
    monitoring,
    headset,
)
FAULTS: dict[str, Fault] = {name: fault for module in _MODULES for name, fault in module.FAULTS.items()}
LOOK_ALIKES: dict[str, Fault] = {**look_alikes.LOOK_ALIKES, **monitoring.LOOK_ALIKES, **headset.LOOK_ALIKES}

if len(FAULTS) != sum(len(module.FAULTS) for module in _MODULES) or FAULTS.keys() & LOOK_ALIKES.keys():
    raise ValueError("two faults have one name")
