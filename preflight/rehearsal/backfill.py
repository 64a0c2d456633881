"""A day of monitoring history in the OpenMetrics text format, for `promtool tsdb create-blocks-from openmetrics`.

The series carry the names, labels and job of the live ones, so that a question about the day finds one whole. Noise comes
from a fixed seed: two starts differ in their times alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from preflight.rehearsal.behaviour import LATENCY_EDGES_S, Monitoring

STEP_S = 15.0
BEFORE_S = 3600.0
CORES = 4
_SHARES = {"/health": 0.3, "/status": 0.2, "/scene": 0.5}
_SEED = 20240229

API = 'instance="localhost:8080",job="godot_http_api"'
TELEMETRY = 'instance="localhost:8081",job="godot_telemetry"'
NODE = 'instance="localhost:9100",job="node"'

Series = tuple[str, str, np.ndarray, np.ndarray]
"""Name, labels, values, and which of the moments it has a value at."""


def write_history(path: Path, wanted: Monitoring, *, deployed: float, now: float, missing: tuple[str, ...] = ()) -> None:
    """Write the history from an hour before the deployment until `now` (both in seconds since the epoch).

    `missing`: metrics that the build does not export.
    """
    times = np.arange(np.ceil((deployed - BEFORE_S) / STEP_S) * STEP_S, now - 1.0, STEP_S)
    stamps = [f" {moment:.0f}\n" for moment in times]
    with path.open("w", encoding="utf-8") as file:
        for name, labels, values, there in _series(wanted, times, deployed):
            if any(name in (gone, f"{gone}_total", f"{gone}_bucket", f"{gone}_sum", f"{gone}_count") for gone in missing):
                continue
            head = f"{name}{{{labels}}} "
            texts = np.char.mod("%.10g", values).tolist()
            file.write("".join([head + texts[i] + stamps[i] for i in np.flatnonzero(there).tolist()]))
        file.write("# EOF\n")


def _series(wanted: Monitoring, times: np.ndarray, deployed: float) -> Iterator[Series]:
    rng = np.random.default_rng(_SEED)
    hours = (times - deployed) / 3600
    scraped = ~_within(hours, wanted.gaps)
    up = ~_within(hours, wanted.down)
    there = scraped & up
    yield "up", API, up.astype(float), scraped
    yield "up", TELEMETRY, np.ones(times.size), scraped
    yield "up", NODE, np.ones(times.size), scraped
    yield from _traffic(wanted, hours, there, rng)
    day = np.clip(hours / 24, 0, None)
    memory = wanted.memory_mb + wanted.memory_growth_mb * day + rng.normal(0, 2.0, times.size)
    yield "process_resident_memory_bytes", API, memory * 1_048_576, there
    cpu = np.clip(wanted.cpu_percent + rng.normal(0, 0.8, times.size), 0, 100) / 100 * CORES * STEP_S
    yield "process_cpu_seconds_total", API, np.cumsum(cpu), there
    began = np.full(times.size, deployed - 30.0)
    began[hours < 0] = deployed - 9 * 86400
    for hour in sorted(wanted.restarts):
        began[hours >= hour] = deployed + hour * 3600
    yield "process_start_time_seconds", API, np.round(began), there
    played = ~_within(hours, wanted.alone)
    yield "vr_fps", API, (wanted.fps + rng.uniform(-0.2, 0.2, times.size)) * played, there
    yield "vr_active_sessions", API, played.astype(float), there
    disk = np.clip(wanted.disk_percent + wanted.disk_growth * day, 0, 100)
    mount = f'device="/dev/vda1",fstype="ext4",mountpoint="/",{NODE}'
    yield "node_filesystem_size_bytes", mount, np.full(times.size, 1e11), scraped
    yield "node_filesystem_avail_bytes", mount, (100 - disk) * 1e9, scraped
    for name, severity, hour, minutes in wanted.alerts:
        raised = _within(hours, ((hour, minutes),))
        yield "ALERTS", f'alertname="{name}",alertstate="firing",severity="{severity}"', np.ones(times.size), raised


def _traffic(wanted: Monitoring, hours: np.ndarray, there: np.ndarray, rng: np.random.Generator) -> Iterator[Series]:
    hour, times = wanted.peak
    pace = np.where(_within(hours, ((hour, 15.0),)), times, 1.0) if times != 1.0 else np.ones(hours.size)
    # a counter moves only while the process runs, and begins at zero when it is started anew
    pace = pace * (1 + wanted.requests_growth * np.clip(hours / 24, 0, None))
    asked = wanted.requests_per_s * STEP_S * pace * (1 + 0.1 * np.sin(2 * np.pi * hours / 6)) * there
    failed = wanted.error_percent / 100
    for endpoint, share in _SHARES.items():
        made = asked * share * rng.uniform(0.95, 1.05, hours.size)
        # the health check answers as it should, whatever fails elsewhere
        broken = 0.0 if endpoint == "/health" else failed / (1 - _SHARES["/health"])
        for status, part in (("200", 1 - broken), ("500", broken)):
            labels = f'endpoint="{endpoint}",method="GET",status="{status}",{API}'
            yield "http_requests_total", labels, _counter(made * part, hours, wanted), there
        median = wanted.latency_ms / 1000 * (1 + wanted.latency_growth * np.clip(hours / 24, 0, None))
        for edge in LATENCY_EDGES_S:
            below = made * _normal(np.log(edge / median) / 0.5)
            labels = f'endpoint="{endpoint}",le="{edge}",{API}'
            yield "http_request_duration_seconds_bucket", labels, _counter(below, hours, wanted), there
        labels = f'endpoint="{endpoint}",le="+Inf",{API}'
        yield "http_request_duration_seconds_bucket", labels, _counter(made, hours, wanted), there
    bad = wanted.failed_logins_percent / 100
    for result, part in (("success", 0.7 * (1 - bad)), ("invalid_token", 0.7 * bad), ("missing_token", 0.0)):
        yield "auth_attempts_total", f'result="{result}",{API}', _counter(asked * part, hours, wanted), there
    quiet = np.zeros(hours.size)
    yield "rate_limit_hits_total", f'endpoint="/scene",{API}', quiet, there
    yield "intrusion_alerts_total", f'rule="injection_pattern",{API}', quiet, there


def _counter(steps: np.ndarray, hours: np.ndarray, wanted: Monitoring) -> np.ndarray:
    total = np.cumsum(steps)
    for hour in sorted(wanted.restarts):
        after = hours >= hour
        if after.any():
            total[after] -= total[after][0] - steps[after][0]
    return total


def _within(hours: np.ndarray, spans: tuple[tuple[float, float], ...]) -> np.ndarray:
    inside = np.zeros(hours.size, dtype=bool)
    for hour, minutes in spans:
        inside |= (hours >= hour) & (hours < hour + minutes / 60)
    return inside


def _normal(z: np.ndarray) -> np.ndarray:
    """The standard normal distribution function: latencies are log-normal."""
    from scipy.special import ndtr

    share: np.ndarray = ndtr(z)
    return share
