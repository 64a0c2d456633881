"""A connection is kept for the next request where that is safe, and a server that closes it loses nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from preflight.errors import Unreachable
from preflight.probes import http, transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request with what `says` of the connection's number and of the request's on it; None closes it.

    `alone`: as long as a connection is open, no other is served.
    """

    def __init__(self, says: Callable[[int, int], bytes | None], *, alone: bool = False) -> None:
        self._says, self._alone = says, alone
        self.idle = threading.Event()
        self.connections = 0
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                answering = threading.Thread(target=self._answer, args=(sock, self.connections - 1), daemon=True)
                answering.start()
                if self._alone:
                    answering.join()

    def _answer(self, sock: socket.socket, connection: int) -> None:
        with sock, sock.makefile("rb") as lines, suppress(OSError):
            number = 0
            while first := lines.readline():
                length = 0
                while (line := lines.readline().strip()) != b"":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                lines.read(length)
                self.requests.append(first.decode().split()[0])
                answer = self._says(connection, number)
                if answer is None:
                    return
                sock.sendall(answer)
                number += 1
                if b"close" in answer:
                    return
        self.idle.set()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def start(says: Callable[[int, int], bytes | None] = lambda *_: OK, *, alone: bool = False) -> Server:
        made.append(Server(says, alone=alone))
        return made[-1]

    yield start
    for server in made:
        server.close()


def ask(server: Server, times: int, method: str = "GET", **options: object) -> list[int]:
    return [http.send(method, f"{server.url}/health", total_seconds=5.0, **options).status_code for _ in range(times)]  # type: ignore[arg-type]


def test_a_connection_is_kept_for_the_next_request(serve: Callable[..., Server]) -> None:
    server = serve()
    assert ask(server, 5) == [200] * 5
    assert server.connections == 1


def test_what_has_a_body_gets_a_connection_of_its_own(serve: Callable[..., Server]) -> None:
    server = serve()
    assert ask(server, 2) + ask(server, 2, "POST", body=b"{}") + ask(server, 2) == [200] * 6
    assert server.connections == 4


def test_each_address_has_its_own(serve: Callable[..., Server]) -> None:
    server = serve()
    assert ask(server, 2, source="127.0.0.21") + ask(server, 2, source="127.0.0.22") == [200] * 4
    assert server.connections == 2


def test_one_that_waited_too_long_is_closed(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve()
    monkeypatch.setattr(transport, "_KEPT_SECONDS", 0.05)
    assert ask(server, 2) == [200] * 2
    assert server.idle.wait(5), "nobody waits for the next request to close it"
    assert ask(server, 1) == [200]
    assert server.connections == 2


def test_a_server_that_serves_one_connection_at_a_time_is_not_held_up(serve: Callable[..., Server]) -> None:
    server = serve(alone=True)
    began = time.monotonic()
    assert ask(server, 2) + ask(server, 2, "PUT", body=b"{}") + ask(server, 2, source="127.0.0.23") == [200] * 6
    assert time.monotonic() - began < 0.4
    assert server.connections == 4


@pytest.mark.parametrize(
    "answer",
    [
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
        b"HTTP/1.1 200 OK\r\n\r\nclose",
    ],
    ids=["says close", "HTTP/1.0", "no length"],
)
def test_one_that_ends_is_not_kept(serve: Callable[..., Server], answer: bytes) -> None:
    server = serve(lambda *_: answer)
    assert ask(server, 3) == [200] * 3
    assert server.connections == 3


def test_more_than_was_announced_is_not_taken_for_the_next_answer(serve: Callable[..., Server]) -> None:
    assert ask(serve(lambda *_: OK + b"HTTP/1.1 500 Junk\r\nContent-Length: 0\r\n\r\n"), 3) == [200] * 3


def test_an_answer_that_was_cut_leaves_no_connection(serve: Callable[..., Server]) -> None:
    server = serve(lambda *_: OK.replace(b"Length: 2", b"Length: 20") + b"x" * 18)
    assert ask(server, 2, most_bytes=4) == [200] * 2
    assert server.connections == 2


def test_a_server_that_closes_a_waiting_connection_is_asked_over_a_new_one(serve: Callable[..., Server]) -> None:
    server = serve(lambda _, number: OK if number == 0 else None)
    assert ask(server, 3) == [200] * 3
    assert server.connections == 3
    assert server.requests == ["GET"] * 5, "two of them found it closed"


def test_a_server_that_closes_every_connection_is_asked_no_more_than_that(serve: Callable[..., Server]) -> None:
    server = serve(lambda connection, number: OK if (connection, number) == (0, 0) else None)
    assert ask(server, 1) == [200]
    with pytest.raises(Unreachable):
        ask(server, 1)
    assert server.connections == 2


def test_a_deadline_holds_on_a_kept_connection(serve: Callable[..., Server]) -> None:
    server = serve(lambda _, number: OK if number == 0 else OK[:30])
    assert ask(server, 1) == [200]
    with pytest.raises(Unreachable, match=r"within 0\.3 s"):
        http.send("GET", f"{server.url}/health", total_seconds=0.3)
    assert server.connections == 1, "whoever keeps us waiting is not asked again"
