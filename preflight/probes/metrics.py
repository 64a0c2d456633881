"""Metrics in Prometheus's text format, parsed by prometheus-client."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from preflight.errors import BadAnswer, LookError
from preflight.probes.http import Answer

if TYPE_CHECKING:
    from prometheus_client import Metric
    from prometheus_client.samples import Sample


def families(answer: Answer) -> dict[str, str]:
    """Type by metric family, as the page declares them. Raises BadAnswer when the page is none."""
    return {family.name: family.type for family in _parsed(answer)}


def samples(answer: Answer, name: str) -> list[Sample]:
    """The samples of one metric, whatever its labels; a counter is found with and without `_total`."""
    wanted = {name, name.removesuffix("_total")}
    return [s for family in _parsed(answer) for s in family.samples if family.name in wanted or s.name == name]


def started(answer: Answer) -> datetime | None:
    """When the game's process began; None where the page does not say it or can't be read."""
    found = _first(answer, "process_start_time_seconds")
    try:
        return None if found is None else datetime.fromtimestamp(found, UTC)
    except (ValueError, OverflowError, OSError):  # NaN, or no year of a calendar
        return None


def resident_bytes(answer: Answer) -> float | None:
    """The resident memory of the game's process; None where the page does not say it or can't be read."""
    return _first(answer, "process_resident_memory_bytes")


def counter(page: Answer, name: str) -> float | None:
    """The sum of a server's own counter over its labels, from its /metrics; None where it has none of that name."""
    found = [sample.value for sample in samples(page, name) if sample.name == name]
    return sum(found) if found else None


def requests_counted(page: Answer, endpoint: str) -> float:
    """How many requests of an endpoint the game's own /metrics has counted. Raises LookError when the page is none."""
    found = samples(page, "http_requests_total")
    return sum(sample.value for sample in found if sample.labels.get("endpoint") == endpoint)


def _first(answer: Answer, name: str) -> float | None:
    try:
        return next((sample.value for sample in samples(answer, name)), None)
    except LookError:
        return None


def _parsed(answer: Answer) -> Sequence[Metric]:
    if answer.status_code != 200:
        raise LookError(f"GET /metrics answers {answer.status_code}")
    try:
        return _families(answer.text)
    except (ValueError, KeyError, IndexError) as error:
        raise BadAnswer(f"{answer.url}: no Prometheus text format: {error}") from error


@lru_cache(maxsize=2)
def _families(page: str) -> Sequence[Metric]:
    """What a page holds: several items ask each page for one metric after the other. Few are kept: a page may be huge."""
    from prometheus_client.parser import text_string_to_metric_families

    return tuple(text_string_to_metric_families(page))
