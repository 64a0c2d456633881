"""What a child process of the rehearsal is told, and how it lives: ready line, parent watch, listening sockets."""

from __future__ import annotations

import asyncio
import base64
import ctypes
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from preflight.rehearsal import tokens
from preflight.rehearsal.behaviour import Deployment, Secrets
from preflight.rehearsal.plain import from_plain, to_plain

BACKLOG = 256
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class RuntimeSecrets:
    """The secrets of one start of the deployment."""

    jwt_secret: str
    previous_secret: str
    development_secret: str
    token: str
    old_token: str


@dataclass(frozen=True)
class Assignment:
    """All that a child needs to know; handed over in a file that only the owner can read."""

    deployment: Deployment
    secrets: RuntimeSecrets
    root: str
    certificates: str


def make_secrets(wanted: Secrets, *, now: float) -> RuntimeSecrets:
    """The secrets of a start: those wanted, random ones for the rest."""
    development = wanted.development_jwt or secrets.token_hex(32)
    current = development if wanted.jwt_same_as_development else wanted.jwt or secrets.token_hex(32)
    previous = wanted.previous_jwt or secrets.token_hex(32)
    token = tokens.issue(current, issued_at=now - 60)
    old = tokens.issue(previous, life_s=30 * 86400, issued_at=now - 2 * 86400)
    return RuntimeSecrets(current, previous, development, token, old)


def fill(text: str, known: RuntimeSecrets) -> str:
    """`text` with its `{{…}}` replaced by the deployment's secrets."""
    text = text.replace("{{token}}", known.token).replace("{{old_token}}", known.old_token)
    coded = base64.b64encode(known.jwt_secret.encode()).decode()
    return text.replace("{{jwt_secret}}", known.jwt_secret).replace("{{jwt_secret in base64}}", coded)


def write_assignment(path: Path, assignment: Assignment) -> None:
    """Write the file that `read_assignment` reads, mode 600."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(to_plain(assignment), file)


def read_assignment(path: Path) -> Assignment:
    """The assignment in a file."""
    return from_plain(Assignment, json.loads(path.read_text(encoding="utf-8")))


def die_with_parent(by: signal.Signals = signal.SIGKILL) -> None:
    """In a child just forked: get that signal when the parent ends, however it ends (Linux, prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)


def say(**facts: Any) -> None:
    """One line of JSON to the parent."""
    print(json.dumps(facts), flush=True)


def listener(address: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A bound TCP socket on loopback; the system chooses the port, so nobody can take it in between."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Inherited by accepted connections on Linux; asyncio sets it as well.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.bind((address, port))
    return sock


def port_of(sock: socket.socket) -> int:
    """The port that a socket is bound to."""
    return int(sock.getsockname()[1])


def request_class(dress: Callable[[web.BaseRequest, web.StreamResponse], None]) -> type[web.BaseRequest]:
    """A request whose answer is dressed just before it leaves: also answers that aiohttp makes by itself."""

    class Dressed(web.BaseRequest):
        async def _prepare_hook(self, response: web.StreamResponse) -> None:
            dress(self, response)

    return Dressed


def server(handler: Callable[[web.BaseRequest], Any], dress: Callable[[web.BaseRequest, web.StreamResponse], None]) -> web.Server:
    """A low-level HTTP server: paths reach `handler` as they were sent, nothing is routed or normalised."""
    kind = request_class(dress)
    loop = asyncio.get_running_loop()
    return web.Server(
        handler,
        request_factory=lambda message, payload, protocol, writer, task: kind(message, payload, protocol, writer, task, loop),
        access_log=None,
        tcp_keepalive=False,
        max_line_size=65_536,
        max_field_size=65_536,
    )


async def parent_lines() -> asyncio.StreamReader:
    """The parent's end of stdin; it ends when the parent does, however it ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


async def until_parent_ends(lines: asyncio.StreamReader) -> None:
    """Return when the parent has gone or closed the pipe."""
    while await lines.readline():
        pass
