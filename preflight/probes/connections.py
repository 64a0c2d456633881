"""How the front treats connections: kept for the next request, upgraded to WebSocket, compressed."""

from __future__ import annotations

import http.client
import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import InvalidHandshake, InvalidStatus

from preflight.budget import endpoint_of
from preflight.errors import LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes.api import Api
from preflight.probes.websocket import ended_after, opened
from preflight.redact import Secret
from preflight.target import Target

_SECONDS = 5.0


def requests_on_one_connection(api: Api, path: str, most: int = 2) -> int:
    """How many requests a server answers on one connection, at most `most`. Raises Unreachable."""
    parts = urlsplit(api.url(path))
    source = api.leave(path)
    options: dict[str, Any] = {"timeout": _SECONDS, "source_address": (source, 0) if source else None}
    made: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl._create_unverified_context()  # noqa: S323, SLF001 - nothing secret is sent; the certificate has its item
        made = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context, **options)
    else:
        made = http.client.HTTPConnection(parts.hostname or "", parts.port, **options)
    answered = 0
    try:
        made.connect()
        first = made.sock
        with ended_after(first, most * _SECONDS):
            for _ in range(most):
                if answered:
                    api.leave(path, source)
                made.request("GET", parts.path, headers={"User-Agent": api.user_agent})
                answer = made.getresponse()
                api.sent[f"GET {endpoint_of(path)} {answer.status}"] += 1
                answer.read(1 << 20)
                if made.sock is not first and answered:
                    break
                answered += 1
                if made.sock is None:  # the server said that it closes
                    break
    except (OSError, http.client.HTTPException) as error:
        if not answered:
            raise Unreachable(f"{api.url(path)}: {type(error).__name__}: {error}") from error
    finally:
        made.close()
    return answered


def websocket_behind_the_front(target: Target) -> str:
    """The address of a WebSocket behind the front. Raises Undecided where the target names none."""
    part = target.facts.telemetry
    if part is None or part.front_path is None:
        raise Undecided(Reason.OPERATOR, "the target file names no WebSocket behind the front: give [telemetry] front_path")
    return re.sub(r"^http", "ws", target.facts.api.url) + part.front_path


def upgrade(target: Target, token: Secret, user_agent: str) -> int:
    """The status that the front gives to a WebSocket upgrade with the token; 101 when it is passed on.

    Raises Undecided where the target names no WebSocket behind the front, Unreachable, LookError.
    """
    address = websocket_behind_the_front(target)
    context = None
    if address.startswith("wss"):
        part = target.facts.api
        context = ssl.create_default_context(cafile=str(part.ca_file) if part.ca_file else None)
        if part.trust_any_certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    try:
        authorization = {"Authorization": f"Bearer {token.reveal()}"}
        with opened(address, user_agent=user_agent, context=context, additional_headers=authorization, max_size=1 << 20):
            return 101
    except InvalidStatus as error:
        return error.response.status_code
    except InvalidHandshake as error:
        raise LookError(f"{address}: no WebSocket handshake: {error}") from error
    except (OSError, TimeoutError, EOFError) as error:
        raise Unreachable(f"{address}: {type(error).__name__}: {error}") from error
