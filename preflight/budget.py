"""The pace of a guest: one budget per source address, shared by all workers and by runs that follow each other.

The game limits requests per address and endpoint, and its intrusion detection bans whoever is too quick or presents
too many bad tokens (contract: 50 requests to one endpoint in 30 s, 100 in 10 s, 500 in 60 s, 5 bad logins in 60 s).
The budget stays below each of these by sliding windows over what was really sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

DEFAULT_PER_MINUTE = 100
DOCUMENTED_PER_MINUTE: dict[str, int] = {
    "/scene": 30,
    "/scene/reload": 20,
    "/scenes": 60,
    "/scene/history": 100,
    "/auth/rotate": 10,
    "/auth/refresh": 30,
    "/admin/metrics": 60,
    "/admin/config": 10,
}
"""Requests a minute that the contract allows an address on an endpoint; the others have DEFAULT_PER_MINUTE."""

_MARGIN = 2  # requests left unused in every minute: somebody else may share the address
_REMEMBERED = 120.0
_LONGEST_WAIT = 120.0
_MINUTE = 60.0
_KEPT_BACK = 10
"""So many addresses at most, and half of them at most, are left to looks that need one which has sent nothing."""
_ALL, _ENOUGH = 2, 3
"""Refusals within ten minutes that nobody planned: so many lock every endpoint, so many for the rest of the ten minutes.

