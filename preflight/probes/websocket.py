"""WebSocket connections that always end: `connect` of websockets over a socket that a timer can shut down.

Over TLS a server that says nothing after its handshake keeps the library's reading thread in the kernel, where closing
the socket does not reach it; shutting the connection down does.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

OPEN_SECONDS = 5.0
_CLOSE_SECONDS = 1.0
_SPARE_SECONDS = 1.0
_LOGGER = logging.getLogger("websockets.client")
"""Made here: pytest goes through all loggers around each test, and a thread that makes one meanwhile would break that."""
_INSIDE = threading.Lock()
"""One for all connections: ssl makes its sockets without calling `__init__`, where each could make its own."""


class _OneThreadAtATime(ssl.SSLSocket):
    """Lets one thread at a time into OpenSSL, and waits outside it.

    The library reads in a thread of its own. Where that met a write inside OpenSSL (reading a TLS 1.3 session ticket while the
    request was written), one handshake in some three hundred was lost: a connection of OpenSSL is not for two threads.
    """

    def settimeout(self, value: float | None) -> None:
        """No limit: never wait in here."""
        super().settimeout(0.0 if value is None else value)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As any socket's, waiting as long as it takes."""
        while True:
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError), _INSIDE:
                return super().recv(buflen, flags)
            _wait(self, selectors.EVENT_READ)

    def send(self, data: Any, flags: int = 0) -> int:
        """As any socket's, waiting as long as it takes; `sendall` goes through here."""
        while True:
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError), _INSIDE:
                return super().send(data, flags)
            _wait(self, selectors.EVENT_WRITE)


@contextmanager
def opened(url: str, *, user_agent: str, context: ssl.SSLContext | None = None, **options: Any) -> Iterator[ClientConnection]:
    """A connection to a WebSocket, made and closed within seconds; `options` go to websockets' `connect`.

    Raises what `connect` raises: InvalidHandshake, OSError (TimeoutError included), EOFError; ConnectionResetError where the
    server closes before the handshake.
    """
    parts = urlsplit(url)
    if parts.scheme == "wss":
        context = context or ssl.create_default_context()
        context.sslsocket_class = _OneThreadAtATime
    made = socket.create_connection((parts.hostname or "", parts.port or (443 if parts.scheme == "wss" else 80)), OPEN_SECONDS)
    made.settimeout(None)
    # TLS takes the first one over; both are the same connection
    with socket.socket(made.family, made.type, fileno=os.dup(made.fileno())) as same:
        ending = _shut_later(same, OPEN_SECONDS + _SPARE_SECONDS)
        try:
            try:
                shaken = connect(
                    url,
                    sock=made,
                    ssl=context,
                    open_timeout=OPEN_SECONDS,
                    close_timeout=_CLOSE_SECONDS,
                    user_agent_header=user_agent,
                    proxy=None,
                    logger=_LOGGER,
                    **options,
                )
            except ConnectionClosed as error:
                raise ConnectionResetError("the server closed before the WebSocket handshake") from error
            with shaken as connection:
                ending.cancel()
                try:
                    yield connection
                finally:
                    ending = _shut_later(same, _CLOSE_SECONDS + _SPARE_SECONDS)
        finally:
            ending.cancel()


def _wait(connection: socket.socket, event: int) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, event)
        selector.select()


@contextmanager
def ended_after(made: socket.socket, seconds: float) -> Iterator[None]:
    """Shut a connection down when the time is over, whatever is being read of it then."""
    ending = _shut_later(made, seconds)
    try:
        yield
    finally:
        ending.cancel()


def _shut_later(made: socket.socket, seconds: float) -> threading.Timer:
    def shut() -> None:
        with suppress(OSError):  # gone already
            made.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    return timer
