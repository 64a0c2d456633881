"""The game's scenes: what is loaded, what may be loaded, and the endpoints that say so."""

from __future__ import annotations

import asyncio
import posixpath
import re
import time
from typing import Any

from preflight.rehearsal.behaviour import Input
from preflight.rehearsal.guard import has_traversal, unquoted

_PATH = re.compile(r"res://[^\x00-\x1f<>|?*\"]+\.tscn")
_LOAD_S = 0.15
_HOME = "/opt/godot/"
_FILES = {
    "res://vr_main.tscn": (48_213, 412),
    "res://scenes/lobby.tscn": (18_450, 164),
    "res://scenes/training_room.tscn": (23_981, 207),
    "res://scenes/orbital_station.tscn": (91_377, 655),
    "res://scenes/internal/sandbox.tscn": (3_112, 19),
    "res://addons/godot-xr-tools/staging/staging.tscn": (5_204, 31),
}
_MODIFIED = "2026-01-12T09:30:00Z"


class Refused(Exception):
    """The call is answered with `status` and a message; `kind` is the metric's word for it."""

    def __init__(self, status: int, message: str, kind: str = "invalid_path") -> None:
        super().__init__(message)
        self.status, self.message, self.kind = status, message, kind


def _name(path: str) -> str:
    return posixpath.basename(path).removesuffix(".tscn")


def _resolved(path: str) -> str:
    """The path as a file system follows it: out of the project and in again ends in it."""
    plain = unquoted(path).replace("\\", "/")
    followed = posixpath.normpath(plain if plain.startswith("/") else _HOME + plain.removeprefix("res://"))
    if not followed.startswith(_HOME):
        raise Refused(404, "no such scene", "not_found")
    return f"res://{followed.removeprefix(_HOME)}"


class Scenes:
    """The scene tree of one game process."""

    def __init__(self, rules: Input) -> None:
        self._rules = rules
        self.current = "res://vr_main.tscn"
        self._history: list[dict[str, Any]] = [self._entry(self.current, 212.0)]
        self._loading: set[asyncio.Task[None]] = set()

    def checked(self, path: object) -> str:
        """The scene path of a request when it may be used. Raises Refused."""
        if isinstance(path, str) and any(re.search(free, path) for free in self._rules.accepted_paths):
            return path
        if self._rules.resolves and isinstance(path, str):
            path = _resolved(path)
        if self._rules.missing_first and path not in _FILES:
            raise Refused(404, "no such scene", "not_found")
        if not isinstance(path, str) or not _PATH.fullmatch(path) or has_traversal(path.removeprefix("res://")):
            raise Refused(400, "scene_path must be a res:// path of a .tscn file")
        if path not in _FILES:
            # A path outside the whitelist's folders is refused before anything is looked up: no oracle for files.
            if not any(posixpath.dirname(path) == posixpath.dirname(known) for known in self._rules.whitelist):
                raise Refused(403, "scene is not in the whitelist", "not_whitelisted")
            raise Refused(404, "no such scene", "not_found")
        if path not in self._rules.whitelist:
            raise Refused(403, "scene is not in the whitelist", "not_whitelisted")
        return path

    def load(self, path: str) -> dict[str, Any]:
        """Start to load a scene; it is the current one a moment later."""
        task = asyncio.ensure_future(self._finish(path))
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)
        return {"status": "loading", "scene": path, "message": "Scene load initiated"}

    def reload(self) -> dict[str, Any]:
        """Load the current scene again."""
        return {**self.load(self.current), "status": "reloading", "message": "Scene reload initiated"}

    def info(self) -> dict[str, Any]:
        """The answer of GET /scene."""
        return {"scene_name": _name(self.current), "scene_path": self.current, "status": "loaded"}

    def validate(self, path: str) -> dict[str, Any]:
        """The answer of PUT /scene."""
        _, nodes = _FILES.get(path, (0, 0))
        info = {"node_count": nodes, "root_type": "Node3D", "name": _name(path), "path": path}
        return {"valid": nodes > 0, "errors": [], "warnings": [], "scene_info": info}

    def history(self) -> dict[str, Any]:
        """The answer of GET /scene/history, newest first."""
        return {"history": list(reversed(self._history[-10:])), "count": len(self._history[-10:]), "max_size": 10}

    def listing(self, folder: str, *, addons: bool) -> dict[str, Any]:
        """The answer of GET /scenes. Raises Refused for a folder outside the project."""
        if not folder.startswith("res://") or has_traversal(folder):
            raise Refused(400, "dir must be a res:// folder")
        shown = [p for p in _FILES if p.startswith(folder) and (addons or not p.startswith("res://addons/"))]
        scenes = [{"name": _name(p), "path": p, "size_bytes": _FILES[p][0], "modified": _MODIFIED} for p in shown]
        return {"scenes": scenes, "count": len(scenes), "directory": folder, "include_addons": addons}

    async def _finish(self, path: str) -> None:
        await asyncio.sleep(_LOAD_S)
        self.current = path
        self._history.append(self._entry(path, _LOAD_S * 1000))

    @staticmethod
    def _entry(path: str, took_ms: float) -> dict[str, Any]:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {"scene_path": path, "scene_name": _name(path), "loaded_at": when, "load_duration_ms": took_ms}
