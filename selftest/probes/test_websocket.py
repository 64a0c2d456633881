"""A WebSocket connection ends, whatever the other side does or leaves undone."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from preflight.errors import Unreachable
from preflight.probes import telemetry
from preflight.probes.websocket import opened


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


@pytest.fixture
def mute(authority: trustme.CA) -> Iterator[str]:
    """A server that shakes hands for TLS 1.3, and never says a word after it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    listening = socket.create_server(("127.0.0.1", 0))
    kept = []

    def accept() -> None:
        while True:
            try:
                kept.append(context.wrap_socket(listening.accept()[0], server_side=True))
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield f"wss://localhost:{listening.getsockname()[1]}"
    listening.close()
    for connection in kept:
        connection.close()


def test_server_that_says_nothing_over_tls_ends_in_seconds(mute: str, tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        pytest.raises((OSError, EOFError)),
        opened(mute, user_agent="x", context=ssl.create_default_context(cafile=tmp_path / "ca.pem")),
    ):
        pass
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("linger", [None, struct.pack("ii", 1, 0)], ids=["closes", "resets"])
def test_server_that_closes_before_the_handshake_is_no_failure_of_the_suite(linger: bytes | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def close() -> None:
            accepted, _ = listening.accept()
            if linger:
                accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            accepted.close()

        threading.Thread(target=close, daemon=True).start()
        with (
            pytest.raises(Unreachable),
            telemetry.connection(f"ws://127.0.0.1:{listening.getsockname()[1]}", "x"),
        ):
            pass


def test_server_that_does_not_close_is_left(tmp_path: Path) -> None:
    def stay(connection: ServerConnection) -> None:
        connection.send("hello")
        time.sleep(5)

    with serve(stay, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        began = time.monotonic()
        with opened(f"ws://127.0.0.1:{server.socket.getsockname()[1]}", user_agent="x") as made:
            assert made.recv(timeout=5) == "hello"
        assert time.monotonic() - began < 4
        server.shutdown()


def test_one_thread_at_a_time_is_inside_openssl(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that met a writer in there lost a handshake now and then; here both dawdle, so that they would meet."""
    inside = threading.Lock()
    met = []

    def dawdling(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(connection: ssl.SSLSocket, *arguments: Any) -> Any:
            if type(connection) is ssl.SSLSocket:  # the server's own
                return real(connection, *arguments)
            if not inside.acquire(blocking=False):
                met.append(real.__name__)
                return real(connection, *arguments)
            try:
                time.sleep(0.1)
                return real(connection, *arguments)
            finally:
                inside.release()

        return call

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def talk(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    monkeypatch.setattr(ssl.SSLSocket, "read", dawdling(ssl.SSLSocket.read))
    monkeypatch.setattr(ssl.SSLSocket, "send", dawdling(ssl.SSLSocket.send))
    with serve(talk, "127.0.0.1", 0, ssl=context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        trusting = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with opened(f"wss://localhost:{server.socket.getsockname()[1]}", user_agent="x", context=trusting) as made:
            for word in "abc":
                made.send(word)
            assert [made.recv(timeout=5) for _ in range(3)] == ["a", "b", "c"]
        server.shutdown()
    assert met == []


def test_an_open_connection_stays_open(tmp_path: Path) -> None:
    def talk(connection: ServerConnection) -> None:
        try:
            for count in range(40):
                connection.send(str(count))
                time.sleep(0.25)
        except ConnectionClosed:
            return

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with opened(f"ws://127.0.0.1:{server.socket.getsockname()[1]}", user_agent="x") as made:
            heard = [made.recv(timeout=5) for _ in range(32)]
        assert heard[-1] == "31", "longer than it may take to open"
        server.shutdown()
