"""What the game writes down: the audit log and its own log, a line at once for each event."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from preflight.rehearsal.behaviour import Audit

_LEVEL = {"AUTH_SUCCESS": "INFO", "AUTH_FAILURE": "WARNING", "RATE_LIMIT": "WARNING", "BAN": "ERROR", "INTRUSION": "ERROR"}


def stamp(now: float) -> str:
    """A time as the logs write it: UTC, or whatever zone `now` was moved to."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))


def audit_line(rules: Audit, result: str, address: str, endpoint: str, details: str, now: float) -> str:  # noqa: PLR0917
    """One entry of the audit log, in the form that the build uses."""
    when, level = stamp(now + rules.zone_offset_s), _LEVEL.get(result, "INFO")
    client = (rules.always_address or address) if rules.client_address else "-"
    details += rules.extra_details
    if rules.form == "json":
        entry = {
            "timestamp": when.replace(" ", "T") + _zone(rules.zone_offset_s),
            "level": level,
            "client_ip": client,
            "endpoint": endpoint,
            "result": result,
            "details": details,
        }
        return json.dumps(entry)
    if rules.form == "nested":
        time_of_it = when.replace(" ", "T") + _zone(rules.zone_offset_s)
        who, what = {"ip": client, "url": {"path": endpoint}}, {"outcome": result, "reason": details}
        return json.dumps({"@timestamp": time_of_it, "log": {"lvl": level}, "client": who, "endpoint": endpoint, "event": what})
    return f"[{when}] [{level}] [{client}] [{endpoint}] [{result}] {details}"


def game_line(level: str, text: str, now: float) -> str:
    """One line of godot.log."""
    return f"[{stamp(now)}] [{level}] {text}"


def _zone(offset_s: int) -> str:
    return "Z" if not offset_s else f"{offset_s // 3600:+03d}:00"


class Journal:
    """The files that the running game appends to. What can't be written is said once on stderr and then dropped."""

    def __init__(self, rules: Audit, audit_folder: Path, game_log: Path) -> None:
        self._rules = rules
        self._audit, self._log = audit_folder / rules.file, game_log
        self._complained: set[Path] = set()
        self.entries: dict[str, int] = {}

    def audit(self, result: str, address: str, endpoint: str, details: str, now: float) -> None:
        """Write an audit entry, unless this build leaves such entries out."""
        if not self._rules.enabled or (self._rules.results and result not in self._rules.results):
            return
        self.entries[result] = self.entries.get(result, 0) + 1
        self._append(self._audit, audit_line(self._rules, result, address, endpoint, details, now))

    def log(self, text: str, now: float, level: str = "INFO") -> None:
        """Write a line into the game's log."""
        self._append(self._log, game_line(level, text, now))

    def _append(self, path: Path, line: str) -> None:
        try:
            # Opened for each line: a rotated or removed file is noticed, and the line is there at once.
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as problem:
            if path not in self._complained:
                self._complained.add(path)
                print(f"can't write {path.name}: {problem.strerror}", file=sys.stderr)
