"""One exchange by requests, in bounded time and size.

A watchdog shuts the socket at the deadline, whatever the peer does; the body is cut at a size; decompression is bounded.
A connection on which a whole answer came is kept for the next request to the same place, if that comes soon: a
handshake costs the server more than most answers do.
"""

from __future__ import annotations

import math
import os
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from preflight.errors import BadCertificate, Unreachable
from preflight.redact import printable

CONNECT_SECONDS = 5.0
_LATER = 1.0
_KEPT_SECONDS = 0.5
"""How long a connection waits for another request: a simple server may serve nobody else meanwhile."""


class Raw(NamedTuple):
    """An answer as it came: header names as sent, the body cut (`truncated`) at the size asked for."""

    status_code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    truncated: bool


class _Watchdog(threading.Thread):
    """Ends what has lasted too long: one thread for all requests, where a timer for each would be a thread for each."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._changed = threading.Condition()
        self._watched: dict[Callable[[], None], float] = {}
        self._wakes = math.inf

    def watch(self, end: Callable[[], None], seconds: float) -> None:
        """Call `end` after that time, from another thread, unless it is forgotten before."""
        with self._changed:
            self._watched[end] = time.monotonic() + seconds
            if self._watched[end] < self._wakes:
                self._changed.notify()

    def forget(self, end: Callable[[], None]) -> None:
        """Call it no more."""
        with self._changed:
            self._watched.pop(end, None)

    def run(self) -> None:
        """Sleep until something is due, for as long as the process lives."""
        with self._changed:
            while True:
                now = time.monotonic()
                for end in [end for end, at in self._watched.items() if at <= now]:
                    del self._watched[end]
                    end()
                self._wakes = min(self._watched.values(), default=math.inf)
                self._changed.wait(None if self._wakes == math.inf else self._wakes - now)


@lru_cache
def _watchdog() -> _Watchdog:
    made = _Watchdog()
    made.start()
    return made


if hasattr(os, "register_at_fork"):  # a fork has no threads but its own
    os.register_at_fork(after_in_child=_watchdog.cache_clear)


class _Opened(threading.local):
    """Who is told of the sockets of the request that runs in this thread."""

    attach: Any = None


_opened = _Opened()


class _WatchedHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        if _opened.attach:
            _opened.attach(sock.dup())  # TLS takes the socket itself away
        return sock


class _WatchedHTTPS(_WatchedHTTP, HTTPSConnection):
    """The same with TLS."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


@lru_cache
def _trusting(authorities: str) -> ssl.SSLContext:
    """What verifies certificates by the authorities of that file, or verifies nothing: reading them costs more than a request."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if authorities else ssl.CERT_NONE)
    if authorities:
        context.load_verify_locations(authorities)
    return context


class _Adapter(HTTPAdapter):
    """Watched connections, from a chosen source address."""

    def __init__(self, source: str, context: ssl.SSLContext | None) -> None:
        self._source, self._context = (source, 0) if source else None, context
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=self._source, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def cert_verify(self, *_: Any) -> None:
        """Nothing: the context has its authorities, or none."""


class _Line:
    """A way to one server from one address: at most one connection, and the sockets by which it can be shut."""

    def __init__(self, source: str, context: ssl.SSLContext | None) -> None:
        self.adapter = _Adapter(source, context)
        self.verifies = context is not None and context.verify_mode == ssl.CERT_REQUIRED
        self.sockets: list[socket.socket] = []

    def close(self) -> None:
        """End its connection; twice does no harm."""
        self.adapter.close()
        self.forget(0)

    def forget(self, but: int) -> None:
        """Close the sockets of its former connections: all but the last so many."""
        while len(self.sockets) > but:
            self.sockets.pop(0).close()


Place = tuple[str, str, str, str]
"""Scheme, host with port, file of authorities, and the address to send from."""


class _Waiting(threading.local):
    """The line of this thread that waits for another request: one, so that no request of ours is in the way of another."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Know of none."""
        self._lines: dict[Place, _Line] = {}  # whoever takes it out, this thread or the watchdog, has it alone
        self._end: Callable[[], None] = lambda: None

    def take(self, place: Place | None) -> _Line | None:
        """The line to that place; another one ends."""
        _watchdog().forget(self._end)
        while self._lines:
            with suppress(KeyError):
                waited, line = self._lines.popitem()
                if waited == place:
                    return line
                line.close()
        return None

    def keep(self, place: Place, line: _Line) -> None:
        """Let a line wait, but not for long."""
        line.forget(but=1)
        lines = self._lines = {place: line}

        def end() -> None:
            if (waited := lines.pop(place, None)) is not None:
                with suppress(OSError):  # the watchdog goes on whatever becomes of it
                    waited.close()

        self._end = end
        _watchdog().watch(end, _KEPT_SECONDS)


_waiting = _Waiting()

