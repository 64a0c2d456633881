"""Faults of what the game says of its own state, and of its telemetry's manners."""

from __future__ import annotations

from preflight.rehearsal.behaviour import REMOVED, Answer, Edit
from preflight.rehearsal.faults.model import Change, Fault, answered, at, both, files, merge, overridden, themed

_LOG = "var/log/spacetime/godot.log"
_START = "[{{ago:%d}}] [INFO] Godot Engine v4.5.1.stable.official - https://godotengine.org\n"
_RESTARTS = "".join(_START % seconds for seconds in range(1800, 0, -120))


def _subsystem(name: str, status: str) -> dict[str, object]:
    return {name: {"status": status, "message": f"{name} is {status}"}}


def _sick(name: str) -> Change:
    """A failing subsystem, and a total that says so."""
    return overridden(
        "GET /health", status="unhealthy", healthy=False, issues=[f"{name} failed"], subsystems=_subsystem(name, "unhealthy")
    )


FAULTS = themed(
    "health",
    Fault(
        "health_unhealthy",
        "The game says that it is unhealthy.",
        overridden("GET /health", status="unhealthy", healthy=False, issues=["disk"]),
    ),
    Fault(
        "health_degraded",
        "The game says that it is degraded.",
        overridden("GET /health", status="degraded", issues=["slow disk"]),
    ),
    Fault("health_unknown", "The game does not know how it is.", overridden("GET /health", status="unknown", healthy=False)),
    Fault("scene_loader_down", "The scene loader fails.", _sick("scene_loader")),
    Fault("file_system_down", "The file system fails.", _sick("file_system")),
    Fault(
        "subsystem_hidden",
        "The resource loader fails while the total says healthy.",
        overridden("GET /health", subsystems=_subsystem("resource_loader", "unhealthy")),
    ),
    Fault(
        "scene_loader_hidden",
        "The scene loader fails while the total says healthy.",
        overridden("GET /health", subsystems=_subsystem("scene_loader", "unhealthy")),
    ),
    Fault(
        "scene_loader_failed",
        "The scene loader has failed, in a word that is none of the documented four.",
        overridden(
            "GET /health",
            status="unhealthy",
            healthy=False,
            issues=["scene_loader failed"],
            subsystems=_subsystem("scene_loader", "FAILED"),
        ),
    ),
    Fault(
        "subsystem_missing",
        "Health says nothing of the file system.",
        overridden("GET /health", subsystems={"file_system": REMOVED}),
    ),
    Fault("health_contradicts", "`status` is healthy, `healthy` is false.", overridden("GET /health", healthy=False)),
    Fault("health_frozen", "Health repeats its first answer for ever.", at("api", health_frozen=True)),
    Fault(
        "health_html",
        "Health is a web page with status 200.",
        answered("GET /health", Answer(200, "<h1>healthy</h1>", "text/html")),
    ),
    Fault("health_empty", "Health is an empty 200.", answered("GET /health", Answer(200, ""))),
    Fault(
        "health_503", "Health answers 503.", answered("GET /health", Answer(503, '{"status": "unhealthy"}', "application/json"))
    ),
    Fault(
        "quick_health_missing",
        "The front knows no quick health check.",
        merge("front", "answers", {"GET /health/quick": Answer(404, "not found")}),
    ),
    Fault("quick_unhealthy", "The quick health check says unhealthy.", overridden("GET /health/quick", healthy=False)),
    Fault("memory_811_mb", "The game uses 811 MB, one more than the limit.", at("api", memory_mb=811.0)),
    Fault("memory_over_1_gb", "The game uses 1.01 GB.", at("api", memory_mb=1034.0)),
    Fault("memory_over_1_5_gb", "The game uses 1.51 GB.", at("api", memory_mb=1546.0)),
    Fault("memory_1_5_gb", "The game uses 1.5 GB less one MB.", at("api", memory_mb=1499.0)),
    Fault("autoload_missing", "An autoload is missing.", overridden("GET /status", autoloads={"TelemetryServer": "missing"})),
    Fault("vr_not_initialized", "VR is not initialized.", overridden("GET /status", vr_initialized=False, vr_mode="none")),
    Fault("scenes_empty", "No scene is listed.", overridden("GET /scenes", scenes=[], count=0)),
    Fault("no_scene_loaded", "No scene is loaded.", overridden("GET /scene", scene_name="", scene_path="", status="no_scene")),
    Fault(
        "performance_without_memory",
        "GET /performance does not give the memory.",
        overridden("GET /performance", memory_mb=REMOVED),
    ),
    Fault("telemetry_refuses", "The telemetry port refuses connections.", at("telemetry", mode="refuse")),
    Fault("telemetry_silent", "Telemetry accepts clients and sends nothing.", at("telemetry", mode="silent")),
    Fault("telemetry_garbage", "Telemetry sends what nobody can decode.", at("telemetry", mode="garbage")),
    Fault("telemetry_drops", "Telemetry drops each client after 5 s.", at("telemetry", drop_after_s=5.0)),
    Fault("telemetry_without_pong", "Telemetry never answers the ping command.", at("telemetry", pong=False)),
    Fault(
        "restart_loop",
        "The game restarts every two minutes.",
        both(at("api", restart_every_s=120.0), files(Edit("append", _LOG, _RESTARTS))),
    ),
    Fault(
        "uptime_shrinks",
        "The process has started again a few seconds ago, each time it is asked.",
        at("api", restart_every_s=7.0),
    ),
    Fault("clock_an_hour_ahead", "The game's clock is an hour ahead.", at("api", clock_offset_s=3600.0)),
    Fault("clock_an_hour_behind", "The game's clock is an hour behind.", at("api", clock_offset_s=-3600.0)),
    Fault("other_build", "Another build runs than the one to be deployed.", at("host", version="2.4.3-production")),
)
