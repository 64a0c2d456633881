"""Logs where they are gathered: Loki by its query API, or a file on the host that an agent writes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from preflight.errors import BadAnswer, LookError, Undecided
from preflight.outcome import Reason
from preflight.probes import http, logs
from preflight.probes.audit import own_address
from preflight.probes.host import Host
from preflight.probes.http import Answer
from preflight.redact import printable
from preflight.target import HOW_TO_OFFER, Target

ARRIVES_WITHIN_S = 30.0
_LOOK_EVERY_S = 2.0
_HOUR = 3600


class Loki:
    """Loki's `query_range`; only reads."""

    def __init__(self, url: str, selector: str, user_agent: str) -> None:
        self.name, self._selector, self._agent = url, selector, user_agent

    def lines(self, start: float, end: float) -> Iterator[str]:
        """The newest lines of a span of time, as gathered, at most a thousand."""
        # inside, not around: a decorator would be over before the first line is asked for
        with http.shaped("Loki"):
            for stream in self._ask(query=self._selector, start=start, end=end, limit=1000):
                yield from (str(line) for _, line in stream.get("values", []))

    def by_hour(self, start: float, end: float) -> Counter[int]:
        """How many lines each hour of a span has; hours count from its start."""
        counted: Counter[int] = Counter()
        query = f"sum(count_over_time({self._selector}[1h]))"
        with http.shaped("Loki"):
            for series in self._ask(query=query, start=start + _HOUR, end=end, step=_HOUR):
                for at, count in series.get("values", []):
                    counted[round((float(at) - start) / _HOUR) - 1] += int(float(count))
        return counted

    def _ask(self, *, start: float, end: float, **parameters: Any) -> list[dict[str, Any]]:
        span = {"start": f"{start * 1e9:.0f}", "end": f"{end * 1e9:.0f}"}
        query = urlencode({**parameters, **span})
        answer = http.send("GET", f"{self.name}/loki/api/v1/query_range?{query}", headers={"User-Agent": self._agent})
        if answer.status_code != 200:
            raise LookError(f"{self.name} answers {answer.status_code} to a query: {printable(answer.text, 80)}")
        found = answer.object().get("data", {}).get("result")
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise BadAnswer(f"{self.name}: the answer to a query holds no result")
        return found


class GatheredFile:
    """A file on the host."""

    def __init__(self, host: Host, path: str) -> None:
        self.name, self._host, self._path = f"{host.name}:{path}", host, path

    def lines(self, start: float, end: float) -> Iterator[str]:
        """The lines of a span of time."""
        for _, line in self._stamped(start, end):
            yield line.decode("utf-8", "replace")

    def by_hour(self, start: float, end: float) -> Counter[int]:
        """How many lines each hour of a span has; hours count from its start."""
        return Counter(int((at - start) / _HOUR) for at, _ in self._stamped(start, end))

    def _stamped(self, start: float, end: float) -> Iterator[tuple[float, bytes]]:
        with self._host.open(self._path) as file:
            for line in logs.lines_since(file, datetime.fromtimestamp(start, UTC)):
                at = logs.stamp(line)
                if at is not None and start <= at.timestamp() <= end:
                    yield at.timestamp(), line


def place(target: Target, host: Host | None, user_agent: str) -> Loki | GatheredFile:
    """Where the target's logs are gathered. Raises Undecided where the target file does not say."""
    part = target.facts.loki
    if part is not None and part.url is not None:
        return Loki(part.url, part.selector, user_agent)
    if part is not None and part.file is not None and host is not None:
        return GatheredFile(host, part.file)
    raise Undecided(Reason.OPERATOR, HOW_TO_OFFER["host" if part is not None else "loki"])


@dataclass(frozen=True)
class Arrival:
    """What was gathered since a request of the suite's own: how many lines, and the one that the request left ("" for none)."""

    lines: int
    own: str


def arrival(where: Loki | GatheredFile, answer: Answer, marker: str, target: Target) -> Arrival:
    """Wait for the line that a request left: one with `marker` in it, or one that names its address and endpoint."""
    address = own_address(answer, target)
    path = answer.url.partition("?")[0].rpartition("/")[2]
    until = time.monotonic() + ARRIVES_WITHIN_S
    while True:
        # a line's time may be cut to whole seconds
        lines = list(where.lines(int(answer.sent_at), time.time() + 60))
        own = next((one for one in lines if marker in one or (address and address in one and f"/{path}" in one)), "")
        if own or time.monotonic() > until:
            return Arrival(len(lines), printable(own, 200))
        time.sleep(_LOOK_EVERY_S)
