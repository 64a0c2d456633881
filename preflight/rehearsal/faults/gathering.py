"""Faults of where logs are gathered."""

from __future__ import annotations

from preflight.rehearsal.faults.model import Fault, at, themed

FAULTS = themed(
    "log gathering",
    Fault("access_log_not_gathered", "The front's access log is not gathered.", at("gathered", access_log=False)),
    Fault("gathering_stopped", "Nothing new is gathered.", at("gathered", stopped=True)),
    Fault("gathering_refuses", "Loki refuses every query.", at("gathered", refuses=True)),
    Fault("gathering_hole", "For two hours of the day nothing was gathered.", at("gathered", hole_hours=(9.0, 11.0))),
)
