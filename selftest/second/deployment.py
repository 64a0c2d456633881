"""The second deployment: Flask on werkzeug's own server, TLS by trustme, telemetry by websockets' threaded server.

Its habits, each allowed by the contract: HTTP/1.0 that closes after every answer, lower-case header names, indented JSON
with keys backwards, subsystem states as numbers, figures nested in /performance, stricter header values, JSON audit
lines, an attack answered by its ban, `null` for a token's end, other words everywhere. `--broken NAME` breaks one thing.
In one file, so that nothing of the rehearsal comes in unseen.

python -m selftest.second.deployment FOLDER [--broken NAME]     prints one JSON line with its addresses, ends with its input
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import hashlib
import json
import re
import secrets
import ssl
import struct
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jwt
import trustme
from flask import Flask, Response, redirect, request
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

SECRET = hashlib.sha256(b"the second deployment's own").hexdigest()
SCENES = {"res://halls/entry.tscn": 41, "res://halls/garden.tscn": 77}
OPEN = ("/health", "/health/quick", "/status", "/web/scene_manager.html", "/web/manager.js", "/favicon.ico")
LIMITS = {"/scene": 30, "/scene/reload": 20, "/scenes": 60, "/auth/rotate": 10, "/auth/refresh": 30, "/admin/config": 10}
BAN_S = 8.0
LARGEST = 1 << 20
INJECTION = re.compile(r"union\s+select|'\s*or\s*'|;\s*drop\s|<script|\$\(|`|\|\s*sh\b", re.I)
TRAVERSAL = re.compile(r"\.\./|\.\.\\|%2e%2e", re.I)
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "deny",
    "x-xss-protection": "1;mode=block",
    "content-security-policy": "frame-ancestors 'none'; default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "strict-transport-security": "max-age=63072000; preload; includeSubdomains",
}
PAGE = """<!doctype html><html lang="de"><head><title>Szenen</title><script src="/web/manager.js" defer></script></head><body>
<main><h1>Szenen</h1><label>Token <input id="t" type="password"></label><label>Szene <input id="s" value="res://halls/entry.tscn">
</label><button data-call="POST /scene/reload">Reload Scene</button> <button data-call="PUT /scene">Validate Scene</button>
<button data-call="GET /scene">Scene Info</button><output id="o"></output></main></body></html>"""
SCRIPT = """for (const b of document.querySelectorAll('button')) b.onclick = async () => {
  const [method, path] = b.dataset.call.split(' '); const h = {authorization: 'Bearer ' + document.getElementById('t').value};
  const o = {method, headers: h}; if (method === 'PUT') { h['content-type'] = 'application/json';
  o.body = JSON.stringify({scene_path: document.getElementById('s').value}); }
  document.getElementById('o').textContent = await (await fetch(path, o)).text(); };"""


class Game:
    """What the game remembers."""

    def __init__(self, folder: Path, broken: str) -> None:
        self.folder, self.broken = folder, broken
        self.scene = next(iter(SCENES))
        self.history: list[dict[str, str]] = []
        self.began = time.monotonic()
        self.buckets: dict[tuple[str, str], tuple[float, float]] = {}
        self.refusals: dict[str, list[float]] = defaultdict(list)
        self.failures: dict[str, list[float]] = defaultdict(list)
        self.banned: dict[str, float] = {}
        self.guard = threading.Lock()
        self.counts: dict[tuple[str, str, int], int] = defaultdict(int)
        (folder / "audit").mkdir(parents=True, exist_ok=True)

    def note(self, result: str, level: str = "INFO") -> None:
        """A line of the audit log."""
        entry = {
            "timestamp": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z"),
            "level": level,
            "client_ip": request.remote_addr,
            "endpoint": request.path,
            "result": result,
            "details": {"method": request.method, "agent": request.headers.get("user-agent", "")},
        }
        with self.guard, (self.folder / "audit" / "audit.log").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def take(self, address: str, path: str) -> tuple[int, float]:
        """A token from the bucket: how many are left (below 0: refused), and when the next one comes."""
        limit = LIMITS.get(path, 100)
        with self.guard:
            left, at = self.buckets.get((address, path), (float(limit), time.monotonic()))
            now = time.monotonic()
            left = min(limit, left + (now - at) * limit / 60)
            refused = left < 1 and self.broken != "no_limiter"
            self.buckets[address, path] = (left if refused else left - 1, now)
        return (-1, (1 - left) * 60 / limit) if refused else (max(0, int(left - 1)), 60 / limit)


def token(**claims: Any) -> str:
    """A token of this deployment."""
    fresh = {"sub": "ops", "iat": int(time.time()), "exp": None, "token_id": secrets.token_hex(4), "scope": "api", **claims}
    return jwt.encode({key: value for key, value in fresh.items() if value is not None}, SECRET, algorithm="HS256")


def answer(data: Any, status: int = 200, **headers: str) -> Response:
    """JSON, indented and backwards."""
    text = json.dumps(dict(reversed(list(data.items()))), indent=2) + "\n"
    return Response(
        text, status, {k.replace("_", "-"): v for k, v in headers.items()}, content_type="application/json;charset=UTF-8"
    )


def refused(status: int, why: str, **headers: str) -> Response:
    """An error body of the documented shape."""
    phrase = Response(status=status).status.split(" ", 1)[1]
    return answer({"error": phrase.capitalize(), "message": why, "details": ""}, status, **headers)


def application(game: Game) -> Flask:
    """The HTTP API."""
    app = Flask(__name__, static_folder=None)

    @app.before_request
    def admit() -> Response | None:
        address, path, now = str(request.remote_addr), request.path, time.monotonic()
        until = game.banned.get(address, 0.0)
        if until > now:
            return refused(429, "address is banned", retry_after=str(int(until - now) + 1))
        left, wait = game.take(address, path)
        if left < 0:
            game.refusals[address] = [t for t in game.refusals[address] if now - t < 600] + [now]
            if len(game.refusals[address]) >= 5:
                game.banned[address] = now + 3600
            game.note("RATE_LIMIT", "WARNING")
            return refused(429, "slow down", retry_after=str(int(wait) + 1))
        if path not in OPEN and not (game.broken == "put_open" and request.method == "PUT"):
            problem = _login(game, address)
            if problem is not None:
                return problem
        return _inspect(game, address)

    @app.after_request
    def dress(response: Response) -> Response:
        for name, value in HEADERS.items():
            if not (game.broken == "no_nosniff_on_404" and response.status_code == 404 and name == "x-content-type-options"):
                response.headers[name] = value
        limit = LIMITS.get(request.path, 100)
        left = int(game.buckets.get((str(request.remote_addr), request.path), (0.0, 0.0))[0])
        response.headers["x-ratelimit-limit"] = str(limit)
        response.headers["x-ratelimit-remaining"] = str(max(0, left))
        response.headers["x-ratelimit-reset"] = str(int(time.time()) + 60)
        game.counts[request.path, request.method, response.status_code] += 1
        return response

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return refused(error.code or 500, "no such thing here")

    _health(app, game)
    _scenes(app, game)
    _rest(app, game)
    return app


def _login(game: Game, address: str) -> Response | None:
    given = request.headers.get("authorization", "")
    if not given:
        game.note("AUTH_FAILURE", "WARNING")
        return refused(401, "who are you?", www_authenticate='Bearer realm="game"')
    scheme, _, presented = given.partition(" ")
    try:
        if scheme != "Bearer" or len(presented) < 16:
            raise jwt.InvalidTokenError
        algorithms = ["HS256", "none"] if game.broken == "alg_none" else ["HS256"]
        if game.broken == "alg_none" and jwt.get_unverified_header(presented).get("alg", "").lower() == "none":
            return None
        jwt.decode(presented, SECRET, algorithms=algorithms)
    except (jwt.PyJWTError, ValueError):
        now = time.monotonic()
        game.failures[address] = [t for t in game.failures[address] if now - t < 60] + [now]
        if len(game.failures[address]) >= 5:
            game.banned[address] = now + BAN_S
        game.note("AUTH_FAILURE", "WARNING")
        return refused(401, "that token is not ours", www_authenticate='Bearer error="invalid_token"')
    game.note("AUTH_SUCCESS")
    return None


def _inspect(game: Game, address: str) -> Response | None:
    if (request.content_length or 0) > LARGEST:
        return refused(413, "too much")
    text = unquote(request.full_path) + request.get_data().decode("utf-8", "replace")
    if INJECTION.search(text):
        game.banned[address] = time.monotonic() + 86_400
        game.note("INTRUSION", "CRITICAL")
        return refused(429, "address is banned", retry_after="86400")
    if TRAVERSAL.search(text):
        game.note("INTRUSION", "CRITICAL")
        return refused(403, "stay inside")
    return None


def _health(app: Flask, game: Game) -> None:
    def part(message: str, **details: Any) -> dict[str, Any]:
        return {"status": 0, "message": message, "check_duration_ms": 0.2, "details": details}

    @app.get("/health")
    def health() -> Response:
        sick = game.broken == "sick"
        memory = part(
            "fine", static_memory_mb=402.5, total_memory_mb=611.25, warning_threshold_mb=1800, critical_threshold_mb=2048
        )
        engine = part("fine", fps=90.02, frame_time_ms=11.1, godot_version="4.5.1", is_paused=False)
        parts = {name: part("fine") for name in ("scene_loader", "file_system", "connections", "resource_loader")}
        if sick:
            parts["scene_loader"]["status"] = 2
        told = {"status": "unhealthy" if sick else "healthy", "timestamp": time.time(), "check_duration_ms": 1.5}
        return answer({**told, "healthy": not sick, "issues": [], "subsystems": {"memory": memory, "engine": engine, **parts}})

    @app.get("/health/quick")
    def quick() -> Response:
        return answer({"healthy": True, "check_duration_ms": 0.1, "memory_mb": 611.25, "fps": 90.0})

    @app.get("/status")
    def status() -> Response:
        told = {"status": "running", "http_api": "active", "environment": "production", "api_version": "2.5.0"}
        more = {"key": token()} if game.broken == "token_in_status" else {}
        return answer({**told, "vr_initialized": True, "vr_mode": "openxr", "autoloads": {"SceneService": "loaded"}, **more})

    @app.get("/performance")
    def performance() -> Response:
        engine = {"fps": 90.1, "frame_time_ms": 11.08}
        return answer({"engine": engine, "memory": {"static_memory_usage": 640_942_080}, "vr": {"active": True}})


def _wanted() -> str | Response:
    """The scene that a body names, or the refusal that it gets."""
    if not request.is_json:
        return refused(400, "JSON, please")
    try:
        said = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return refused(400, "that is not JSON")
    path = said.get("scene_path") if isinstance(said, dict) else None
    if not isinstance(path, str) or not re.fullmatch(r"res://[\w/]+\.tscn", path):
        return refused(400, "not a scene")
    return path if path in SCENES else refused(403, "not on the list")


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1].removesuffix(".tscn")


def _scenes(app: Flask, game: Game) -> None:
    @app.get("/scene")
    def scene() -> Response:
        return answer({"scene_name": _name(game.scene), "scene_path": game.scene, "status": "loaded"})

    @app.post("/scene")
    def load() -> Response:
        path = _wanted()
        if isinstance(path, Response):
            return path
        game.scene = path
        game.history.append({"scene": path})
        return answer({"status": "loading", "scene": path, "message": "on its way"})

    @app.put("/scene")
    def validate() -> Response:
        path = _wanted()
        if isinstance(path, Response):
            return path
        return answer(
            {"valid": True, "errors": [], "warnings": [], "scene_info": {"node_count": SCENES[path], "root_type": "Node3D"}}
        )

    @app.post("/scene/reload")
    def reload() -> Response:
        return answer({"status": "reloading", "scene": game.scene})

    @app.get("/scene/history")
    def history() -> Response:
        return answer({"history": game.history, "count": len(game.history)})

    @app.get("/scenes")
    def scenes() -> Response:
        listed = [
            {"path": p, "name": _name(p), "size_bytes": 9 * n, "modified": "2026-01-01T00:00:00"} for p, n in SCENES.items()
        ]
        return answer({"scenes": listed, "count": len(listed), "directory": "res://", "include_addons": False})


def _rest(app: Flask, game: Game) -> None:
    @app.get("/metrics")
    def metrics() -> Response:
        rows = ["# HELP http_requests_total Requests.", "# TYPE http_requests_total counter"]
        for (path, method, status), count in list(game.counts.items()):
            rows.append(f'http_requests_total{{status="{status}",method="{method}",endpoint="{path}"}} {count}')
        rows += ["# TYPE process_resident_memory_bytes gauge", "process_resident_memory_bytes 6.4e+08"]
        return Response("\n".join(rows) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/web/scene_manager.html")
    def page() -> Response:
        return Response(PAGE, content_type="text/html;charset=utf-8")

    @app.get("/web/manager.js")
    def script() -> Response:
        return Response(SCRIPT, content_type="text/javascript")

    @app.post("/auth/refresh")
    @app.post("/auth/rotate")
    def fresh() -> Response:
        return answer({"token": token(), "expires_in": None})

    @app.get("/webhooks")
    @app.get("/jobs")
    @app.get("/admin/config")
    @app.get("/admin/metrics")
    def nothing() -> Response:
        return answer({"items": [], "count": 0})

    @app.post("/batch")
    def batch() -> Response:
        return answer({"results": []})


class Handler(WSGIRequestHandler):
    """Says nothing of its version, and nothing on the terminal."""

    server_version = "game"
    sys_version = ""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Nothing."""


