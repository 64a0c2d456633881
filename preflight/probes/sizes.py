"""Bodies of a size, to see where the limit is."""

from __future__ import annotations

from preflight.probes.api import Api
from preflight.probes.http import Answer
from preflight.redact import Secret

OVERSIZE_MEGABYTES = 11
"""Just over the larger of the two limits that the contract names (1 MiB in the game, 10 MB in .env.production)."""


def send_body(api: Api, token: Secret, megabytes: int) -> Answer:
    """POST /scene with a body of that many MB that is valid JSON and names no scene."""
    frame = b'{"padding": "%s"}'
    body = frame % (b"x" * (megabytes * 1_000_000 - len(frame) + 2))
    return api.ask("POST", "/scene", token=token, body=body, total_seconds=30.0)
