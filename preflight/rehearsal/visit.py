"""One request as the game sees it: where it comes from, what it asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from preflight.rehearsal.behaviour import Api

_DRAINED_BODY = 64 * 1_048_576


@dataclass(frozen=True)
class Visit:
    """A request, read. `body` is None when it was over the limit; `address` is the client's, `connection` the peer's."""

    method: str
    path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes | None
    address: str
    connection: str

    @property
    def endpoint(self) -> str:
        """Method and path, as endpoints are named."""
        return f"{self.method} {self.path}"

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of several with one name, the last."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    def text(self) -> str:
        """The body as intrusion detection reads it: decoded strings, so that an escaped quote in JSON is a quote."""
        if not self.body:
            return ""
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError):
            return self.body.decode("utf-8", errors="replace")
        return "\n".join(str(value) for value in data.values()) if isinstance(data, dict) else ""


def endpoint_of(request: web.BaseRequest, prefix: str) -> tuple[str, str, str]:
    """Method, path and query of a request, the path as it was sent; HEAD is GET without the body."""
    path, _, query = request.raw_path.partition("?")
    return "GET" if request.method == "HEAD" else request.method, path.removeprefix(prefix), query


async def read_visit(request: web.BaseRequest, api: Api) -> Visit:
    """Read a request to its end."""
    method, path, query = endpoint_of(request, api.path_prefix)
    headers = {name.lower(): value for name, value in request.headers.items()}
    body = await _read(request, api.input.largest_body)
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return Visit(method, path, query, headers, body, client_address(request, api), str(peer))


def client_address(request: web.BaseRequest, api: Api) -> str:
    """The address that a request counts for: the peer's, or what a trusted proxy says it is."""
    peer = request.remote or ""
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
    entries = [entry.strip() for entry in forwarded.split(",") if entry.strip()]
    if entries and (peer in api.trusted_proxies or "*" in api.trusted_proxies):
        return entries[0 if api.forwarded_entry == "first" else -1]
    return peer


async def _read(request: web.BaseRequest, largest: int) -> bytes | None:
    """The body, or None when it is over the limit; an oversize body is read off, so that the answer can be read."""
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_any():
        size += len(part)
        if size <= largest:
            parts.append(part)
        if size > _DRAINED_BODY:
            break
    return b"".join(parts) if size <= largest else None
