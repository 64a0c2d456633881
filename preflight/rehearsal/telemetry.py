"""The telemetry stream: events as JSON, frames as bytes, and the commands a client may send."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import math
import random
import struct
import time
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from preflight.rehearsal import player
from preflight.rehearsal.behaviour import Telemetry

_PING_EVERY_S = 30.0
_BUTTONS = ("trigger", "grip", "primary", "secondary", "thumbstick")


def fps_frame(number: int, fps: float, frame_ms: float, physics_ms: float) -> bytes:
    """The binary frame 0x01: 17 bytes, big endian."""
    return struct.pack(">BIfff", 1, number & 0xFFFFFFFF, fps, frame_ms, physics_ms)


def compressed_frame(data: Any) -> bytes:
    """The binary frame 0x02: both lengths, then JSON packed with gzip."""
    plain = json.dumps(data).encode()
    packed = gzip.compress(plain)
    return struct.pack(">BII", 2, len(plain), len(packed)) + packed


class Stream:
    """One client's stream. `now` gives the game's wall clock."""

    def __init__(self, rules: Telemetry, socket: web.WebSocketResponse, now: Callable[[], float]) -> None:
        self._rules, self._socket, self._now = rules, socket, now
        self._fps_interval = rules.fps_interval_s
        self._started = time.monotonic()
        self._heard = self._started
        self._jump = 0.0
        self._played_since: float | None = None

    async def run(self) -> None:
        """Serve the client until it goes, falls silent, or the build drops it."""
        jobs = [asyncio.ensure_future(job) for job in self._jobs()]
        try:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
            with contextlib.suppress(ConnectionError):
                await self._socket.close()

    def _jobs(self) -> list[Any]:
        mode = self._rules.mode
        jobs: list[Any] = [self._listen(), self._watch()]
        if mode == "normal":
            jobs += [self._send_fps(), self._send_tracking(), self._send_snapshots()]
        elif mode == "garbage":
            jobs.append(self._send_garbage())
        return jobs

    async def _listen(self) -> None:
        async for message in self._socket:
            self._heard = time.monotonic()
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type is WSMsgType.TEXT and self._rules.mode == "normal":
                await self._obey(message.data)

    async def _watch(self) -> None:
        """Ping each 30 s; end the stream after a minute of silence, or when this build drops it."""
        pinged = time.monotonic()
        while True:
            await asyncio.sleep(0.2)
            now = time.monotonic()
            if self._rules.drop_after_s and now - self._started > self._rules.drop_after_s:
                return
            if now - self._heard > self._rules.silence_limit_s:
                return
            if now - pinged > _PING_EVERY_S:
                pinged = now
                await self._socket.ping()

    async def _obey(self, text: str) -> None:
        try:
            command = json.loads(text)
            name = command.get("command")
        except (ValueError, AttributeError):
            await self._event("error", {"message": "commands are JSON objects"})
            return
        if name == "ping" and self._rules.pong:
            await self._event("pong", {"received": self._now()})
        elif name == "get_snapshot":
            await self._event("snapshot", self._snapshot())
        elif name == "configure":
            config = command.get("config")
            if isinstance(config, dict) and config.get("player") and self._played_since is None:
                self._played_since = time.monotonic()
            await self._event("configured", {"config": command.get("config", {})})
        elif name == "set_update_interval" and isinstance(command.get("interval"), int | float):
            self._fps_interval = min(10.0, max(0.05, float(command["interval"])))
            await self._event("update_interval", {"interval": self._fps_interval})
        elif name != "ping":
            await self._event("error", {"message": "unknown command"})

    async def _event(self, event: str, data: dict[str, Any]) -> None:
        await self._socket.send_str(json.dumps({"type": "event", "event": event, "data": data, "timestamp": self._now()}))

    async def _send_fps(self) -> None:
        for message in self._rules.alerts:
            alert = {"type": "alert", "level": "warning", "message": message, "timestamp": self._now()}
            await self._socket.send_str(json.dumps(alert))
        while True:
            figures = self._frame()
            await self._event("fps", figures)
            if self._rules.binary:
                values = (figures["fps"], figures["frame_time_ms"], figures["physics_time_ms"])
                await self._socket.send_bytes(fps_frame(int(figures["frame"]), *values))
            await asyncio.sleep(self._fps_interval)

    async def _send_tracking(self) -> None:
        told = 0.0
        while True:
            await self._event("vr_tracking", self._tracking())
            if self._played_since is not None:
                now = time.monotonic() - self._played_since
                for event, data in player.happenings(told, now):
                    await self._event(event, data)
                told = now
            await asyncio.sleep(self._rules.tracking_interval_s)

    async def _send_snapshots(self) -> None:
        while self._rules.binary:
            await self._socket.send_bytes(compressed_frame({"event": "snapshot", "data": self._snapshot()}))
            await asyncio.sleep(1.0)
        await asyncio.Event().wait()

    async def _send_garbage(self) -> None:
        noise = random.Random(7)
        while True:
            await self._socket.send_str("\x01{[" + noise.randbytes(24).hex() + "\ufffd")
            await self._socket.send_bytes(noise.randbytes(31))
            await asyncio.sleep(0.2)

    def _frame(self) -> dict[str, float]:
        rules = self._rules
        fps = round(rules.fps + random.uniform(-rules.fps_jitter, rules.fps_jitter), 2)
        elapsed = time.monotonic() - self._started
        frame_ms = round(1000 / fps, 3) if fps else 0.0
        return {"fps": fps, "frame_time_ms": frame_ms, "physics_time_ms": 2.4, "frame": int(elapsed * rules.fps) + 1}

    def _snapshot(self) -> dict[str, Any]:
        return {"performance": self._frame(), "vr_tracking": self._tracking(), "scene": "vr_main", "memory_mb": 612.4}

    def _tracking(self) -> dict[str, Any]:
        elapsed = time.monotonic() - self._started
        data: dict[str, Any] = {"headset": self._head(elapsed)}
        for side in self._rules.controllers:
            data[f"{side}_controller"] = self._controller(side, elapsed)
        return data

    def _head(self, elapsed: float) -> dict[str, Any]:
        kind = self._rules.head
        sway = 0.0 if kind == "frozen" else math.sin(elapsed * 1.3)
        if kind == "jumping":
            # Half a metre from one sample to the next: no neck does that.
            self._jump = 0.5 - self._jump
        yaw, x, z = 0.2 * sway, 0.0, 0.0
        if self._played_since is not None:
            played = time.monotonic() - self._played_since
            x, z, turned = player.place(played)
            yaw += math.radians(turned + player.looks_about(played))
        position = [round(x + 0.04 * sway + self._jump, 4), round(1.62 + 0.01 * sway, 4), round(z + 0.03 * sway, 4)]
        rotation = [0.0, round(math.sin(yaw / 2), 6), 0.0, round(math.cos(yaw / 2), 6)]
        return {"position": position, "rotation": rotation, "tracked": kind != "untracked"}

    def _pressed(self) -> str:
        return "" if self._played_since is None else player.pressed(time.monotonic() - self._played_since, _BUTTONS)

    def _controller(self, side: str, elapsed: float) -> dict[str, Any]:
        sign = -1.0 if side == "left" else 1.0
        drift = self._rules.controller_drift_m_per_s * elapsed
        wave = math.sin(elapsed * 1.7 + sign)
        position = [round(sign * 0.22 + 0.03 * wave + drift, 4), round(1.05 + 0.02 * wave, 4), -0.3]
        return {
            "position": position,
            "rotation": [0.0, 0.0, 0.0, 1.0],
            "tracked": True,
            "profile": self._rules.controller_profile,
            "buttons": {name: name in (self._rules.stuck_button, self._pressed()) for name in _BUTTONS},
        }
