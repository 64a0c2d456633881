"""A stand-in for Loki beside the front: it holds the front's access log, and a line a minute of the day before.

It knows the two queries that the suite asks (lines of a span, lines by the hour) and nothing of LogQL.
"""

from __future__ import annotations

import re
import time
from datetime import datetime
from pathlib import Path

from aiohttp import web

from preflight.rehearsal.behaviour import Gathered

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STAMP = re.compile(r"\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
FORM = "%d/%b/%Y:%H:%M:%S +0000"
"""The time of an access log's line (nginx's combined format), in UTC."""


def access_line(request: web.BaseRequest, status: int) -> str:
    """One line of the access log, in nginx's combined format."""
    when = time.strftime(FORM, time.gmtime())
    agent = request.headers.get("User-Agent", "-")
    return f'{request.remote} - - [{when}] "{request.method} {request.raw_path} HTTP/1.1" {status} 0 "-" "{agent}"'


class Store:
    """What was gathered: `(time, line)`, back-filled from `began` on."""

    def __init__(self, wanted: Gathered, access_log: Path, began: float) -> None:
        self._wanted, self._log, self._began = wanted, access_log, began
        self._old = [
            (at, f"[{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(at))}] [INFO] health check: healthy")
            for minute in range(26 * 60, 0, -1)
            if not wanted.hole_hours[0]
            <= ((at := began - minute * _MINUTE) - (began - 25 * _HOUR)) / _HOUR
            < wanted.hole_hours[1]
        ]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """`GET /loki/api/v1/query_range`, and `/ready`."""
        if self._wanted.refuses:
            return web.Response(status=503, text="the stand-in for Loki was told to refuse\n")
        if request.path == "/ready":
            return web.Response(text="ready: a stand-in for Loki\n")
        start, end = (float(request.query[name]) / 1e9 for name in ("start", "end"))
        if request.query["query"].startswith("sum(count_over_time("):
            step = float(request.query["step"])
            marks = [start + n * step for n in range(int((end - start) / step) + 1)]
            counts = [(at, sum(at - _HOUR < when <= at for when, _ in self._old)) for at in marks]
            values = [[at, str(count)] for at, count in counts if count]
            return self._said("matrix", [{"metric": {}, "values": values}] if values else [])
        lines = [(at, line) for at, line in [*self._old, *self._new()] if start <= at <= end]
        return self._said(
            "streams", [{"stream": {"job": "rehearsal"}, "values": [[f"{at * 1e9:.0f}", line] for at, line in lines]}]
        )

    def _new(self) -> list[tuple[float, str]]:
        if self._wanted.stopped:
            return []
        now = time.time()
        found = [(now, f"[{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))}] [INFO] health check: healthy")]
        if self._wanted.access_log and self._log.is_file():
            for line in self._log.read_text("utf-8", "replace").splitlines():
                stamp = _STAMP.search(line)
                if stamp:
                    found.append((datetime.strptime(stamp[1], "%d/%b/%Y:%H:%M:%S %z").timestamp(), line))
        return found

    @staticmethod
    def _said(kind: str, result: list[dict[str, object]]) -> web.Response:
        return web.json_response({"status": "success", "data": {"resultType": kind, "result": result}})
