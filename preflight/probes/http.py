"""One HTTP request in bounded time and size, redirects never followed.

Real servers trickle, never close, send gzip bombs and lie about lengths: `preflight.probes.transport` holds out.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from json import loads
from pathlib import Path
from typing import Any

from preflight.errors import BadAnswer
from preflight.redact import printable

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
    from preflight.probes.transport import exchange  # who only collects the tests has no use for requests

    keep = method in ("GET", "HEAD") and body is None and not (headers and "Connection" in headers)
    # what a server leaves unread of a body it would take for the next request
    sent = {"Accept": "*/*", "Accept-Encoding": "identity", **({} if keep else {"Connection": "close"}), **(headers or {})}
    if body is not None and not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = "application/json"
    began, sent_at = time.perf_counter(), time.time()
    raw = exchange(
        method,
        url,
        sent,
        body,
        ca_file=ca_file,
        verify=verify,
        source=source,
        total_seconds=total_seconds,
        most_bytes=most_bytes,
        keep=keep,
    )
    return Answer(
        method=method,
        url=url,
        status_code=raw.status_code,
        headers=raw.headers,
        body=raw.body,
        seconds=time.perf_counter() - began,
        sent_token=any(name.lower() == "authorization" for name in sent),
        curl=curl(method, url, sent, body, ca_file=ca_file, secret_headers=secret_headers),
        truncated=raw.truncated,
        address=source,
        sent_at=sent_at,
    )


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
