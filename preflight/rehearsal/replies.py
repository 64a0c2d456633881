"""Answers of the game before they are dressed for the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Reply:
    """Status, body and headers of an answer; the security headers come on top, whatever it is."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


def json_reply(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """An answer of JSON data."""
    return Reply(status, json.dumps(data).encode(), "application/json; charset=utf-8", headers or {})


def error_reply(status: int, message: str, details: str = "", headers: dict[str, str] | None = None, **more: Any) -> Reply:
    """An error in the documented form: reason phrase, message, details."""
    phrase = HTTPStatus(status).phrase
    return json_reply({"error": phrase, "message": message, "details": details, **more}, status, headers)
