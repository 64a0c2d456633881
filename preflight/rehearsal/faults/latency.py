"""Faults of latency: each limit just passed, and the shapes that averages hide."""

from __future__ import annotations

from dataclasses import replace

from preflight.rehearsal.behaviour import CLEAN_LATENCY, DelayModel, Deployment
from preflight.rehearsal.faults.model import Change, Fault, at, delayed, themed

LIMITS = {
    "GET /health": (18, 25),
    "GET /status": (12, 18),
    "GET /scene": (68, 92),
    "POST /scene": (245, 320),
    "GET /scenes": (55, 78),
}
"""P95 and P99 limits in ms (checklist.md lines 122-126)."""
_MARGIN_MS = 4.0
"""Beyond what the way there and back costs on loopback."""


def word(endpoint: str) -> str:
    """The endpoint as a part of a name."""
    return endpoint.lower().replace(" /", "_").replace("/", "_")


def tailed(endpoint: str, slow_ms: float, share: float) -> Change:
    """An endpoint whose given share takes `slow_ms`, the rest what it always took."""
    base = CLEAN_LATENCY.get(endpoint, DelayModel())
    return delayed(endpoint, replace(base, slow_ms=slow_ms, slow_share=share, quantised=False))


def everywhere(**values: float) -> Change:
    """Change the delay of every endpoint, those without one of their own as well."""

    def change(deployment: Deployment) -> Deployment:
        models = {"*": DelayModel(), **deployment.api.latency}
        return at("api", latency={name: replace(model, **values) for name, model in models.items()})(deployment)  # type: ignore[arg-type]

    return change


def slower(factor: float) -> Change:
    """Every endpoint with a delay takes `factor` times as long."""

    def change(deployment: Deployment) -> Deployment:
        models = {name: replace(model, ms=model.ms * factor) for name, model in deployment.api.latency.items()}
        return at("api", latency=models)(deployment)

    return change


_OVER = [
    Fault(
        f"p95_over_{word(endpoint)}",
        f"8 % of {endpoint} take more than the P95 limit of {p95} ms.",
        tailed(endpoint, p95 + _MARGIN_MS, 0.25),
    )
    for endpoint, (p95, _) in LIMITS.items()
] + [
    Fault(
        f"p99_over_{word(endpoint)}",
        f"2 % of {endpoint} take more than the P99 limit of {p99} ms.",
        tailed(endpoint, p99 + _MARGIN_MS, 0.08),
    )
    for endpoint, (_, p99) in LIMITS.items()
]

FAULTS = themed(
    "latency",
    *_OVER,
    Fault("p95_over_500_ms", "10 % of GET /performance take 600 ms: a red flag.", tailed("GET /performance", 600, 0.3)),
    Fault("p95_over_200_ms", "10 % of GET /performance take 230 ms.", tailed("GET /performance", 230, 0.3)),
    Fault("five_percent_slow", "6 % of GET /status take 300 ms; the mean hides it.", tailed("GET /status", 300, 0.06)),
    Fault("stall_each_30_s", "Every 30 s nobody is answered for 1.5 s.", everywhere(stall_every_s=30.0, stall_s=1.5)),
    Fault("slow_under_load", "Each request in flight costs every other one 40 ms.", everywhere(per_waiting_ms=40.0)),
    Fault(
        "fast_errors", "20 % of GET /status are errors that come at once.", delayed("GET /status", DelayModel(error_share=0.2))
    ),
    Fault(
        "latency_drifts",
        "GET /scenes gets slower by 1 % a second.",
        delayed("GET /scenes", DelayModel(ms=25, drift_per_s=0.01, quantised=False)),
    ),
    Fault("twice_the_baseline", "Everything takes twice as long as it did.", slower(2.0)),
    Fault("one_and_a_half_baseline", "Everything takes 1.5 times as long as it did.", slower(1.5)),
    Fault(
        "now_and_then_no_answer",
        "2 % of GET /status are not answered in time.",
        delayed("GET /status", DelayModel(hang_share=0.02)),
    ),
    Fault("health_always_slow", "GET /health always takes 60 ms.", delayed("GET /health", DelayModel(ms=60))),
)
