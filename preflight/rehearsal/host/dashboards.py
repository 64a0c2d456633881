"""The four Grafana dashboards, one panel for each that the checklist lists."""

from __future__ import annotations

import json
from typing import Any

_UP = 'up{job="godot_http_api"}'
_MEMORY = 'process_resident_memory_bytes{job="godot_http_api"}'
_QUANTILE = "histogram_quantile({q}, sum(rate(http_request_duration_seconds_bucket[5m])) by (le))"

DASHBOARDS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "http_api_overview": (
        "HTTP API Overview",
        {
            "Request rate (requests/sec)": ("sum(rate(http_requests_total[5m]))",),
            "Error rate (%)": ('100 * sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))',),
            "Latency percentiles (P50, P95, P99)": tuple(_QUANTILE.format(q=q) for q in ("0.5", "0.95", "0.99")),
            "Active connections": ("active_connections",),
            "Memory usage": (_MEMORY,),
            "Top endpoints by request count": ("topk(10, sum(increase(http_requests_total[1h])) by (endpoint))",),
            "Top endpoints by latency": (
                "topk(10, histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (endpoint, le)))",
            ),
        },
    ),
    "security": (
        "Security",
        {
            "Authentication attempts (success/failure)": ("sum(rate(auth_attempts_total[5m])) by (result)",),
            "Rate limit hits": ("sum(rate(rate_limit_hits_total[5m])) by (endpoint)",),
            "Security header violations": ("increase(security_header_violations_total[1h])",),
            "Audit log entries": ("sum(rate(audit_log_entries_total[5m])) by (result)",),
            "Intrusion detection alerts": ("sum(increase(intrusion_alerts_total[1h])) by (rule)",),
        },
    ),
    "vr_performance": (
        "VR Performance",
        {
            "FPS over time": ("vr_fps",),
            "Frame time distribution": ("sum(rate(vr_frame_time_seconds_bucket[5m])) by (le)",),
            "Memory usage": (_MEMORY,),
            "Active VR sessions": ("vr_active_sessions",),
            "Controller tracking quality": ("vr_controller_tracking_ratio",),
        },
    ),
    "system": (
        "System",
        {
            "CPU usage": ('rate(process_cpu_seconds_total{job="godot_http_api"}[5m])',),
            "Memory usage": (_MEMORY,),
            "Disk I/O": ("rate(node_disk_read_bytes_total[5m])", "rate(node_disk_written_bytes_total[5m])"),
            "Network I/O": ("rate(node_network_receive_bytes_total[5m])", "rate(node_network_transmit_bytes_total[5m])"),
            "Process status": (_UP, 'time() - process_start_time_seconds{job="godot_http_api"}'),
        },
    ),
}


def dashboard_text(uid: str) -> str:
    """The JSON model of one dashboard, as Grafana imports it."""
    title, panels = DASHBOARDS[uid]
    source = {"type": "prometheus", "uid": "prometheus"}
    model: dict[str, Any] = {
        "uid": uid.replace("_", "-"),
        "title": title,
        "tags": ["spacetime"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "panels": [
            {
                "id": number + 1,
                "title": name,
                "type": "timeseries",
                "datasource": source,
                "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
                "targets": [
                    {"refId": chr(65 + index), "datasource": source, "expr": expression}
                    for index, expression in enumerate(expressions)
                ],
            }
            for number, (name, expressions) in enumerate(panels.items())
        ],
    }
    return json.dumps(model, indent=2) + "\n"