if hasattr(os, "register_at_fork"):  # a fork leaves it to its parent
    os.register_at_fork(after_in_child=_waiting.reset)


@contextmanager
def _deadline(line: _Line, seconds: float) -> Iterator[threading.Event]:
    """Shut every socket of a line when the time is over; the event says that it was."""
    over = threading.Event()

    def shut() -> None:
        over.set()
        for sock in line.sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already gone: nothing left to end

    _opened.attach = line.sockets.append
    _watchdog().watch(shut, seconds)
    try:
        yield over
    finally:
        _watchdog().forget(shut)
        _opened.attach = None


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    ca_file: Path | None,
    verify: bool,
    source: str,
    total_seconds: float,
    most_bytes: int,
    keep: bool = False,
) -> Raw:
    """Send one request as it is written and read its answer. Raises Unreachable when no whole answer came in time.

    `keep`: over a connection that an earlier request has left, and for a later one, where there are such. A server may
    close one at any time, so that a request that finds it closed is sent again over a new one: for GET and HEAD alone.
    """
    try:
        authorities = str(ca_file or DEFAULT_CA_BUNDLE_PATH) if verify else ""
        context = _trusting(authorities) if url.startswith("https") else None
    except OSError as error:
        raise Unreachable(
            f"{method} {printable(url, 120)}: authorities can't be read from {authorities}: {_why(error)}"
        ) from error
    request = requests.Request(method, url, headers=dict(headers), data=body).prepare()
    request.url = url  # requests would tidy up `/../`; the server is to see what was meant
    parts = urlsplit(url)
    place = (parts.scheme, parts.netloc, authorities, source) if keep else None
    line = _waiting.take(place)
    if line is not None:
        with suppress(_Closed):
            return _over(line, place, request, total_seconds, most_bytes)
    return _over(_Line(source, context), place, request, total_seconds, most_bytes)


class _Closed(Unreachable):
    """The server has closed a connection that waited."""


def _over(line: _Line, place: Place | None, request: requests.PreparedRequest, total_seconds: float, most_bytes: int) -> Raw:
    """Ask over a line, which then waits for the next request to that place, or ends."""
    asked, had = f"{request.method} {printable(str(request.url), 120)}", len(line.sockets)
    later = total_seconds + _LATER  # the deadline shuts the sockets first: one clock, whatever is waited for
    # Past requests' session: it would read the body of a redirect, however long, and take proxies from the environment.
    with ExitStack() as at_the_end, _deadline(line, total_seconds) as over:
        at_the_end.callback(line.close)
        try:
            response = line.adapter.send(request, stream=True, timeout=(min(CONNECT_SECONDS, later), later), verify=line.verifies)
            raw, truncated = _read(response, most_bytes)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, IndexError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise BadCertificate(f"{asked}: the certificate can't be verified") from error
            if had and len(line.sockets) == had and not over.is_set():
                raise _Closed(f"{asked}: {_why(error)}") from error
            what = f"no whole answer within {total_seconds:g} s" if over.is_set() else _why(error)
            raise Unreachable(f"{asked}: {what}") from error
        if over.is_set():
            raise Unreachable(f"{asked}: no whole answer within {total_seconds:g} s")
        if place and not truncated and _stays(response):
            at_the_end.pop_all()
            _waiting.keep(place, line)
        told = tuple((str(k), str(v)) for k, v in response.raw.headers.items())
        return Raw(response.status_code, told, raw, truncated)


def _stays(response: requests.Response) -> bool:
    """Whether the connection outlives an answer that was read to its end."""
    said = response.headers
    closes = response.raw.version != 11 or "close" in said.get("Connection", "").lower()
    return not closes and ("Content-Length" in said or "Transfer-Encoding" in said)


def _read(response: requests.Response, most: int) -> tuple[bytes, bool]:
    body = bytearray()
    raw = response.raw
    coding = (response.headers.get("Content-Encoding") or "").strip().lower()
    inflate = zlib.decompressobj(wbits=47) if coding in ("gzip", "x-gzip", "deflate") else None
    while len(body) <= most:
        block = raw.read1(64 * 1024, decode_content=False) if hasattr(raw, "read1") else raw.read(64 * 1024)
        if not block:
            break
        if inflate is None:
            body += block
        else:
            try:
                body += inflate.decompress(block, most + 1 - len(body))
            except zlib.error as error:
                raise ValueError(f"the body is no {coding}") from error
    return bytes(body[:most]), len(body) > most


def _why(error: Exception) -> str:
    """The innermost cause in plain words, without objects' addresses."""
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, ConnectionResetError):
        return "connection reset by the server"
    if isinstance(cause, TimeoutError):
        return "timed out"
    if isinstance(cause, socket.gaierror):
        return "the name can't be resolved"
    return printable(f"{type(cause).__name__}: {cause}", 160)
