"""The TLS front process: nginx, or a small reverse proxy in its place. `python -m preflight.rehearsal.front FILE`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import sys
import time
from pathlib import Path

import aiohttp
from aiohttp import WSMsgType, web
from multidict import CIMultiDict
from yarl import URL

from preflight.rehearsal import nginxfront
from preflight.rehearsal.behaviour import FRONT_ADDRESS, Answer, Front
from preflight.rehearsal.gathered import Store, access_line
from preflight.rehearsal.runtime import (
    BACKLOG,
    Assignment,
    fill,
    listener,
    parent_lines,
    port_of,
    read_assignment,
    say,
    server,
    until_parent_ends,
)

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
}
_TLS = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_LONGEST_S = 60.0
_WORTH_PACKING = 256


class Proxy:
    """The front between its clients and the game."""

    def __init__(self, assignment: Assignment, session: aiohttp.ClientSession, access_log: Path) -> None:
        self._assignment, self._session = assignment, session
        self._access_log = access_log.open("a", encoding="utf-8", buffering=1)
        self._front: Front = assignment.deployment.front
        self.upstream = ""
        self.https_port = 0

    async def https(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer over TLS: pass the request on, unless the front answers it by itself."""
        fixed = self._front.answers.get(f"{request.method} {request.raw_path.partition('?')[0]}")
        if fixed:
            return self._fixed(fixed)
        if request.headers.get("Upgrade", "").lower() == "websocket" and self._front.websocket:
            return await self._stream(request)
        try:
            return await self._passed_on(request)
        except TimeoutError:
            return _page(504, "Gateway Time-out")
        except aiohttp.ClientError:
            return _page(502, "Bad Gateway")

    async def http(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer over plain HTTP: send clients to HTTPS, with the path they asked for."""
        if self._front.plain_http == "serve" or (self._front.plain_http == "serve what is posted" and request.method == "POST"):
            return await self.https(request)
        host = request.headers.get("Host", "localhost").rpartition(":")[0] or request.headers.get("Host", "localhost")
        path = request.raw_path
        target = self._front.redirect_to.format(host=host, port=self.https_port, path=path, bare_path=path.partition("?")[0])
        page = _page(self._front.redirect_status, "Moved Permanently")
        page.headers["Location"] = target
        return page

    def dress(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """What the front adds to every answer, as `add_header … always` does, and its line in the access log."""
        self._access_log.write(access_line(request, response.status) + "\n")
        if response.headers.get("Server", "").startswith("Python"):
            del response.headers["Server"]
        if not self._front.keep_alive and isinstance(response, web.Response):
            response.force_close()
        for name in self._front.drop_headers:
            response.headers.popall(name, None)
        if request.transport is None or request.transport.get_extra_info("sslcontext") is None:
            return
        if not self._front.added_on or response.status in self._front.added_on:
            for name, value in self._front.add_headers.items():
                response.headers[name] = fill(value, self._assignment.secrets)

    async def _passed_on(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await _body(request)
        method, url = request.method, f"{self.upstream}{request.raw_path}"
        headers = self._upstream_headers(request)
        async with self._session.request(
            method, _raw_url(url), headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            content = await answer.read()
            kept = CIMultiDict((n, v) for n, v in answer.headers.items() if n.lower() not in _HOP_BY_HOP)
            response = web.Response(status=answer.status, reason=answer.reason, body=content or None, headers=kept)
        if method == "HEAD" and "Content-Length" in answer.headers:
            response.headers["Content-Length"] = answer.headers["Content-Length"]
        textual = response.content_type.startswith(("application/json", "text/"))
        wanted = "gzip" in request.headers.get("Accept-Encoding", "")
        if self._front.gzip and wanted and textual and len(content) >= _WORTH_PACKING:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    def _upstream_headers(self, request: web.BaseRequest) -> CIMultiDict[str]:
        kept = CIMultiDict((n, v) for n, v in request.headers.items() if n.lower() not in _HOP_BY_HOP)
        peer = request.remote or ""
        given = ", ".join(kept.popall("X-Forwarded-For", []))
        # Plain answers from the game: packing is the front's job.
        kept.popall("Accept-Encoding", None)
        kept["Accept-Encoding"] = "identity"
        kept["X-Real-IP"] = peer
        kept["X-Forwarded-Proto"] = "https"
        if self._front.forwarded == "append":
            kept["X-Forwarded-For"] = f"{given}, {peer}" if given else peer
        elif self._front.forwarded == "pass":
            kept["X-Forwarded-For"] = given or peer
        return kept

    async def _stream(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = self._upstream_headers(request)
        for name in [name for name in headers if name.lower().startswith("sec-websocket")]:
            headers.popall(name, None)
        try:
            upstream = await self._session.ws_connect(
                _raw_url(f"{self.upstream}{request.raw_path}"), headers=headers, autoping=False, max_msg_size=0
            )
        except aiohttp.WSServerHandshakeError as refusal:
            # The handshake's answer has no body that could be passed on; status and headers say enough.
            kept = {n: v for n, v in (refusal.headers or {}).items() if n.lower() not in _HOP_BY_HOP}
            return web.Response(status=refusal.status, headers=kept)
        except aiohttp.ClientError:
            return _page(502, "Bad Gateway")
        downstream = web.WebSocketResponse(autoping=False)
        await downstream.prepare(request)
        try:
            ways = [asyncio.ensure_future(_pump(upstream, downstream)), asyncio.ensure_future(_pump(downstream, upstream))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        finally:
            with contextlib.suppress(ConnectionError):
                await downstream.close()
                await upstream.close()
        return downstream

    def _fixed(self, answer: Answer) -> web.Response:
        body = fill(answer.body, self._assignment.secrets).encode()
        return web.Response(status=answer.status, body=body, headers={**answer.headers, "Content-Type": answer.content_type})


async def _pump(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
    sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
) -> None:
    async for message in source:
        if message.type is WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        elif message.type is WSMsgType.PING:
            await sink.ping(message.data)
        elif message.type is WSMsgType.PONG:
            await sink.pong(message.data)


async def _body(request: web.BaseRequest) -> bytes:
    return b"".join([part async for part in request.content.iter_any()])


def _raw_url(url: str) -> URL:
    return URL(url, encoded=True)


def _page(status: int, title: str) -> web.Response:
    text = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>\n"
    return web.Response(status=status, text=text, content_type="text/html")


def tls_context(front: Front, certificates: Path) -> ssl.SSLContext:
    """The server side of TLS as the front's settings say."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Set before the versions: OpenSSL offers 1.0 and 1.1 only at security level 0.
    old = front.lowest_tls in ("1.0", "1.1")
    context.set_ciphers(f"{front.ciphers}:@SECLEVEL=0" if old else front.ciphers)
    context.minimum_version, context.maximum_version = _TLS[front.lowest_tls], _TLS[front.highest_tls]
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificates / "fullchain.pem", certificates / "privkey.pem")
    return context


