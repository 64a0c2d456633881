"""The game process: HTTP API and telemetry in one, as in the real one. `python -m preflight.rehearsal.game FILE`."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

from aiohttp import web

from preflight.rehearsal.endpoints import Endpoints, Surroundings
from preflight.rehearsal.gate import Gate
from preflight.rehearsal.guard import Guard
from preflight.rehearsal.journal import Journal
from preflight.rehearsal.login import Doorman
from preflight.rehearsal.metrics import Metrics
from preflight.rehearsal.replies import Reply, error_reply
from preflight.rehearsal.runtime import (
    BACKLOG,
    Assignment,
    fill,
    listener,
    parent_lines,
    port_of,
    read_assignment,
    say,
    server,
    until_parent_ends,
)
from preflight.rehearsal.telemetry import Stream
from preflight.rehearsal.tokens import Keyring


class Game:
    """One game process between its sockets."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        api, secrets, root = assignment.deployment.api, assignment.secrets, Path(assignment.root)
        self._api = api
        self._version_file = root / "opt/godot/VERSION"
        self._version = self._read_version()
        audit = replace(api.audit, extra_details=fill(api.audit.extra_details, secrets))
        self._journal = Journal(audit, root / "var/log/spacetime/audit", root / "var/log/spacetime/godot.log")
        self._servers: list[web.Server] = []
        keys = Keyring(secrets.jwt_secret, secrets.previous_secret)
        guard, metrics = Guard(api.limiter, api.intrusion), Metrics(api)
        doorman = Doorman(api.authentication, keys, guard, self._journal, metrics)
        surroundings = Surroundings(
            keys,
            guard,
            self._journal,
            metrics,
            doorman,
            version=lambda: self._version,
            open_connections=lambda: sum(len(one.connections) for one in self._servers),
        )
        self._gate = Gate(api, secrets, Endpoints(api, surroundings), doorman)

    async def serve(self) -> None:
        """Listen, say so, and stay until the parent goes."""
        loop = asyncio.get_running_loop()
        api_socket, telemetry_socket = listener(), listener()
        self._servers = [server(self._api_call, self._dress), server(self._telemetry_call, self._dress)]
        await loop.create_server(self._servers[0], sock=api_socket, backlog=BACKLOG)
        if self._assignment.deployment.telemetry.mode == "refuse":
            port = port_of(telemetry_socket)  # bound but never listening: connections are refused, the port stays ours
        else:
            await loop.create_server(self._servers[1], sock=telemetry_socket, backlog=BACKLOG)
            port = port_of(telemetry_socket)
        # The rollback script's way to restart the game: it takes up what now lies on the disk.
        loop.add_signal_handler(signal.SIGHUP, self._restart)
        lines = await parent_lines()
        say(ready=True, http=port_of(api_socket), telemetry=port)
        await until_parent_ends(lines)

    def _restart(self) -> None:
        self._version = self._read_version()
        self._journal.log(f"Godot Engine v4.5.1.stable - restarted with {self._version}", time.time())

    def _read_version(self) -> str:
        if self._version_file.is_file():
            return self._version_file.read_text(encoding="utf-8").strip()
        return self._api.version

    async def _api_call(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "OPTIONS" and not self._api.cors.answer_options:
            await asyncio.sleep(3600)
        reply = await self._gate.answer(request)
        if reply is None:
            if request.transport:
                request.transport.abort()
            raise ConnectionResetError("closed without an answer")
        if reply.status == 426 and web.WebSocketResponse().can_prepare(request).ok:
            return await self._telemetry_call(request)
        response = self._response(reply)
        self._cross_origin(request, response)
        return response

    async def _telemetry_call(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False, heartbeat=None)
        if not socket.can_prepare(request).ok and request.path == "/metrics":
            # Prometheus is configured to scrape this port too: the same figures, for the same token.
            return await self._api_call(request)
        if not socket.can_prepare(request).ok:
            return self._response(error_reply(426, "this is a WebSocket", headers={"Upgrade": "websocket"}))
        await socket.prepare(request)
        now = lambda: time.time() + self._api.clock_offset_s  # noqa: E731
        await Stream(self._assignment.deployment.telemetry, socket, now).run()
        return socket

    def _response(self, reply: Reply) -> web.Response:
        headers = {**reply.headers, "Content-Type": reply.content_type}
        if reply.status == 204:
            del headers["Content-Type"]
        response = web.Response(status=reply.status, body=reply.body or None, headers=headers)
        if self._api.chunked and reply.body:
            response.enable_chunked_encoding()
        if not self._api.keep_alive:
            response.force_close()
        return response

    def _cross_origin(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        cors, origin = self._api.cors, request.headers.get("Origin", "")
        allowed = origin if origin and (cors.reflect or origin in cors.origins) else "*" if "*" in cors.origins else ""
        if not allowed:
            return
        response.headers["Access-Control-Allow-Origin"] = allowed
        response.headers["Vary"] = "Origin"
        if cors.credentials:
            response.headers["Access-Control-Allow-Credentials"] = "true"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = ", ".join(cors.methods)
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"

    def _dress(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        rules, status = self._api.headers, str(response.status)
        response.headers.pop("Server", None)
        if self._api.clock_offset_s:
            response.headers["Date"] = formatdate(time.time() + self._api.clock_offset_s, usegmt=True)
        changed = {**rules.changed_on.get("*", {}), **rules.changed_on.get(status, {})}
        gone = {name.lower() for kind in ("*", status, request.path) for name in rules.missing_on.get(kind, ())}
        for name, value in {**rules.security, **rules.extra, **changed}.items():
            if name.lower() not in gone:
                response.headers[name] = fill(value, self._assignment.secrets)
        for name, value in rules.doubled.items():
            response.headers.add(name, value)


def main() -> None:
    """Run until the parent goes."""
    # The parent ends us; a Ctrl-C in its terminal must not reach us first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assignment = read_assignment(Path(sys.argv[1]))
    asyncio.run(_serve(assignment))


async def _serve(assignment: Assignment) -> None:
    await Game(assignment).serve()


if __name__ == "__main__":
    main()
