"""The server's own latency histogram, read from its /metrics by prometheus-client's parser."""

from __future__ import annotations

from dataclasses import dataclass

from preflight.errors import BadAnswer
from preflight.redact import printable

NAME = "http_request_duration_seconds"


@dataclass(frozen=True)
class Histogram:
    """Cumulative counts by upper edge (s) of one endpoint. `by_method`: a label tells methods apart."""

    buckets: tuple[tuple[float, float], ...]
    by_method: bool

    def since(self, before: Histogram) -> Histogram:
        """What was added since `before`. Raises BadAnswer when counts fell (the server restarted) or edges changed."""
        then = dict(before.buckets)
        if then.keys() != dict(self.buckets).keys():
            raise BadAnswer(f"the buckets of {NAME} changed while latency was measured")
        grown = tuple((edge, count - then[edge]) for edge, count in self.buckets)
        if any(count < 0 for _, count in grown):
            raise BadAnswer(f"{NAME} fell while latency was measured: the server was restarted")
        return Histogram(grown, self.by_method)


def read(text: str, call: str) -> Histogram | None:
    """The histogram of `call` ("GET /health") in a /metrics text, or None where the build exports none of it.

    Raises BadAnswer for a text that is no exposition format.
    """
    from prometheus_client.parser import text_string_to_metric_families

    method, _, endpoint = call.partition(" ")
    buckets: dict[float, float] = {}
    by_method = False
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = sample.labels
                if sample.name != f"{NAME}_bucket" or labels.get("endpoint") != endpoint:
                    continue
                by_method = by_method or "method" in labels
                if labels.get("method", method) == method:
                    edge = float(labels["le"])
                    buckets[edge] = buckets.get(edge, 0.0) + float(sample.value)
    except (ValueError, KeyError) as error:
        raise BadAnswer(f"/metrics is not in Prometheus' text format: {printable(str(error), 120)}") from error
    return Histogram(tuple(sorted(buckets.items())), by_method) if buckets else None


def gauge(text: str, name: str) -> float | None:
    """The value of a metric without labels, or None where it is not exported. Raises BadAnswer as `read`."""
    from prometheus_client.parser import text_string_to_metric_families

    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and not sample.labels:
                    return float(sample.value)
    except (ValueError, KeyError) as error:
        raise BadAnswer(f"/metrics is not in Prometheus' text format: {printable(str(error), 120)}") from error
    return None