async def _serve(assignment: Assignment) -> None:
    loop = asyncio.get_running_loop()
    store = Store(assignment.deployment.gathered, _access_log(assignment), time.time())
    https_socket, http_socket, gathered_socket = listener(), listener(), listener()
    await loop.create_server(server(store.answer, lambda *_: None), sock=gathered_socket, backlog=BACKLOG)
    ports = {"https": port_of(https_socket), "http": port_of(http_socket), "gathered": port_of(gathered_socket)}
    nginx = nginxfront.program(assignment.deployment.front)
    lines = await parent_lines()
    if nginx is not None:
        say(listening=True, **ports)
        upstream = await _upstream(lines)
        if upstream:
            ended = asyncio.ensure_future(until_parent_ends(lines))
            loop.add_signal_handler(signal.SIGTERM, ended.cancel)
            process = nginxfront.start(nginx, assignment, https_socket, http_socket, upstream.partition("://")[2])
            say(ready=True)
            with contextlib.suppress(asyncio.CancelledError):
                await ended
            process.terminate()
            process.wait()
        return
    await _serve_ourselves(assignment, https_socket, http_socket, lines, ports)


async def _upstream(lines: asyncio.StreamReader) -> str:
    """The game's address, known only when the game listens (both start at the same time); "" when the parent has gone."""
    first = await lines.readline()
    return str(json.loads(first)["upstream"]) if first else ""


def _access_log(assignment: Assignment) -> Path:
    return Path(assignment.certificates).parent / "access.log"


async def _serve_ourselves(
    assignment: Assignment,
    https_socket: socket.socket,
    http_socket: socket.socket,
    lines: asyncio.StreamReader,
    ports: dict[str, int],
) -> None:
    front = assignment.deployment.front
    loop = asyncio.get_running_loop()
    connector = aiohttp.TCPConnector(local_addr=(FRONT_ADDRESS, 0), limit=0, force_close=not front.upstream_keep_alive)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=_LONGEST_S)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar, auto_decompress=False) as session:
        proxy = Proxy(assignment, session, _access_log(assignment))
        proxy.https_port = ports["https"]
        context = tls_context(front, Path(assignment.certificates))
        await loop.create_server(server(proxy.https, proxy.dress), sock=https_socket, ssl=context, backlog=BACKLOG)
        if front.plain_http != "refuse":
            await loop.create_server(server(proxy.http, proxy.dress), sock=http_socket, backlog=BACKLOG)
        say(listening=True, **ports)
        proxy.upstream = await _upstream(lines)
        if proxy.upstream:
            say(ready=True)
            await until_parent_ends(lines)


def main() -> None:
    """Run until the parent goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve(read_assignment(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
