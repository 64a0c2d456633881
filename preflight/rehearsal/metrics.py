"""The game's /metrics: every metric that its documentation names, with the documented types."""

from __future__ import annotations

import re
import time
from collections import deque

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from preflight.rehearsal.behaviour import LATENCY_EDGES_S, Api

disable_created_metrics()  # type: ignore[no-untyped-call]  # the game exports no *_created series

_BYTES = (100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_FRAME = (0.005, 0.008, 0.0111, 0.0125, 0.0167, 0.0222, 0.0333, 0.1)
_QUANTILES = (0.5, 0.95, 0.99)


class Metrics:
    """The counters and histograms of one game process."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._registry = registry = CollectorRegistry()
        self._recent: deque[float] = deque(maxlen=2000)
        self._started = time.time()
        self._frames = 0.0
        self.requests = Counter("http_requests", "Requests answered", ["endpoint", "method", "status"], registry=registry)
        self.duration = Histogram(
            "http_request_duration_seconds", "Time to answer", ["endpoint"], buckets=LATENCY_EDGES_S, registry=registry
        )
        self.request_size = Histogram("http_request_size_bytes", "Request bodies", buckets=_BYTES, registry=registry)
        self.response_size = Histogram("http_response_size_bytes", "Answer bodies", buckets=_BYTES, registry=registry)
        self._latency = Gauge("http_request_latency_ms", "Recent latency", ["quantile"], registry=registry)
        self.scene_loads = Counter("scene_loads", "Scenes loaded", ["scene"], registry=registry)
        self.scene_errors = Counter("scene_load_errors", "Scenes not loaded", ["error_type"], registry=registry)
        self.logins = Counter("auth_attempts", "Tokens judged", ["result"], registry=registry)
        self.limited = Counter("rate_limit_hits", "Requests refused by the limiter", ["endpoint"], registry=registry)
        self.connections = Gauge("active_connections", "Open connections", registry=registry)
        self.audit_entries = Counter("audit_log_entries", "Audit entries written", ["result"], registry=registry)
        self.intrusions = Counter("intrusion_alerts", "Alerts of intrusion detection", ["rule"], registry=registry)
        self.violations = Counter("security_header_violations", "Answers without a security header", registry=registry)
        self._memory = Gauge("process_resident_memory_bytes", "Memory in use", registry=registry)
        self._cpu = Counter("process_cpu_seconds", "CPU time used", registry=registry)
        self._start = Gauge("process_start_time_seconds", "Start of the process", registry=registry)
        self._fps = Gauge("vr_fps", "Frames presented in a second", registry=registry)
        self._frame_time = Histogram("vr_frame_time_seconds", "Frame times", buckets=_FRAME, registry=registry)
        self._sessions = Gauge("vr_active_sessions", "Players in a VR session", registry=registry)
        self._tracking = Gauge("vr_controller_tracking_ratio", "Share of time tracked", ["hand"], registry=registry)
        self._input = Histogram("vr_input_latency_seconds", "Input to frame", buckets=_FRAME, registry=registry)
        self._prepare()

    def answered(self, endpoint: str, method: str, status: int, *, seconds: float, asked: int, sent: int) -> None:
        """Count one answer; sizes are bytes of the bodies."""
        self.requests.labels(endpoint, method, str(status)).inc()
        self.duration.labels(endpoint).observe(seconds)
        self.request_size.observe(asked)
        self.response_size.observe(sent)
        self._recent.append(seconds * 1000)

    def text(self, *, entries: dict[str, int], alerts: dict[str, int], open_connections: int, uptime_s: float) -> str:
        """The exposition text as of now."""
        self._refresh(entries, alerts, uptime_s)
        self.connections.set(open_connections)
        lines = generate_latest(self._registry).decode().splitlines()
        return "\n".join(self._edited(line) for line in lines if not self._missing(line)) + "\n"

    def _prepare(self) -> None:
        """Series that exist from the start: a counter that is not there yet is no counter at zero."""
        for result in ("success", "invalid_token", "missing_token", "expired_token"):
            self.logins.labels(result)
        for endpoint in ("/scene", "/status"):
            self.limited.labels(endpoint)
        for error in ("not_found", "not_whitelisted", "invalid_path"):
            self.scene_errors.labels(error)
        self.scene_loads.labels("res://vr_main.tscn").inc()
        for endpoint in ("/health", "/status", "/scene"):
            self.answered(endpoint, "GET", 200, seconds=0.009, asked=0, sent=400)
        for hand in ("left", "right"):
            self._tracking.labels(hand).set(0.998)
        for result in ("AUTH_SUCCESS", "AUTH_FAILURE", "RATE_LIMIT"):
            self.audit_entries.labels(result)
        self.intrusions.labels("injection_pattern")
        self._sessions.set(1)
        self._cpu.inc(self._api.uptime_s * 0.31)
        for _ in range(200):
            self._frame_time.observe(1 / self._api.fps)
            self._input.observe(0.0102)

    def _refresh(self, entries: dict[str, int], alerts: dict[str, int], uptime_s: float) -> None:
        now = time.time()
        self._cpu.inc(max(0.0, now - self._started) * 0.31)
        due = (now - self._started) * self._api.fps
        for _ in range(min(int(due), 500)):
            self._frame_time.observe(1 / self._api.fps)
        self._started = now
        self._memory.set(self._api.memory_mb * 1_048_576)
        self._start.set(now - uptime_s)
        self._fps.set(self._api.fps)
        ranked = sorted(self._recent)
        for quantile in _QUANTILES:
            self._latency.labels(str(quantile)).set(ranked[min(len(ranked) - 1, int(quantile * len(ranked)))])
        for counter, counts in ((self.audit_entries, entries), (self.intrusions, alerts)):
            for label, count in counts.items():
                child = counter.labels(label)
                child.inc(count - child._value.get())  # noqa: SLF001  # the journal and the guard keep the count

    def _missing(self, line: str) -> bool:
        declaration = line.startswith("# ")
        name = line.split(" ")[2] if declaration else re.split(r"[{ ]", line)[0]
        left_out = self._api.metrics_missing if declaration else self._api.metrics_missing + self._api.metrics_without_series
        return any(name == gone or re.fullmatch(rf"{gone}(_total|_bucket|_sum|_count)?", name) for gone in left_out)

    def _edited(self, line: str) -> str:
        series = line.rpartition(" ")[0]
        return f"{series} {self._api.metrics_set[series]}" if series in self._api.metrics_set else line
