"""What the game says of itself in /health, /status, /performance: read whatever the build calls it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from preflight.errors import BadAnswer
from preflight.probes.api import Api
from preflight.probes.http import Answer

_APART_S = 1.2
_MIB = 1024 * 1024
"""The engine's own figures called MB count 1024 x 1024 bytes, so bytes from elsewhere are turned into the same."""

SUBSYSTEMS = ("scene_loader", "file_system", "memory", "connections", "resource_loader", "engine")
CRITICAL = ("scene_loader", "file_system")
_BY_NUMBER = ("healthy", "degraded", "unhealthy", "unknown")
_GOOD = ("healthy", "degraded")
_BAD_WORDS = ("failed", "failing", "failure", "fail", "error", "critical", "down", "dead", "offline", "stopped")
"""Words that are none of the four and say clearly enough that something does not work."""


@dataclass(frozen=True)
class Health:
    """GET /health, read."""

    status: str
    healthy: bool | None
    timestamp: str
    issues: tuple[str, ...]
    subsystems: Mapping[str, str]
    details: Mapping[str, Mapping[str, Any]]
    raw: Mapping[str, Any]

    @property
    def contradictions(self) -> list[str]:
        """Where the total says something else than its parts."""
        found = []
        if self.status == "healthy":
            bad = [name for name, status in self.subsystems.items() if status not in _GOOD]
            found += [f"the total is healthy while {name} is {self.subsystems[name]}" for name in bad]
        if self.status == "unhealthy" and self.subsystems and all(s == "healthy" for s in self.subsystems.values()):
            found.append("the total is unhealthy while every subsystem is healthy")
        if self.healthy is True and self.status in ("unhealthy", "unknown"):
            found.append(f"it says healthy: true and status {self.status}")
        if self.healthy is False and self.status == "healthy":
            found.append("it says healthy: false and status healthy")
        return found


def state(value: Any) -> str:
    """A subsystem's status in words; some builds give the numbers 0 to 3."""
    if isinstance(value, bool):
        return "healthy" if value else "unhealthy"
    if isinstance(value, int | float) and 0 <= value < len(_BY_NUMBER):  # neither NaN nor infinite
        return _BY_NUMBER[int(value)]
    text = str(value).strip().lower()
    return text if text in _BY_NUMBER else "unhealthy" if text in _BAD_WORDS else "unknown"


def read(answer: Answer) -> Health:
    """The answer of /health, whatever its status code. Raises BadAnswer when it is none."""
    said = answer.object()
    if "status" not in said:
        raise BadAnswer(f"{answer.url}: {answer.status_code}, a JSON object without status")
    if not isinstance(said["status"], str | bool) and not _number(said["status"]):
        raise BadAnswer(f"{answer.url}: {answer.status_code}, a JSON object whose status is neither a word nor a number")
    parts = said.get("subsystems")
    parts = parts if isinstance(parts, dict) else {}
    subsystems, details = {}, {}
    for name, part in parts.items():
        inner = part if isinstance(part, dict) else {"status": part}
        subsystems[str(name)] = state(inner.get("status"))
        found = inner.get("details")
        details[str(name)] = found if isinstance(found, dict) else {}
    issues = said.get("issues")
    healthy = said.get("healthy")
    return Health(
        status=state(said["status"]),
        healthy=healthy if isinstance(healthy, bool) else None,
        timestamp=str(said.get("timestamp", "")),
        issues=tuple(map(str, issues)) if isinstance(issues, list) else (),
        subsystems=subsystems,
        details=details,
        raw=said,
    )


def is_one(answer: Answer) -> bool:
    """Whether an answer is a health check at all."""
    try:
        return bool(read(answer).raw)
    except BadAnswer:
        return False


def quick_contradicts(whole: Health, answer: Answer) -> str:
    """What to say when GET /health/quick finds the game ill and GET /health does not; "" otherwise.

    The quick check looks at less, so that it may miss what the whole one finds. Whether it answers as documented is
    another item's question.
    """
    try:
        said = answer.object().get("healthy")
    except BadAnswer:
        return ""
    if said is not False or whole.status != "healthy":
        return ""
    return "GET /health/quick says healthy: false, and GET /health says healthy"


