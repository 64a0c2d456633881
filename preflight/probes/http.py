"""One HTTP request in bounded time and size, over a connection of its own, redirects never followed.

Real servers trickle, never close, send gzip bombs and lie about lengths. A watchdog shuts the socket at the deadline,
whatever the peer does; the body is cut at a size; decompression is bounded as well.
"""

from __future__ import annotations

import shlex
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from json import loads
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import DEFAULT_CA_BUNDLE_PATH, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from preflight.errors import BadAnswer, BadCertificate, Unreachable
from preflight.redact import printable

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MOST_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are kept as sent; look them up with `header` and `header_values`."""

    method: str
    url: str
    status_code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float
    sent_token: bool
    curl: str
    truncated: bool = False
    address: str = ""
    sent_at: float = 0.0

    @property
    def arrived_at(self) -> float:
        """When the answer was whole, in seconds since the epoch: what it says of times counts from there."""
        return self.sent_at + self.seconds if self.sent_at else time.time()

    def header(self, name: str) -> str | None:
        """The value of a header, several joined by a comma, or None."""
        values = self.header_values(name)
        return ", ".join(values) if values else None

    def header_values(self, name: str) -> list[str]:
        """Every value of a header, in the order sent."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def text(self) -> str:
        """The body as text, whatever the server says of its encoding; undecodable bytes are marked."""
        return self.body.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """The body as JSON, whatever its label.

        Raises BadAnswer when it is none (truncated, HTML, nested too deep, a number of thousands of digits).
        """
        try:
            return loads(self.text)
        except (ValueError, RecursionError) as error:  # a number of over 4300 digits is a ValueError of its own
            start = printable(self.text, 60)
            raise BadAnswer(f"{self.method} {self.url}: {self.status_code}, but no JSON: {start!r}") from error

    def object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises BadAnswer when it is something else."""
        value = self.json()
        if not isinstance(value, dict):
            raise BadAnswer(f"{self.method} {self.url}: a JSON {type(value).__name__} where an object is expected")
        return value


@contextmanager
def shaped(whose: str) -> Iterator[None]:
    """While JSON is taken apart: a part of another kind than documented is a BadAnswer of `whose`, no bug of the suite."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
        said = printable(f"{type(error).__name__}: {error}", 120)
        raise BadAnswer(f"{whose} answers in another shape than documented ({said})") from error


def readable(answer: Answer) -> Any:
    """The JSON of a success; None for anything else."""
    if answer.status_code != 200:
        return None
    try:
        return answer.json()
    except BadAnswer:
        return None


class _Watchdog(threading.local):
    """The socket of the request that runs in this thread, so that a timer can shut it."""

    attach: Any = None


_watchdog = _Watchdog()


class _WatchedHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        if _watchdog.attach:
            _watchdog.attach(sock.dup())  # TLS takes the socket itself away
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
    """Fresh, watched connections, from a chosen source address."""

    def __init__(self, source: str, context: ssl.SSLContext | None) -> None:
        self._source, self._context = (source, 0) if source else None, context
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=self._source, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def cert_verify(self, *_: Any) -> None:
        """Nothing: the context has its authorities."""


class _Session(requests.Session):
    """Redirects are never followed, and not prepared either: for that requests would read their body, however long."""

    def get_redirect_target(self, resp: Any) -> None:
        """None: no answer leads anywhere."""


@contextmanager
def _deadline(seconds: float) -> Iterator[threading.Event]:
    """Shut every socket opened inside when the time is over; the event says that it was."""
    sockets: list[socket.socket] = []
    over = threading.Event()

    def shut() -> None:
        over.set()
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already gone: nothing left to end

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    _watchdog.attach = sockets.append
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()
        _watchdog.attach = None
        for sock in sockets:
            sock.close()


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    ca_file: Path | None = None,
    verify: bool = True,
    source: str = "",
    secret_headers: tuple[str, ...] = ("authorization",),
    total_seconds: float = TOTAL_SECONDS,
    most_bytes: int = MOST_BYTES,
) -> Answer:
    """Send one request and read its answer.

    `source`: the local address to send from. `url` is sent as it is written (dot segments included).
    Raises Unreachable when no whole answer came in `total_seconds`; an oversize body is cut and says so.
    """
    session = _Session()
    session.trust_env = False
    session.headers.clear()
    try:
        authorities = str(ca_file or DEFAULT_CA_BUNDLE_PATH) if verify else ""
        adapter = _Adapter(source, _trusting(authorities) if url.startswith("https") else None)
    except OSError as error:
        raise Unreachable(
            f"{method} {printable(url, 120)}: authorities can't be read from {authorities}: {_why(error)}"
        ) from error
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    sent = {"Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", **(headers or {})}
    if body is not None and not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = "application/json"
    request = requests.Request(method, url, headers=sent, data=body).prepare()
    request.url = url  # requests would tidy up `/../`; the server is to see what was meant
    began, sent_at = time.perf_counter(), time.time()
    with session, _deadline(total_seconds) as over:
        try:
            response = session.send(
                request,
                stream=True,
                allow_redirects=False,
                timeout=(min(CONNECT_SECONDS, total_seconds), total_seconds),
                verify=verify,
            )
            raw, truncated = _read(response, most_bytes)
        except requests.exceptions.SSLError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise BadCertificate(f"{method} {printable(url, 120)}: the certificate can't be verified") from error
            raise Unreachable(f"{method} {printable(url, 120)}: {_why(error)}") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, IndexError) as error:
            what = f"no whole answer within {total_seconds:g} s" if over.is_set() else _why(error)
            raise Unreachable(f"{method} {printable(url, 120)}: {what}") from error
        if over.is_set():
            raise Unreachable(f"{method} {printable(url, 120)}: no whole answer within {total_seconds:g} s")
        seconds = time.perf_counter() - began
        return Answer(
            method=method,
            url=url,
            status_code=response.status_code,
            headers=tuple((str(k), str(v)) for k, v in response.raw.headers.items()),
            body=raw,
            seconds=seconds,
            sent_token=any(name.lower() == "authorization" for name in sent),
            curl=curl(method, url, sent, body, ca_file=ca_file, secret_headers=secret_headers),
            truncated=truncated,
            address=source,
            sent_at=sent_at,
        )


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


def curl(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    ca_file: Path | None = None,
    secret_headers: tuple[str, ...] = ("authorization",),
) -> str:
    """A curl command that repeats a request; credentials become "$TOKEN"."""
    words = ["curl", "-i", "--path-as-is", "-m", str(int(TOTAL_SECONDS))]
    if method != "GET":
        words += ["-X", method] if method != "HEAD" else ["-I"]
    if ca_file:
        words += ["--cacert", str(ca_file)]
    quoted = [shlex.quote(word) for word in words]
    for name, value in headers.items():
        if name.lower() in ("accept", "accept-encoding", "connection", "user-agent"):
            continue
        if name.lower() in secret_headers:
            scheme = value.split(" ", 1)[0] if " " in value else ""
            quoted += ["-H", f'"{name}: {printable(scheme, 20)} $TOKEN"']
        else:
            quoted += ["-H", shlex.quote(printable(f"{name}: {value}", 120))]
    if body is not None:
        quoted += ["--data-binary", shlex.quote(printable(body[:200].decode("utf-8", "replace"), 200))]
    return " ".join([*quoted, shlex.quote(url)])
