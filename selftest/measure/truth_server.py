"""A server whose delays are known: `python -m selftest.measure.truth_server` prints its port, and ends with its stdin.

`GET /MODE?ms=8&…` is answered after a delay that the mode says; delays that are not constant are worked out from the
number of the request or from the clock, so that the truth is a formula. Each mode's parameters are its own. `GET /late`
says how late (ms, P99) the answers since the last such question left: what the machine did to this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sys
from urllib.parse import parse_qsl, urlsplit

from preflight.probes.load_process import Selector

_BODY = b'{"ok":true}'
_SPIN_S = 0.0003


class Modes:
    """How long each request waits (s), and which status it gets."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._number: dict[str, int] = {}
        self._free: dict[str, float] = {}
        self._late: list[float] = []

    def left(self, late: float) -> None:
        """An answer left that late (s)."""
        self._late.append(late)

    def lateness(self) -> bytes:
        """P99 (ms) of how late answers left, since the last question."""
        late, self._late = sorted(self._late) or [0.0], []
        return b"%.3f" % (1000 * late[math.ceil(0.99 * len(late)) - 1])

    def answer(self, target: str, now: float) -> tuple[float, int]:
        """When the answer leaves (the loop's time), and its status."""
        parts = urlsplit(target)
        given = {name: float(value) for name, value in parse_qsl(parts.query)}
        began = self._began.setdefault(target, now)
        number = self._number[target] = self._number.get(target, 0) + 1
        ms = given.get("ms", 5.0)
        match parts.path:
            case "/bimodal":  # the share `slow` takes `slow_ms`, evenly spread
                slow = math.floor(number * given["slow"]) > math.floor((number - 1) * given["slow"])
                return now + (given["slow_ms"] if slow else ms) / 1000, 200
            case "/stall":  # serial: one at a time, each takes ms; nobody is served in the last stall_s of every period_s
                starts = max(now, self._free.get(target, 0.0))
                into = (starts - began) % given["period_s"]
                if into > given["period_s"] - given["stall_s"]:
                    starts += given["period_s"] - into
                self._free[target] = starts + ms / 1000
                return self._free[target], 200
            case "/drift":  # grows by `per_s` of ms in each second
                return now + ms * (1 + given["per_s"] * (now - began)) / 1000, 200
            case "/errors":  # the share `bad` is a 500 after 1 ms
                bad = math.floor(number * given["bad"]) > math.floor((number - 1) * given["bad"])
                return now + (0.001 if bad else ms / 1000), 500 if bad else 200
            case "/hang":  # the share `bad` is not answered for an hour
                bad = math.floor(number * given["bad"]) > math.floor((number - 1) * given["bad"])
                return now + (3600.0 if bad else ms / 1000), 200
            case "/status":
                return now + ms / 1000, int(given["status"])
        return now + ms / 1000, 200


class Connection(asyncio.Protocol):
    """HTTP/1.1 without bodies, as little as will do. A delay counts from when the request was there to be read."""

    def __init__(self, modes: Modes, selector: Selector) -> None:
        self._modes, self._selector, self._pending = modes, selector, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        now = self._selector.seen
        self._pending += data
        while b"\r\n\r\n" in self._pending:
            head, _, self._pending = self._pending.partition(b"\r\n\r\n")
            target, close = head.split(b" ", 2)[1].decode(), b"connection: close" in head.lower()
            if target == "/late":
                self._say(self._modes.lateness(), 200, close)
                continue
            leaves, status = self._modes.answer(target, now)
            loop.call_at(leaves - _SPIN_S, self._reply, leaves, status, close)

    def _reply(self, leaves: float, status: int, close: bool) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < leaves:
            pass  # a timer is late by some 0.1 ms; what is called true had better be so
        self._modes.left(loop.time() - leaves)
        self._say(_BODY, status, close)

    def _say(self, body: bytes, status: int, close: bool) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
            if close:
                self._transport.close()


async def serve(selector: Selector) -> None:
    """Listen on a free port until stdin ends."""
    loop = asyncio.get_running_loop()
    modes = Modes()
    server = await loop.create_server(lambda: Connection(modes, selector), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # else a busy neighbour would add to the delays
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    selector = Selector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.run(serve(selector))