def telemetry(connection: ServerConnection) -> None:
    """Frames as bytes, tracking as text, one answer packed."""
    pose = {"position": [0.0, 1.7, 0.0], "rotation": [0.0, 0.0, 0.0, 1.0], "buttons": []}
    tracked = {"headset": pose, "left_controller": pose, "right_controller": pose}
    frame, until = 0, time.monotonic()
    try:
        while True:
            if time.monotonic() >= until:
                frame, until = frame + 9, time.monotonic() + 0.1
                connection.send(json.dumps({"timestamp": time.time(), "data": tracked, "event": "vr_tracking", "type": "event"}))
                if frame % 45 == 0:
                    connection.send(struct.pack(">BIfff", 1, frame, 90.0, 11.1, 1.9))
            try:
                said = json.loads(connection.recv(timeout=0.02))
            except TimeoutError:
                continue
            if said.get("command") == "ping":
                connection.send(json.dumps({"type": "pong", "timestamp": time.time()}))
            elif said.get("command") == "get_snapshot":
                plain = json.dumps({"type": "snapshot", "data": tracked}).encode()
                packed = gzip.compress(plain)
                connection.send(struct.pack(">BII", 2, len(plain), len(packed)) + packed)
    except (ConnectionClosed, ValueError):
        return


def _start(server: BaseWSGIServer) -> int:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_port)


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--broken", default="")
    chosen = parser.parse_args()
    game = Game(chosen.folder, chosen.broken)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(chosen.folder / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    authority.issue_cert("localhost").configure_cert(context)
    app = application(game)
    secure = _start(make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler, ssl_context=context))
    inner = _start(make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler))
    plain = Flask("redirects", static_folder=None)

    @plain.route("/", defaults={"path": ""})
    @plain.route("/<path:path>")
    def away(path: str) -> Any:
        asked = request.full_path if request.query_string else request.path
        return redirect(f"https://localhost:{secure}{asked}", 308)

    outer = _start(make_server("127.0.0.1", 0, plain, threaded=True, request_handler=Handler))
    with serve(telemetry, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ports = {"https": secure, "http": outer, "internal": inner, "telemetry": server.socket.getsockname()[1]}
        print(json.dumps({**ports, "token": token(), "secret": SECRET}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
