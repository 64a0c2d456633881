"""What the game says of its own state: /health, /health/quick, /status, /performance."""

from __future__ import annotations

import random
import time
from typing import Any

from preflight.rehearsal.behaviour import Api

_AUTOLOADS = ("HttpApiServer", "SceneLoadMonitor", "SettingsManager", "TelemetryServer", "VRManager")


def iso(now: float) -> str:
    """A time in UTC, ISO 8601, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))


def _subsystem(message: str, took_ms: float, **details: Any) -> dict[str, Any]:
    return {"status": "healthy", "message": message, "check_duration_ms": took_ms, "details": details}


def health(api: Api, now: float, connections: int) -> dict[str, Any]:
    """The full health check."""
    wobble = 0.0 if api.health_frozen else random.uniform(-0.2, 0.2)
    fps = round(api.fps + wobble, 2)
    subsystems = {
        "scene_loader": _subsystem("Scene loader operational", 0.21, current_scene="vr_main", queued=0),
        "file_system": _subsystem("File system readable and writable", 0.64, user_dir_writable=True),
        "memory": _subsystem(
            "Memory usage normal",
            0.05,
            static_memory_mb=round(api.memory_mb * 0.82, 1),
            total_memory_mb=api.memory_mb,
            warning_threshold_mb=900,
            critical_threshold_mb=1024,
        ),
        "connections": _subsystem("Connections within limits", 0.03, active=connections, maximum=100),
        "resource_loader": _subsystem("Resource loader operational", 0.33, cached=318),
        "engine": _subsystem(
            "Engine running",
            0.04,
            fps=fps,
            frame_time_ms=round(1000 / fps, 2),
            godot_version="4.5.1.stable",
            is_paused=False,
        ),
    }
    return {
        "status": "healthy",
        "timestamp": iso(now),
        "check_duration_ms": round(1.3 + wobble, 3),
        "healthy": True,
        "issues": [],
        "subsystems": subsystems,
    }


def quick(api: Api) -> dict[str, Any]:
    """The short health check."""
    fps = round(api.fps + random.uniform(-0.2, 0.2), 2)
    return {"healthy": True, "check_duration_ms": 0.08, "memory_mb": api.memory_mb, "fps": fps}


def status(api: Api, version: str) -> dict[str, Any]:
    """What runs here; nothing secret, since it needs no token."""
    return {
        "status": "running",
        "http_api": "active",
        "environment": api.environment,
        "api_version": version,
        "vr_initialized": True,
        "vr_mode": "openxr",
        "autoloads": dict.fromkeys(_AUTOLOADS, "loaded"),
    }


def performance(api: Api) -> dict[str, Any]:
    """The figures that the checklist asks for."""
    fps = round(api.fps + random.uniform(-0.2, 0.2), 2)
    return {
        "fps": fps,
        "frame_time_ms": round(1000 / fps, 2),
        "memory_mb": api.memory_mb,
        "vr_active": True,
        "headset": "Quest 2",
    }


def overridden(answer: dict[str, Any], changes: dict[str, Any], removed: str) -> dict[str, Any]:
    """`answer` with `changes` merged in, key by key and level by level; the value `removed` takes a key away."""
    merged = dict(answer)
    for key, value in changes.items():
        if value == removed:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = overridden(merged[key], value, removed)
        else:
            merged[key] = value
    return merged
