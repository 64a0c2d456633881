"""The pace of a guest: one budget per source address, shared by all workers and by runs that follow each other.

The game limits requests per address and endpoint, and its intrusion detection bans whoever is too quick or presents
too many bad tokens (contract: 50 requests to one endpoint in 30 s, 100 in 10 s, 500 in 60 s, 5 bad logins in 60 s).
The budget stays below each of these by sliding windows over what was really sent.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock

from preflight.errors import LockedOut, LookError

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
BANNED_AT = 5
"""Refusals within ten minutes."""
_LEAST = 0.25
"""Of a documented limit: what is announced below that may be meant for a second, and a run that believes it has no end."""
_LONGEST_LOG = 256 * 1024
_NAME = 32
"""Bytes that every log begins with: another log has others."""


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
        for file in (path, Path(f"{path}.lock")):
            if file.exists() and not os.access(file, os.W_OK):
                raise LookError(
                    f"{file}, where the pace of all runs is kept, can't be written: give it to this user, or remove it"
                )
        self._path = path  # a log: one line of JSON for each thing that was entered
        self._lock = FileLock(f"{path}.lock")
        self._addresses = list(addresses)
        more = len(self._addresses) - 1
        self._ordinary = self._addresses[: 1 + more - min(_KEPT_BACK, (more + 1) // 2)]
        self._clock = clock
        self._sleep = sleep
        self._name, self._read_to = b"", 0
        self._state = _nothing()

    def take(self, endpoint: str, *, address: str | None = None, bad_login: bool = False) -> str:
        """Wait until a request to `endpoint` may leave, enter it, and return the address to send it from.

        `address`: this one and no other. `bad_login`: the token that will be presented is expected to be refused.
        The first address ("" means: the machine's own) is the ordinary one; others are used when it is spent.
        Raises LockedOut where every address is closed for longer than a request waits.
        """
        endpoint = endpoint_of(endpoint)
        choices = self._ordinary if address is None else [address]
        waited = 0.0
        while True:
            with self._lock:
                state = self._read()
                wait, chosen = self._soonest(state, choices, endpoint, bad_login=bad_login)
                closed = min(state["closed"].get(choice, 0.0) for choice in choices)
                if closed - self._clock() > _LONGEST_WAIT - waited:
                    end = datetime.fromtimestamp(closed, UTC)
                    raise LockedOut(f"the addresses to send from are closed until {end:%H:%M:%S} UTC, nothing more is sent")
                if wait <= 0 or waited >= _LONGEST_WAIT:
                    self._write("sent", chosen, self._clock(), endpoint, bad_login)
                    return chosen
            self._sleep(min(wait, 1.0))
            waited += min(wait, 1.0)

    def enter(self, endpoint: str, address: str, *, bad_login: bool = False) -> None:
        """Enter a request that leaves now whatever the pace, as a consented probe of the limiter does."""
        with self._lock:
            self._read()
            self._write("sent", address, self._clock(), endpoint_of(endpoint), bad_login)

    def rest(self, endpoint: str, address: str) -> None:
        """Wait until a minute has passed since the last request from `address` to `endpoint`: its bucket is full again."""
        with self._lock:
            sent = list(self._read()["sent"].get(address, []))
        last = max((at for at, where, _ in sent if where == endpoint_of(endpoint)), default=0.0)
        wait = min(last + _MINUTE - self._clock(), _MINUTE)
        if wait > 0:
            self._sleep(wait)

    def close(self, address: str, seconds: float) -> None:
        """Send nothing more from `address` for that time: it is spent, or locked out."""
        with self._lock:
            self._read()
            self._write("closed", address, self._clock() + seconds)

    def refused(self, endpoint: str, seconds: float) -> None:
        """Remember a refusal that nobody planned, which asks to wait for `seconds`.

        Addresses may be counted as one, so it holds for the endpoint whichever address is used, and a second one for all.
        """
        with self._lock:
            self._read()
            self._write("refused", self._clock(), endpoint_of(endpoint), self._clock() + seconds)

    def locked_until(self, endpoint: str) -> float:
        """Until when nothing may be sent to that endpoint, in seconds since the epoch; 0 when it may."""
        with self._lock:
            refused = list(self._read()["refused"])
        lately = [at for at, _, _ in refused if self._clock() - at < _TEN_MINUTES]
        ends = [end for _, where, end in refused if where == endpoint_of(endpoint) or len(lately) >= _ALL]
        ends += [lately[0] + _TEN_MINUTES] if len(lately) >= _ENOUGH else []
        until = max(ends, default=0.0)
        return until if until > self._clock() else 0.0

    def provoked(self, address: str) -> None:
        """Remember a refusal that was the look itself: the target counts it for a ban all the same."""
        with self._lock:
            self._read()
            self._write("provoked", address, self._clock())

    def provoked_until(self, address: str, more: int) -> float:
        """Until when `more` refusals would bring an address to the ban, in seconds since the epoch; 0 when they would not."""
        with self._lock:
            lately = sorted(self._read()["provoked"].get(address, []))
        over = len(lately) + more - BANNED_AT
        return lately[over] + _TEN_MINUTES if over >= 0 and lately else 0.0

    def announced(self, endpoint: str, per_minute: float) -> None:
        """Keep below the limit that the target announces for an endpoint, where it is lower than the documented one.

        An announcement counts for ten minutes: a later answer brings it again.
        """
        endpoint = endpoint_of(endpoint)
        per_minute = max(per_minute, _LEAST * _documented(endpoint))
        if per_minute < _documented(endpoint):
            with self._lock:
                if self._read()["limits"].get(endpoint, (0.0, 0.0))[1] != per_minute:
                    self._write("limit", self._clock(), endpoint, per_minute)

    def per_minute(self, endpoint: str) -> float:
        """Requests a minute that an address is allowed on an endpoint: the documented limit, or a lower one that is announced."""
        with self._lock:
            return _allowed(self._read(), endpoint_of(endpoint))

    def fresh(self, count: int = 1) -> list[str]:
        """Up to `count` addresses, apart from the ordinary one, that have sent and provoked nothing lately; each is given once."""
        with self._lock:
            state = self._read()
            now = self._clock()
            used = {*state["sent"], *state["provoked"]}
            free = [a for a in self._addresses[1:] if a not in used and state["closed"].get(a, 0.0) <= now]
            given = list(reversed(free))[:count]
            for address in given:
                self._write("closed", address, now + _REMEMBERED)
            return given

    def _soonest(self, state: dict[str, Any], choices: Sequence[str], endpoint: str, *, bad_login: bool) -> tuple[float, str]:
        """The address that need not wait, or waits the least, and for how long (s)."""
        soonest = (math.inf, "")
        for choice in choices:
            wait = self._wait(state, choice, endpoint, bad_login=bad_login)
            if wait < soonest[0]:
                soonest = (wait, choice)
            if wait <= 0:
                break
        return soonest

    def _wait(self, state: dict[str, Any], address: str, endpoint: str, *, bad_login: bool) -> float:
        now = self._clock()
        sent = state["sent"].get(address, [])
        most = max(1, int(_allowed(state, endpoint)) - _MARGIN)
        here = [at for at, where, _ in sent if where == endpoint]
        waits = [state["closed"].get(address, 0.0) - now]
        waits += [_room(here, window, now) for window in (_Window(most, 60.0), _ENDPOINT)]
        waits += [_room([at for at, _, _ in sent], window, now) for window in _ANY]
        if bad_login:
            waits.append(_room([at for at, _, bad in sent if bad], _BAD_LOGIN, now))
        return float(max(waits))

    def _read(self) -> dict[str, Any]:
        """What all runs have entered lately: the lines that are new since the last look, and what was known before."""
        try:
            with self._path.open("rb") as log:
                name = log.read(_NAME)
                if name != self._name or os.fstat(log.fileno()).st_size < self._read_to:
                    self._name, self._read_to, self._state = name, 0, _nothing()
                log.seek(self._read_to)
                new = log.read()
        except FileNotFoundError:
            self._name, self._read_to, self._state = b"", 0, _nothing()
            return self._state
        self._read_to += len(new)
        for line in new.splitlines():
            _enter(self._state, line)
        _forget(self._state, self._clock())
        return self._state

    def _write(self, *entry: Any) -> None:
        """Enter one thing, at the end of the log; a long log begins anew with what still counts."""
        if 0 < self._read_to < _LONGEST_LOG:
            with self._path.open("ab") as log:
                log.write(_line(*entry))
            return
        _enter(self._state, _line(*entry))
        part = self._path.with_suffix(".part")
        part.write_bytes(uuid4().hex.encode() + b"".join(_line(*kept) for kept in _entries(self._state)))
        part.replace(self._path)


def _nothing() -> dict[str, Any]:
    return {"sent": {}, "closed": {}, "refused": [], "provoked": {}, "limits": {}}


def _documented(endpoint: str) -> float:
    return DOCUMENTED_PER_MINUTE.get(endpoint, DEFAULT_PER_MINUTE)


def _allowed(state: Mapping[str, Any], endpoint: str) -> float:
    return float(min(_documented(endpoint), state["limits"].get(endpoint, (0.0, math.inf))[1]))


def _line(*entry: Any) -> bytes:
    """Begins with the line end, so that what a killed run left half written spoils nobody else's line."""
    return b"\n" + json.dumps(entry).encode()


def _enter(state: dict[str, Any], line: bytes) -> None:
    """Enter one line of the log; half a line says nothing."""
    with suppress(ValueError, TypeError):
        what, *told = json.loads(line)
        if what == "sent":
            address, at, endpoint, bad_login = told
            state["sent"].setdefault(address, []).append((float(at), endpoint, bad_login))
        elif what == "refused":
            at, endpoint, until = told
            state["refused"].append((float(at), endpoint, float(until)))
        elif what == "provoked":
            address, at = told
            state["provoked"].setdefault(address, []).append(float(at))
        elif what == "limit":
            at, endpoint, per_minute = told
            state["limits"][endpoint] = float(at), float(per_minute)
        elif what == "closed":
            address, until = told
            state["closed"][address] = max(float(until), state["closed"].get(address, 0.0))


def _forget(state: dict[str, Any], now: float) -> None:
    for address, rows in list(state["sent"].items()):
        if now - rows[0][0] >= _REMEMBERED:
            state["sent"][address] = [row for row in rows if now - row[0] < _REMEMBERED]
            if not state["sent"][address]:
                del state["sent"][address]
    lately = {address: [at for at in times if now - at < _TEN_MINUTES] for address, times in state["provoked"].items()}
    state["provoked"] = {address: times for address, times in lately.items() if times}
    state["limits"] = {endpoint: told for endpoint, told in state["limits"].items() if now - told[0] < _TEN_MINUTES}
    state["refused"] = [entry for entry in state["refused"] if now < max(entry[0] + _TEN_MINUTES, entry[2])]


def _entries(state: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for address, rows in state["sent"].items():
        yield from (("sent", address, *row) for row in rows)
    yield from (("refused", *entry) for entry in state["refused"])
    yield from (("provoked", address, at) for address, times in state["provoked"].items() for at in times)
    yield from (("limit", at, endpoint, per_minute) for endpoint, (at, per_minute) in state["limits"].items())
    yield from (("closed", *entry) for entry in state["closed"].items())


def _room(times: Sequence[float], window: _Window, now: float) -> float:
    """Seconds until one more fits into the sliding window; 0 when it does now."""
    inside = sorted(at for at in times if now - at < window.seconds)
    if len(inside) < window.most:
        return 0.0
    return float(inside[len(inside) - window.most] + window.seconds - now)
