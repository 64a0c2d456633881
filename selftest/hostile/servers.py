"""Servers that break every rule, on raw sockets. Each mode is a function from a connection to what it sends."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator

EVIL = "<script>alert(1)</script>\x1b[2J\x07\u202e${jndi:x}{{7*7}}' onerror=alert(1) "
OK = b"HTTP/1.1 200 OK\r\n"

Mode = Callable[[socket.socket, bytes], None]


def body(payload: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "".join(f"{line}\r\n" for line in (*headers, f"Content-Length: {len(payload)}"))
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + payload


def hangs(sock: socket.socket, request: bytes) -> None:
    time.sleep(60)


def drips(sock: socket.socket, request: bytes) -> None:
    for byte in body(b"{}" * 500):
        sock.send(bytes([byte]))
        time.sleep(1)


def drips_headers(sock: socket.socket, request: bytes) -> None:
    sock.send(OK)
    while True:
        sock.send(b"X-A: b\r\n")
        time.sleep(0.5)


def endless(sock: socket.socket, request: bytes) -> None:
    sock.sendall(OK + b"\r\n")
    while True:
        sock.sendall(b"x" * 65536)


def gzip_bomb(sock: socket.socket, request: bytes) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000) * 100
    sock.sendall(body(bomb, "Content-Encoding: gzip"))


def gzip_lie(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b"this is no gzip", "Content-Encoding: gzip"))


def truncated_json(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b'{"status": "healthy", "subsys'))


def short_body(sock: socket.socket, request: bytes) -> None:
    sock.sendall(OK + b"Content-Length: 1000\r\n\r\n{}")


def says_close_and_stays(sock: socket.socket, request: bytes) -> None:
    sock.sendall(OK + b"Connection: close\r\n\r\n{}")
    time.sleep(60)


def empty_200(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b""))


def json_200(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b"{}", "Content-Type: application/json"))


def all_503(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b"busy", status="503 Service Unavailable"))


def all_404(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b'{"error": "Not Found"}', status="404 Not Found"))


def all_500(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b"Traceback (most recent call last):", status="500 Internal Server Error"))


def redirect_loop(sock: socket.socket, request: bytes) -> None:
    path = request.split(b" ")[1].decode()
    sock.sendall(body(b"", f"Location: {path}", status="302 Found"))


def redirect_bomb(sock: socket.socket, request: bytes) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000) * 100
    sock.sendall(body(bomb, "Content-Encoding: gzip", "Location: https://[nowhere", status="302 Found"))


def big_header(sock: socket.socket, request: bytes) -> None:
    sock.sendall(OK + b"X-Big: " + b"a" * 1_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}")


def many_headers(sock: socket.socket, request: bytes) -> None:
    sock.sendall(OK + b"".join(b"X-%d: 1\r\n" % n for n in range(5000)) + b"Content-Length: 2\r\n\r\n{}")


def no_http(sock: socket.socket, request: bytes) -> None:
    sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")


def random_bytes(sock: socket.socket, request: bytes) -> None:
    sock.sendall(bytes(range(256)) * 20)


def closes_at_once(sock: socket.socket, request: bytes) -> None:
    """Says nothing."""


def resets(sock: socket.socket, request: bytes) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def html_everywhere(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b"<html><title>Welcome to nginx!</title></html>", "Content-Type: text/html"))


def evil_fields(sock: socket.socket, request: bytes) -> None:
    said = {
        "status": EVIL,
        "scene_path": EVIL,
        "subsystems": {EVIL: {"status": EVIL}},
        "issues": [EVIL] * 50,
        "api_version": EVIL,
    }
    header = EVIL.replace("\x1b", "").replace("\u202e", "").replace("\x07", "")
    sock.sendall(body(json.dumps(said, ensure_ascii=False).encode(), f"Server: {header}", f"X-Frame-Options: {header}"))


def deep_json(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b"[" * 100_000 + b"]" * 100_000))


def nan_json(sock: socket.socket, request: bytes) -> None:
    sock.sendall(
        body(
            b'{"status": NaN, "timestamp": 1e999, "memory_mb": -Infinity, "subsystems": {"memory": {"details": {"total_memory_mb": NaN}}}}'
        )
    )


def list_json(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b"[1, 2, 3]"))


_turn = itertools.count()


def changes_each_time(sock: socket.socket, request: bytes) -> None:
    modes = (json_200, all_503, all_404, html_everywhere, truncated_json)
    modes[next(_turn) % len(modes)](sock, request)


def echoes_the_token(sock: socket.socket, request: bytes) -> None:
    sock.sendall(
        body(json.dumps({"error": "bad request", "message": request.decode("latin-1")}).encode(), status="400 Bad Request")
    )


def lies_429(sock: socket.socket, request: bytes) -> None:
    sock.sendall(body(b"{}", "Retry-After: 86400", status="429 Too Many Requests"))


MODES: dict[str, Mode] = {
    name: mode
    for name, mode in list(globals().items())
    if callable(mode) and getattr(mode, "__module__", "") == __name__ and name not in ("body", "serving", "Mode")
}


@contextlib.contextmanager
def serving(mode: Mode, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server of that mode on loopback, behind TLS where a context is given; its URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def one(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock, tls.wrap_socket(sock, server_side=True) if tls else sock as spoken:
            request = spoken.recv(65536)
            mode(spoken, request)

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
