"""The endpoints of the game's HTTP API: which there are, and what each answers to a call that was let in."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight.rehearsal import health, tokens
from preflight.rehearsal.behaviour import Api
from preflight.rehearsal.guard import Guard
from preflight.rehearsal.journal import Journal
from preflight.rehearsal.login import Badge, Doorman
from preflight.rehearsal.metrics import Metrics
from preflight.rehearsal.replies import Reply, error_reply, json_reply
from preflight.rehearsal.scenes import Refused, Scenes
from preflight.rehearsal.visit import Visit

_WEB = Path(__file__).parent / "web"
_PAGES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


class BrokenInput(Exception):
    """A body that this build can't stomach (a fault); the answer is a 500 or a closed connection."""


@dataclass(frozen=True)
class Call:
    """A visit that passed the gate, at the game's time `now`."""

    visit: Visit
    body: bytes
    badge: Badge
    now: float


@dataclass(frozen=True)
class Surroundings:
    """What endpoints speak of beside themselves. `version` and `open_connections` are asked each time."""

    keys: tokens.Keyring
    guard: Guard
    journal: Journal
    metrics: Metrics
    doorman: Doorman
    version: Callable[[], str]
    open_connections: Callable[[], int]


class Endpoints:
    """The API behind the gate: scenes, metrics, and the table of what can be called."""

    def __init__(self, api: Api, surroundings: Surroundings) -> None:
        self._api, self._around = api, surroundings
        self.guard, self.journal = surroundings.guard, surroundings.journal
        self.metrics = surroundings.metrics
        self._started = time.time()
        self._frozen: dict[str, Any] | None = None
        self.scenes = Scenes(api.input)
        self.table: dict[str, Callable[[Call], Reply]] = {
            "GET /health": self._health,
            "GET /health/quick": lambda _: json_reply(health.quick(api)),
            "GET /status": lambda _: json_reply(health.status(api, surroundings.version())),
            "GET /performance": lambda _: json_reply(health.performance(api)),
            "GET /metrics": self._metrics,
            "GET /scene": lambda _: json_reply(self.scenes.info()),
            "POST /scene": self._load_scene,
            "PUT /scene": self._validate_scene,
            "POST /scene/reload": self._reload_scene,
            "GET /scene/history": lambda _: json_reply(self.scenes.history()),
            "GET /scenes": self._list_scenes,
            "POST /auth/rotate": lambda call: self._new_token(call, ends_old=api.authentication.rotation_ends_old),
            "POST /auth/refresh": lambda call: self._new_token(call, ends_old=False),
            "GET /webhooks": lambda _: json_reply({"webhooks": [], "count": 0}),
            "POST /webhooks": lambda call: self._accept(call, "webhook registered"),
            "GET /jobs": lambda _: json_reply({"jobs": [], "count": 0}),
            "POST /jobs": lambda call: self._accept(call, "job queued"),
            "POST /batch": self._batch,
            "GET /admin/metrics": self._admin_metrics,
            "GET /admin/config": self._admin_config,
            # The stream for whoever comes through the front; the game upgrades the connection when it is asked to.
            "GET /telemetry": lambda _: error_reply(426, "this is a WebSocket", headers={"Upgrade": "websocket"}),
        }
        for file in sorted(_WEB.iterdir()):
            self.table[f"GET /web/{file.name}"] = self._page
        if api.debug_endpoints:
            self.table["GET /debug/profile"] = lambda _: json_reply({"requests": [], "slowest": "/scene", "count": 0})

    def methods(self, path: str) -> list[str]:
        """The methods that `path` knows; empty when there is no such path."""
        return [method for method, _, known in (key.partition(" ") for key in self.table) if known == path]

    def answer(self, call: Call) -> Reply:
        """The answer to a call whose method and path are in the table."""
        try:
            reply = self.table[call.visit.endpoint](call)
        except Refused as refusal:
            if call.visit.path == "/scene":
                self.metrics.scene_errors.labels(refusal.kind).inc()
            reply = error_reply(refusal.status, refusal.message)
        return reply

    def uptime_s(self) -> float:
        """Seconds since this game process (says it) started."""
        if self._api.restart_every_s:
            return time.time() % self._api.restart_every_s
        return self._api.uptime_s + time.time() - self._started

    def _json(self, call: Call) -> dict[str, Any]:
        rules = self._api.input
        if rules.check_content_type and not call.visit.headers.get("content-type", "").startswith("application/json"):
            raise Refused(400, "Content-Type must be application/json")
        try:
            data = json.loads(call.body.decode())
        except UnicodeDecodeError as problem:
            self._stumble("utf8")
            raise Refused(400, "body is not UTF-8") from problem
        except RecursionError as problem:
            self._stumble("nested")
            raise Refused(400, "body is nested too deeply") from problem
        except ValueError as problem:
            raise Refused(400, "body is not JSON") from problem
        if b"\\u0000" in call.body or b"\0" in call.body:
            self._stumble("nul")
        if not isinstance(data, dict):
            raise Refused(400, "body must be a JSON object")
        return data

    def _stumble(self, kind: str) -> None:
        if kind in self._api.input.broken_by:
            raise BrokenInput(kind)

    def _health(self, call: Call) -> Reply:
        now = health.health(self._api, call.now, self._around.open_connections())
        if self._api.health_frozen:
            self._frozen = self._frozen or now
            now = self._frozen
        return json_reply(now)

    def _metrics(self, _call: Call) -> Reply:
        text = self.metrics.text(
            entries=self.journal.entries,
            alerts=dict(self.guard.alerts),
            open_connections=self._around.open_connections(),
            uptime_s=self.uptime_s(),
        )
        return Reply(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")

    def _load_scene(self, call: Call) -> Reply:
        path = self.scenes.checked(self._json(call).get("scene_path"))
        self.metrics.scene_loads.labels(path).inc()
        self.journal.log(f"SceneLoader: loading {path!a}", call.now)
        return json_reply(self.scenes.load(path))

    def _validate_scene(self, call: Call) -> Reply:
        return json_reply(self.scenes.validate(self.scenes.checked(self._json(call).get("scene_path"))))

    def _reload_scene(self, call: Call) -> Reply:
        self.metrics.scene_loads.labels(self.scenes.current).inc()
        self.journal.log(f"SceneLoader: reloading {self.scenes.current!a}", call.now)
        return json_reply(self.scenes.reload())

    def _list_scenes(self, call: Call) -> Reply:
        addons = call.visit.query.get("include_addons", "false").lower() == "true"
        return json_reply(self.scenes.listing(call.visit.query.get("dir", "res://"), addons=addons))

    def _new_token(self, call: Call, *, ends_old: bool) -> Reply:
        life = self._api.authentication.token_life_s
        token = tokens.issue(self._around.keys.current, subject=str(call.badge.claims.get("sub", "operator")), life_s=life)
        if ends_old:
            self._around.doorman.revoked.add(call.badge.token)
        return json_reply({"token": token, "token_type": "Bearer", "expires_in": life, "expires_at": health.iso(call.now + life)})

    def _accept(self, call: Call, message: str) -> Reply:
        self._json(call)
        return json_reply({"status": "accepted", "message": message}, 202)

    def _batch(self, call: Call) -> Reply:
        operations = self._json(call).get("operations")
        if not isinstance(operations, list):
            raise Refused(400, "operations must be a list")
        return json_reply({"results": [{"index": i, "status": "skipped"} for i in range(len(operations))]})

    def _admin_metrics(self, _call: Call) -> Reply:
        return json_reply({"uptime_seconds": round(self.uptime_s(), 1), "connections": self._around.open_connections()})

    def _admin_config(self, _call: Call) -> Reply:
        return json_reply(
            {
                "environment": self._api.environment,
                "api_version": self._around.version(),
                "rate_limiting": True,
                "auth_required": True,
            }
        )

    def _page(self, call: Call) -> Reply:
        name = call.visit.path.rpartition("/")[2]
        text = (_WEB / name).read_text(encoding="utf-8")
        for old, new in self._api.page_edits.get(call.visit.path, {}).items():
            text = text.replace(old, new)
        if self._api.input.page_reflects_query and name.endswith(".html"):
            text = text.replace("</h1>", "</h1>" + "".join(f"<p>{value}</p>" for value in call.visit.query.values()))
        return Reply(200, text.encode(), f"{_PAGES[name.rpartition('.')[2]]}; charset=utf-8")
