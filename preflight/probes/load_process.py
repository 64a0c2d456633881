"""The open-loop load generator, in a process of its own: `python -m preflight.probes.load_process` with JSON on stdin.

Request i of an endpoint leaves at t_i = t0 + (i + u_i/2)/R with u_i uniform on [0, 1), whatever became of those before it;
latency is counted from t_i until the last byte is there to be read, so that a stall shows in every request it delayed (G. Tene's "coordinated omission"). Several
endpoints are asked in turn, each in a slot of its own: that takes no longer than one after the other, but the requests of
one endpoint lie further apart and over a longer time, so that fewer of them share a hitch and a rare stall is met.

A process of its own, because the parent's garbage collection, output and plugins would be measured with the target.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import selectors
import ssl
import statistics
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

_SPIN_S = 0.0004
_LONGEST_LEAD_S = 0.0005
_MOST_IN_FLIGHT = 512
_REMEMBERED = 31


@dataclass(frozen=True)
class Lane:
    """One endpoint's part of an order: it is asked once a round, in a slot of `slot_s` seconds of its own.

    `bodies` are sent in turn (none: no body).
    """

    method: str
    url: str
    slot_s: float
    bodies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Order:
    """What to send: `rounds` times every lane in turn, a round taking `period_s` (at least the sum of the slots).

    `sources`: addresses to send from, changing with each round. `fresh`: a connection of its own for each request.
    `warm_up` rounds come first, at the same pace; only their failures count. `deadline_s` bounds the whole.
    """

    lanes: tuple[Lane, ...]
    rounds: int
    period_s: float
    headers: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ("",)
    ca_file: str | None = None
    fresh: bool = False
    warm_up: int = 5
    timeout_s: float = 10.0
    deadline_s: float = 330.0
    seed: int = 0


@dataclass
class Sent:
    """One request: when it was to leave (s after t0), how late it left and how long the answer took (ms), what it was.

    `what`: an HTTP status, or "timeout", "connection", "dropped". `fresh`: a connection was made for it.
    """

    lane: int
    at: float
    lag: float
    ms: float
    what: str
    fresh: bool
    warm_up: bool = False


class Selector(selectors.SelectSelector):
    """Tells when it last saw something to read or write: what the loop then does with it is ours, not the target's.

    Timers are finer with select, which takes microseconds, than with epoll's milliseconds.
    """

    seen = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the base class; the time (that of the event loop) is kept when there was something."""
        ready = super().select(timeout)
        if ready:
            self.seen = time.monotonic()
        return ready