def twice(api: Api) -> tuple[Answer, Answer]:
    """Two looks at /health, more than a second apart: whatever counts in whole seconds has moved then."""
    first = api.get("/health")
    time.sleep(_APART_S)
    return first, api.get("/health")


def frozen(first: Health, second: Health) -> bool:
    """Whether two looks, more than a second apart, are the same in everything that must move."""

    def moving(health: Health) -> tuple[Any, ...]:
        engine = health.details.get("engine", {})
        return health.timestamp, health.raw.get("check_duration_ms"), engine.get("frame_time_ms"), engine.get("fps")

    return moving(first) == moving(second) or (bool(first.timestamp) and first.timestamp == second.timestamp)


def clock_skew(answer: Answer, health: Health) -> dict[str, float]:
    """Seconds that the server's clocks are ahead of ours at the time of the answer, by where they were read.

    A time without a zone is taken for UTC.
    """
    ours = answer.sent_at + answer.seconds / 2
    found = {}
    date = answer.header("Date")
    if date:
        try:
            found["Date header"] = parsedate_to_datetime(date).timestamp() - ours
        except (ValueError, OverflowError):
            found["Date header"] = float("inf")
    moment = _moment(health.timestamp)
    if moment is not None:
        found["timestamp of /health"] = moment - ours
    return found


def _moment(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except (ValueError, OverflowError):
            return None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(number):
        return None
    return number / 1000 if number > 1e11 else number


def memory_mb(health: Health, quick: Any, performance: Any, resident_bytes: float | None) -> dict[str, float]:
    """Memory of the game in MB, by source; the names of the fields differ between builds."""
    found: dict[str, float] = {}
    details = health.details.get("memory", {})
    for name in ("total_memory_mb", "static_memory_mb"):
        if _number(details.get(name)):
            found[f"/health {name}"] = float(details[name])
    if isinstance(quick, dict) and _number(quick.get("memory_mb")):
        found["/health/quick memory_mb"] = float(quick["memory_mb"])
    if isinstance(performance, dict):
        nested = performance.get("memory")
        if _number(performance.get("memory_mb")):
            found["/performance memory_mb"] = float(performance["memory_mb"])
        elif isinstance(nested, dict):
            for name in ("total_memory_usage", "static_memory_usage"):
                if _number(nested.get(name)):
                    found[f"/performance memory.{name}"] = float(nested[name]) / _MIB
    if resident_bytes is not None and _number(resident_bytes):
        found["/metrics process_resident_memory_bytes"] = resident_bytes / _MIB
    return found


def _number(value: Any) -> bool:
    """Whether a value can be judged: neither NaN, for which every comparison is false, nor beyond what memory can be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15


DOCUMENTED: dict[str, tuple[str, ...]] = {
    "/health": ("status", "subsystems"),
    "/health/quick": ("healthy",),
    "/status": ("status",),
    "/scene": ("scene_path",),
    "/scenes": ("scenes",),
    "/scene/history": (),
    "/performance": ("fps|engine.fps", "memory_mb|memory"),
}
"""Fields that each readable endpoint is documented to have; `a|b` is one or the other, a dot goes one level down."""


def missing_fields(answer: Answer, path: str) -> list[str]:
    """Documented fields that an answer lacks. Raises BadAnswer when it is no JSON."""
    said = answer.json()
    if not DOCUMENTED.get(path):
        return []
    if not isinstance(said, dict):
        return ["a JSON object"]
    return [names for names in DOCUMENTED[path] if not any(_has(said, name) for name in names.split("|"))]


def _has(said: Any, name: str) -> bool:
    for part in name.split("."):
        if not isinstance(said, dict) or part not in said:
            return False
        said = said[part]
    return True


def autoloads_missing(status: Mapping[str, Any]) -> list[str]:
    """Autoloads that /status does not call loaded."""
    found = status.get("autoloads")
    if not isinstance(found, dict):
        return []
    return [str(name) for name, value in found.items() if str(value).strip().lower() not in ("loaded", "true", "ok")]
