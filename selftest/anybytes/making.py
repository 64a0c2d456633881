"""What is made up: answers and files that are nearly right, and bytes that are nothing at all."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from preflight.errors import LookError, NotApplicable, Undecided
from preflight.probes.http import Answer

DOCUMENTED = (LookError, Undecided, NotApplicable, AssertionError)
"""What a probe may raise (preflight/errors.py, and a test's definite no)."""

FACTOR = float(os.environ.get("ANYBYTES_FACTOR", "1"))
"""How many times the usual number of examples are tried; `python -m selftest.anybytes` raises it."""


def tries(count: int) -> Any:
    """`count` examples (times FACTOR), no deadline: what is slow is found by the time of the whole."""
    return settings(
        max_examples=max(1, int(count * FACTOR)),
        deadline=None,
        derandomize=FACTOR == 1,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def looked(look: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The result of a look, None where it says by a documented exception that it can't be had."""
    try:
        return look(*arguments, **options)
    except DOCUMENTED:
        return None


ODD_NUMBERS = st.sampled_from(
    [0, -1, 1e308, -1e-308, 10**30, -(10**400), float("inf"), float("-inf"), float("nan"), 2**63, 1e11, True, 253402300800]
)
ODD_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "\0",
        "nan",
        "-inf",
        "1e999",
        "9" * 5000,
        "²",
        "\ud800",
        "\u202e",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-30",
        "2026-01-01T00:00:00Z",
        "../../etc",
        "//[",
        "http://[::1",
        "%",
        "<!DOCTYPE",
        "*a",
    ]
)
leaves = st.none() | st.booleans() | ODD_NUMBERS | ODD_TEXTS | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | ODD_TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def nearly(draw: st.DrawFn, document: Any, most: int = 3) -> Any:
    """`document` with up to `most` of its parts replaced by anything at all, or left out."""
    made = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, most))):
        made = _changed(draw, made)
    return made


def _changed(draw: st.DrawFn, made: Any) -> Any:
    if not isinstance(made, dict | list) or not made or draw(st.integers(0, 9)) == 0:
        return draw(anything)
    key = draw(st.sampled_from(sorted(made) if isinstance(made, dict) else range(len(made))))
    if draw(st.integers(0, 5)) == 0:
        del made[key]
    else:
        made[key] = _changed(draw, made[key])
    return made


def as_json(value: Any) -> bytes:
    """JSON as careless servers write it: NaN, infinite and huge numbers, half characters."""
    return json.dumps(_short_enough(value), ensure_ascii=True).replace('"HUGE"', "1" * 5000).encode()


def _short_enough(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short_enough(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_short_enough(entry) for entry in value]
    return "HUGE" if isinstance(value, int) and abs(value) > 10**100 else value


BODIES = st.sampled_from(
    [
        b"[" * 5_000,
        b'{"a":' * 5_000,
        b"1" * 5000,
        b'{"status": ' + b"1" * 5000 + b"}",
        b"\xff\xfe{\x00}\x00",
        b"nul",
        b"-",
        b"\xed\xa0\x80",
    ]
)


@st.composite
def mangled(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes cut, with some of them changed, doubled, left out or put in."""
    made = bytearray(data)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(made)))
        match draw(st.sampled_from(["cut", "put", "change", "leave", "double"])):
            case "cut":
                del made[at:]
            case "put":
                made[at:at] = draw(
                    st.binary(max_size=6) | st.sampled_from([b"\r\n", b"\n", b"\0", b"{", b"]]>", b"'", b'"', b"\xff"])
                )
            case "change":
                made[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "leave":
                del made[at : at + draw(st.integers(1, 8))]
            case "double":
                made[at:at] = made[at : at + draw(st.integers(1, 60))] * draw(st.integers(1, 3))
    return bytes(made)


HEADERS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(
                [
                    b"Content-Security-Policy",
                    b"Strict-Transport-Security",
                    b"X-Frame-Options",
                    b"Location",
                    b"Date",
                    b"Retry-After",
                    b"X-RateLimit-Reset",
                    b"Set-Cookie",
                    b"Permissions-Policy",
                    b"Referrer-Policy",
                    b"Access-Control-Allow-Origin",
                    b"Content-Type",
                    b"Server",
                ]
            ),
            st.sampled_from(
                [
                    b"",
                    b"max-age=" + b"9" * 5000,
                    b"max-age=\xb2",
                    b"max-age=x; max-age",
                    b"https://[::1",
                    b"//",
                    b"https://a:99999999999/",
                    b"Mon, 99 Foo 99999 99:99:99 +9999",
                    b"Fri, 31 Dec 9999 23:59:59 -2359",
                    b"nan",
                    b"inf",
                    b"1e999",
                    b"-1",
                    b";;;,,,=",
                    b"text/html; charset=\xff",
                    b'a="b',
                    b"default-src",
                ]
            )
            | st.binary(max_size=12),
        ),
        st.tuples(st.binary(max_size=6), st.binary(max_size=8)),
    ),
    max_size=4,
)


@st.composite
def http_answers(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> bytes:
    """The bytes of an HTTP answer: nearly right, lying about its length or its coding, or no answer at all."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=60))
    body = draw(bodies)
    first = draw(
        st.sampled_from(
            [
                b"HTTP/1.1 200 OK",
                b"HTTP/1.1 200 OK",
                b"HTTP/1.0 401 \xff",
                b"HTTP/1.1 999 x",
                b"HTTP/1.1 -1 x",
                b"HTTP/9.9 200",
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 x",
                b"ICY 200 OK",
                b"HTTP/1.1 " + b"2" * 5000,
            ]
        )
    )
    lines = [first, *(name + b": " + value for name, value in draw(HEADERS))]
    coding = draw(st.sampled_from([b"", b"", b"gzip", b"deflate", b"br", b"gzip, gzip", b"\xff"]))
    if coding:
        lines.append(b"Content-Encoding: " + coding)
        if draw(st.booleans()):
            body = zlib.compress(body, wbits=31 if coding == b"gzip" else 15)
    match draw(st.sampled_from(["right", "right", "none", "wrong", "chunks", "odd chunks"])):
        case "right":
            lines.append(b"Content-Length: %d" % len(body))
        case "wrong":
            wrong = draw(st.sampled_from([b"-1", b"0", b"1e3", b"9" * 5000, b"\xb2", b"", b"5, 6", b"+3", b"0x10", b"99999"]))
            lines.append(b"Content-Length: " + wrong)
        case "chunks":
            lines.append(b"Transfer-Encoding: chunked")
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:]) if part) + b"0\r\n\r\n"
        case "odd chunks":
            lines.append(b"Transfer-Encoding: chunked")
            size = draw(st.sampled_from([b"-1", b"ffffffffffffffff", b"zz", b"", b"5;x=y", b" 5", b"5\n"]))
            body = size + b"\r\n" + body
    whole = b"\r\n".join(lines) + b"\r\n\r\n" + body
    return draw(mangled(whole)) if draw(st.booleans()) else whole


def answer(body: bytes, headers: list[tuple[bytes, bytes]] | None = None, status: int = 200) -> Answer:
    """An answer as it comes from the wire, without the wire."""
    named = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers or [])
    return Answer("GET", "https://game.example/health", status, named, body, 0.1, sent_token=False, curl="curl x", sent_at=1.8e9)
