"""WebSocket connections that always end: `connect` of websockets over a socket that a timer can shut down.

Over TLS a server that says nothing after its handshake keeps the library's reading thread in the kernel, where closing
the socket does not reach it; shutting the connection down does.
"""

from __future__ import annotations

import logging
import os
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
_LONGER_THAN_ANYTHING = 86_400.0


class _NeverInside(ssl.SSLSocket):
    """Waits for data outside OpenSSL.

    The library reads in a thread of its own, without a time limit. OpenSSL would then wait inside SSL_read (for the data
    behind a TLS 1.3 session ticket), where a write of another thread must not meet it: now and then one was lost.
    """

    def settimeout(self, value: float | None) -> None:
        """No limit is a long one: with any limit Python does the waiting itself."""
        super().settimeout(_LONGER_THAN_ANYTHING if value is None else value)


@contextmanager
def opened(url: str, *, user_agent: str, context: ssl.SSLContext | None = None, **options: Any) -> Iterator[ClientConnection]:
    """A connection to a WebSocket, made and closed within seconds; `options` go to websockets' `connect`.

    Raises what `connect` raises: InvalidHandshake, OSError (TimeoutError included), EOFError; ConnectionResetError where the
    server closes before the handshake.
    """
    if context is not None:
        context.sslsocket_class = _NeverInside
    parts = urlsplit(url)
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


def _shut_later(made: socket.socket, seconds: float) -> threading.Timer:
    def shut() -> None:
        with suppress(OSError):  # gone already
            made.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    return timer
