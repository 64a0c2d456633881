"""Metrics in Prometheus's text format, parsed by prometheus-client."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from preflight.errors import BadAnswer
from preflight.probes.http import Answer


def families(answer: Answer) -> dict[str, str]:
    """Type by metric family, as the page declares them. Raises BadAnswer when the page is none."""
    return {family.name: family.type for family in _parsed(answer)}


def samples(answer: Answer, name: str) -> list[Sample]:
    """The samples of one metric, whatever its labels; a counter is found with and without `_total`."""
    wanted = {name, name.removesuffix("_total")}
    return [s for family in _parsed(answer) for s in family.samples if family.name in wanted or s.name == name]


def _parsed(answer: Answer) -> Iterator:  # type: ignore[type-arg]
    try:
        yield from text_string_to_metric_families(answer.text)
    except (ValueError, KeyError, IndexError) as error:
        raise BadAnswer(f"{answer.url}: no Prometheus text format: {error}") from error