Five within ten minutes would ban for an hour, and consented looks at the limiter need some.
"""
_TEN_MINUTES = 600.0


@dataclass(frozen=True)
class _Window:
    most: int
    seconds: float


_LATE = 2.0
"""Seconds that one request may take longer to arrive than another: the target counts arrivals, the budget departures."""
_ANY = (_Window(99, 10.0 + _LATE), _Window(480, 60.0 + _LATE))
_ENDPOINT = _Window(49, 30.0 + _LATE)
_BAD_LOGIN = _Window(4, 60.0 + _LATE)


def endpoint_of(path: str) -> str:
    """What the limiter counts: the path without query, fragment and trailing slash."""
    return "/" + path.split("?", 1)[0].split("#", 1)[0].strip("/")


class Budget:
    """Who may send what now. `clock` and `sleep` are given by tests."""

    def __init__(
        self,
        path: Path,
        addresses: Sequence[str],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = FileLock(f"{path}.lock")
        self._addresses = list(addresses)
        more = len(self._addresses) - 1
        self._ordinary = self._addresses[: 1 + more - min(_KEPT_BACK, (more + 1) // 2)]
        self._clock = clock
        self._sleep = sleep
        self._known: tuple[int, int] = (0, 0)
        self._state: dict[str, Any] = {}

    def take(self, endpoint: str, *, address: str | None = None, bad_login: bool = False) -> str:
        """Wait until a request to `endpoint` may leave, enter it, and return the address to send it from.

        `address`: this one and no other. `bad_login`: the token that will be presented is expected to be refused.
        The first address ("" means: the machine's own) is the ordinary one; others are used when it is spent.
        """
        endpoint = endpoint_of(endpoint)
        choices = self._ordinary if address is None else [address]
        waited = 0.0
        while True:
            with self._lock:
                state = self._read()
                waits = [
                    (self._wait(state, choice, endpoint, bad_login=bad_login), order) for order, choice in enumerate(choices)
                ]
                wait, order = min(waits)
                if wait <= 0 or waited >= _LONGEST_WAIT:
                    chosen = choices[order]
                    state["sent"].setdefault(chosen, []).append([self._clock(), endpoint, bad_login])
                    self._write(state)
                    return chosen
            self._sleep(min(wait, 1.0))
            waited += min(wait, 1.0)

    def enter(self, endpoint: str, address: str, *, bad_login: bool = False) -> None:
        """Enter a request that leaves now whatever the pace, as a consented probe of the limiter does."""
        with self._lock:
            state = self._read()
            state["sent"].setdefault(address, []).append([self._clock(), endpoint_of(endpoint), bad_login])
            self._write(state)

    def rest(self, endpoint: str, address: str) -> None:
        """Wait until a minute has passed since the last request from `address` to `endpoint`: its bucket is full again."""
        with self._lock:
            sent = self._read()["sent"].get(address, [])
        last = max((at for at, where, _ in sent if where == endpoint_of(endpoint)), default=0.0)
        wait = min(last + _MINUTE - self._clock(), _MINUTE)
        if wait > 0:
            self._sleep(wait)

    def learn(self, endpoint: str, per_minute: int) -> None:
        """The target announced another limit for `endpoint`: the smaller of it and the documented one is kept."""
        with self._lock:
            state = self._read()
            state["limits"][endpoint_of(endpoint)] = per_minute
            self._write(state)

    def close(self, address: str, seconds: float) -> None:
        """Send nothing more from `address` for that time: it is spent, or locked out."""
        with self._lock:
            state = self._read()
            state["closed"][address] = max(self._clock() + seconds, state["closed"].get(address, 0.0))
            self._write(state)

    def refused(self, endpoint: str, seconds: float) -> None:
        """Remember a refusal that nobody planned, which asks to wait for `seconds`.

        Addresses may be counted as one, so it holds for the endpoint whichever address is used, and a second one for all.
        """
        with self._lock:
            state = self._read()
            state["refused"].append([self._clock(), endpoint_of(endpoint), self._clock() + seconds])
            self._write(state)

    def locked_until(self, endpoint: str) -> float:
        """Until when nothing may be sent to that endpoint, in seconds since the epoch; 0 when it may."""
        with self._lock:
            refused = self._read()["refused"]
        ends = [end for _, where, end in refused if where == endpoint_of(endpoint) or len(refused) >= _ALL]
        ends += [refused[0][0] + _TEN_MINUTES] if len(refused) >= _ENOUGH else []
        until = max(ends, default=0.0)
        return until if until > self._clock() else 0.0

    def unplanned(self) -> bool:
        """Whether the target has refused, within ten minutes, what nobody had planned to be refused."""
        with self._lock:
            return bool(self._read()["refused"])

    def fresh(self, count: int = 1) -> list[str]:
        """Up to `count` addresses, apart from the ordinary one, that have sent nothing lately; each is given once."""
        with self._lock:
            state = self._read()
            now = self._clock()
            free = [a for a in self._addresses[1:] if not state["sent"].get(a) and state["closed"].get(a, 0.0) <= now]
            given = list(reversed(free))[:count]
            for address in given:
                state["closed"][address] = now + _REMEMBERED
            self._write(state)
            return given

    def _wait(self, state: dict[str, Any], address: str, endpoint: str, *, bad_login: bool) -> float:
        now = self._clock()
        sent = state["sent"].get(address, [])
        per_minute = min(
            DOCUMENTED_PER_MINUTE.get(endpoint, DEFAULT_PER_MINUTE),
            state["limits"].get(endpoint, DEFAULT_PER_MINUTE),
        )
        here = [at for at, where, _ in sent if where == endpoint]
        waits = [state["closed"].get(address, 0.0) - now]
        waits += [_room(here, window, now) for window in (_Window(max(1, per_minute - _MARGIN), 60.0), _ENDPOINT)]
        waits += [_room([at for at, _, _ in sent], window, now) for window in _ANY]
        if bad_login:
            waits.append(_room([at for at, _, bad in sent if bad], _BAD_LOGIN, now))
        return float(max(waits))

    def _read(self) -> dict[str, Any]:
        empty: dict[str, Any] = {"sent": {}, "limits": {}, "closed": {}, "refused": []}
        try:
            written = self._stamp()
            state = self._state if written == self._known else json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return empty
        self._known, self._state = written, state
        now = self._clock()
        sent = {a: [r for r in rows if now - r[0] < _REMEMBERED] for a, rows in state.get("sent", {}).items()}
        refused = [entry for entry in state.get("refused", []) if isinstance(entry, list) and now - entry[0] < _TEN_MINUTES]
        kept: dict[str, Any] = empty | state | {"sent": {a: rows for a, rows in sent.items() if rows}, "refused": refused}
        return kept

    def _write(self, state: dict[str, Any]) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(state), "utf-8")
        part.replace(self._path)
        self._known, self._state = self._stamp(), state

    def _stamp(self) -> tuple[int, int]:
        """Which file it is: every writer makes a new one."""
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns


def _room(times: Sequence[float], window: _Window, now: float) -> float:
    """Seconds until one more fits into the sliding window; 0 when it does now."""
    inside = sorted(at for at in times if now - at < window.seconds)
    if len(inside) < window.most:
        return 0.0
    return float(inside[len(inside) - window.most] + window.seconds - now)