class Generator:
    """Sends one order. Times are the event loop's, which runs on `selector`."""

    def __init__(self, order: Order, selector: Selector) -> None:
        self._order, self._selector = order, selector
        self._in_flight: set[asyncio.Task[None]] = set()
        self._sent: list[Sent] = []
        self._stop = False
        self._lead = self._start = 0.0
        self._preparing: deque[float] = deque(maxlen=_REMEMBERED)

    async def run(self) -> dict[str, Any]:
        """Send everything, wait for the answers, and say what happened."""
        order = self._order
        sessions = [self._session(source) for source in order.sources]
        try:
            await self._phase(sessions, order.warm_up, random.Random(order.seed ^ 0x5EED), warm_up=True)  # noqa: S311
            if self._sent and all(one.what in ("timeout", "connection") for one in self._sent):
                self._stop = True  # nobody answers: asking hundreds of times more would tell nothing
            began = await self._phase(sessions, order.rounds, random.Random(order.seed), warm_up=False)  # noqa: S311
        finally:
            for session in sessions:
                with contextlib.suppress(Exception):
                    await session.close()
        return {"began": began, "seed": order.seed, "sent": [asdict(one) for one in sorted(self._sent, key=lambda one: one.at)]}

    def _session(self, source: str) -> aiohttp.ClientSession:
        order = self._order
        tls: ssl.SSLContext | bool = True
        if order.ca_file:
            tls = ssl.create_default_context(cafile=order.ca_file)
        connector = aiohttp.TCPConnector(
            local_addr=(source, 0) if source else None,
            limit=0,
            ssl=tls,
            force_close=order.fresh,
            **({} if order.fresh else {"keepalive_timeout": 60}),  # type: ignore[arg-type]
        )
        trace = aiohttp.TraceConfig()

        async def connected(_session: Any, context: Any, _parameters: Any) -> None:
            context.trace_request_ctx["fresh"] = True

        async def written(_session: Any, context: Any, _parameters: Any) -> None:
            context.trace_request_ctx["written"] = asyncio.get_running_loop().time()

        trace.on_connection_create_end.append(connected)
        trace.on_request_headers_sent.append(written)
        return aiohttp.ClientSession(
            connector=connector,
            trace_configs=[trace],
            headers=order.headers,
            timeout=aiohttp.ClientTimeout(total=order.timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def _phase(self, sessions: list[aiohttp.ClientSession], rounds: int, dice: random.Random, *, warm_up: bool) -> float:
        """Send `rounds` rounds on schedule and wait for all their answers; when the schedule began (epoch seconds)."""
        order, loop = self._order, asyncio.get_running_loop()
        self._start = loop.time() + 0.02
        began = time.time() + 0.02
        stretch = order.period_s / sum(lane.slot_s for lane in order.lanes)
        for number in range(rounds):
            slot_begins = self._start + number * order.period_s
            for index, lane in enumerate(order.lanes):
                due = slot_begins + dice.random() / 2 * lane.slot_s * stretch
                slot_begins += lane.slot_s * stretch
                if self._stop:
                    break
                await _until(due - self._lead)
                self._leave(sessions[number % len(sessions)], index, number, due, warm_up=warm_up)
        if self._in_flight:
            await asyncio.wait(self._in_flight)
        return began

    def _leave(self, session: aiohttp.ClientSession, lane: int, number: int, due: float, *, warm_up: bool) -> None:
        if len(self._in_flight) >= _MOST_IN_FLIGHT:
            self._sent.append(Sent(lane, round(due - self._start, 4), 0.0, 0.0, "dropped", fresh=False, warm_up=warm_up))
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._one(session, lane, number, due, loop.time(), warm_up=warm_up))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _one(
        self, session: aiohttp.ClientSession, index: int, number: int, due: float, left: float, *, warm_up: bool
    ) -> None:
        order, lane, loop = self._order, self._order.lanes[index], asyncio.get_running_loop()
        body = lane.bodies[number % len(lane.bodies)].encode() if lane.bodies else None
        context: dict[str, Any] = {}
        try:
            # what is left of the time-out counts from the intended time as well
            timeout = aiohttp.ClientTimeout(total=max(0.001, order.timeout_s - (left - due)))
            async with session.request(
                lane.method, lane.url, data=body, allow_redirects=False, timeout=timeout, trace_request_ctx=context
            ) as answer:
                await answer.read()
                what, done = str(answer.status), self._selector.seen
        except TimeoutError:
            what, done = "timeout", loop.time()
        except (aiohttp.ClientError, OSError, ValueError):
            what, done = "connection", loop.time()
        fresh = bool(context.get("fresh"))
        written = left + self._lead if fresh else context.get("written", left + self._lead)
        if not fresh:  # what it takes to write a request is ours, not the target's: the next one begins that much earlier
            self._preparing.append(written - left)
            self._lead = min(_LONGEST_LEAD_S, statistics.median(self._preparing))
        if what == "429":
            self._stop = True  # nobody planned it: nothing more is sent
        at, lag, took = round(due - self._start, 4), round(max(0.0, written - due) * 1000, 3), round((done - due) * 1000, 2)
        self._sent.append(Sent(index, at, lag, took, what, fresh=fresh, warm_up=warm_up))


async def _until(due: float) -> None:
    """Return at `due`, to some 0.1 ms: the last part is spent asking the loop again and again (answers still come in)."""
    loop = asyncio.get_running_loop()
    if (left := due - loop.time()) > _SPIN_S:
        await asyncio.sleep(left - _SPIN_S)
    while loop.time() < due:  # noqa: ASYNC110 - nothing but the clock says when
        await asyncio.sleep(0)


def _precede_others() -> None:
    """Ask for a real-time priority, so that a busy neighbour is not taken for a slow target; go on without where refused."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def main() -> int:
    """Read an order from stdin, carry it out, write the result to stdout."""
    raw = json.loads(sys.stdin.readline())
    lanes = tuple(Lane(**{**lane, "bodies": tuple(lane["bodies"])}) for lane in raw["lanes"])
    order = Order(**{**raw, "lanes": lanes, "sources": tuple(raw["sources"])})
    _precede_others()
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection in the middle of a run would be taken for the target's
    selector = Selector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        result = runner.run(asyncio.wait_for(Generator(order, selector).run(), order.deadline_s))
    json.dump(result, sys.stdout, separators=(",", ":"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
