"""Faults of the monitoring, and of what it has seen since the deployment.

They are seen only where Prometheus and Alertmanager are at hand (preflight/programs.py).
"""

from __future__ import annotations

from preflight.rehearsal.behaviour import Edit
from preflight.rehearsal.faults.model import Fault, at, files, themed

_PART = "monitoring"
_PROMETHEUS = "opt/prometheus/prometheus.yml"
_ALERTS = "opt/godot/monitoring/prometheus/prometheus_alerts.yml"
_MANAGER = "opt/alertmanager/alertmanager.yml"


def _seen(name: str, breaks: str, **values: object) -> Fault:
    return Fault(name, breaks, at(_PART, **values))


FAULTS = themed(
    _PART,
    _seen("scrape_target_down", "Prometheus can't reach the game.", dead_jobs=("godot_http_api",)),
    _seen("scrape_telemetry_down", "Prometheus can't reach telemetry's metrics.", dead_jobs=("godot_telemetry",)),
    Fault(
        "scrape_pace_slow",
        "Prometheus looks once a minute instead of every 15 s.",
        files(Edit("replace", _PROMETHEUS, "global:\n  scrape_interval: 60s", r"global:\n  scrape_interval: 15s")),
    ),
    Fault(
        "scrape_job_slow",
        "Prometheus asks the game every 16 s instead of every 15 s.",
        files(
            Edit("replace", _PROMETHEUS, "scrape_interval: 16s\n    scrape_timeout", r"scrape_interval: 15s\n    scrape_timeout")
        ),
    ),
    Fault(
        "scrape_telemetry_slow",
        "Prometheus asks telemetry every five minutes.",
        files(Edit("replace", _PROMETHEUS, "scrape_interval: 300s", "scrape_interval: 30s")),
    ),
    _seen("host_not_watched", "Prometheus can't reach the host's own figures.", dead_jobs=("node",)),
    Fault("metric_not_exported", "The game does not export its connections.", at("api", metrics_missing=("active_connections",))),
    Fault(
        "requests_not_counted",
        "The game's metrics stand still at the requests of /status.",
        at("api", metrics_set={'http_requests_total{endpoint="/status",method="GET",status="200"}': 1234.0}),
    ),
    Fault(
        "rule_missing",
        "There is no alert on critical memory.",
        files(Edit("replace", _ALERTS, "", r"      - alert: CriticalMemoryUsage\n(?:        .*\n)+")),
    ),
    Fault(
        "rule_threshold_wrong",
        "The alert on errors fires at 50 % instead of 5 %.",
        files(Edit("replace", _ALERTS, "> 0.5\n        for: 5m", r"> 0\.05\n        for: 5m")),
    ),
    Fault(
        "rule_duration_wrong",
        "The alert on slow requests waits for an hour.",
        files(Edit("replace", _ALERTS, "> 0.5\n        for: 60m", r"> 0\.5\n        for: 10m")),
    ),
    Fault(
        "rule_severity_wrong",
        "The alert on very slow requests is a warning.",
        files(Edit("replace", _ALERTS, "> 2\n        for: 5m\n        labels: {severity: warning}", r"> 2\n.*\n.*critical\}")),
    ),
    Fault(
        "rule_blind",
        "The alert on limiter hits asks for a metric that does not exist.",
        files(Edit("replace", _ALERTS, "rate_limit_hit_total", "rate_limit_hits_total")),
    ),
    Fault(
        "rule_of_another_job",
        "The alert on the API's absence watches telemetry.",
        files(Edit("replace", _ALERTS, 'expr: up{job="godot_telemetry"} == 0', r'expr: up\{job="godot_http_api"\} == 0')),
    ),
    Fault(
        "rule_fails",
        "A rule that records something can't be evaluated: several series answer to each other.",
        files(
            Edit(
                "replace",
                _ALERTS,
                "groups:\n  - name: spacetime_recorded\n    rules:\n      - record: job:http_requests:share\n"
                "        expr: http_requests_total / on() group_left() http_requests_total\n",
                r"groups:\n",
            )
        ),
    ),
    _seen("rules_not_loaded", "Prometheus was not reloaded since the rules were written.", unloaded=True),
    Fault(
        "rule_file_elsewhere",
        "prometheus.yml names a rule file that is not there.",
        files(Edit("replace", _PROMETHEUS, "alerts_old.yml", r"prometheus_alerts\.yml")),
    ),
    Fault(
        "alertmanager_unknown",
        "Prometheus knows no Alertmanager.",
        files(Edit("replace", _PROMETHEUS, "", r"^alerting:\n(?: +.*\n)+")),
    ),
    Fault(
        "alertmanager_elsewhere",
        "Prometheus sends its alerts to a port where nothing listens.",
        files(Edit("replace", _PROMETHEUS, "localhost:9094", "localhost:9093")),
    ),
    Fault(
        "critical_route_wrong",
        "Critical alerts do not reach whoever is on call.",
        files(
            Edit(
                "replace",
                _MANAGER,
                "severity: page\n      receiver: 'pagerduty'",
                r"severity: critical\n      receiver: 'pagerduty'",
            )
        ),
    ),
    Fault(
        "critical_route_muted",
        "Whoever is on call is not told of critical alerts outside of office hours.",
        files(
            Edit(
                "replace",
                _MANAGER,
                "severity: critical\n      receiver: 'pagerduty'\n      active_time_intervals: ['office']",
                r"severity: critical\n      receiver: 'pagerduty'",
            ),
            Edit(
                "append",
                _MANAGER,
                "\ntime_intervals:\n  - name: 'office'\n    time_intervals:\n      - weekdays: ['monday:friday']\n"
                "        times: [{start_time: '08:00', end_time: '18:00'}]\n",
            ),
        ),
    ),
    Fault(
        "alerts_repeated_rarely",
        "What goes on is told again after two days instead of twelve hours.",
        files(Edit("replace", _MANAGER, "repeat_interval: 48h", "repeat_interval: 12h")),
    ),
    Fault(
        "alert_mail_without_subject",
        "The mails do not say in their subject what is wrong.",
        files(Edit("replace", _MANAGER, "Subject: '[ALERT] SpaceTime'", r"Subject: .*")),
    ),
    Fault(
        "inhibition_swallows",
        "A critical alert silences every other one of its name.",
        files(
            Edit(
                "replace",
                _MANAGER,
                "    target_match:\n      environment: 'production'\n",
                r"    target_match:\n      severity: 'warning'\n",
            )
        ),
    ),
    Fault(
        "mail_password_placeholder",
        "The mail account's password was never filled in.",
        files(Edit("replace", _MANAGER, "smtp_auth_password: '<SECURE_PASSWORD>'", r"smtp_auth_password: .*")),
    ),
    _seen("receiver_broken", "The mail server takes no mail.", broken_receiver=True),
    _seen("warnings_silenced", "A silence that was forgotten holds every warning back.", silenced="warning"),
    _seen("critical_alerts_silenced", "A silence that was forgotten holds every critical alert back.", silenced="critical"),
    _seen("errors_just_over", "1.1 % of the requests fail.", error_percent=1.1),
    _seen("errors_over_5", "6 % of the requests fail.", error_percent=6.0),
    _seen("errors_over_10", "11 % of the requests fail.", error_percent=11.0),
    _seen("cpu_just_over", "The CPU is used to 71 %.", cpu_percent=71.0),
    _seen("cpu_over_90", "The CPU is used to 91 %.", cpu_percent=91.5),
    _seen("leak_slow", "The game leaks 5 MB an hour.", memory_growth_mb=120.0),
    _seen("host_too_small", "The game uses 81 % of the host's memory.", host_memory_mb=757.0),
    _seen("restarted_once", "The game was restarted an hour after the deployment.", restarts=(1.0,)),
    _seen("outage_short", "The API was down for three minutes at night.", down=((10.0, 3.0),)),
    _seen("scrape_gap", "Nothing was scraped for 20 minutes of the first hour.", gaps=((0.4, 20.0),)),
    _seen("latency_rising", "Answers take longer by the hour.", latency_growth=18.0),
    _seen("latency_high", "P95 is over 200 ms since the deployment.", latency_ms=120.0),
    _seen("logins_failing", "1.5 % of the tokens are refused.", failed_logins_percent=1.5),
    _seen("logins_failing_often", "A third of the tokens is refused.", failed_logins_percent=33.0),
    _seen("traffic_rising", "There were twice as many requests after an hour, and more with each.", requests_growth=24.0),
    _seen("leak_fast", "The game leaks 100 MB an hour.", memory_growth_mb=2400.0, host_memory_mb=16384.0),
    _seen("outage_twice", "The API was down twice in the first four hours.", down=((1.3, 3.0), (2.8, 3.0))),
    _seen("outage_long", "The API was down for an hour at night.", down=((10.0, 60.0),)),
    _seen(
        "security_alert",
        "An alert on failed logins was raised in the second hour.",
        alerts=(("CriticalAuthFailureRate", "critical", 1.5, 10.0),),
    ),
    _seen("traffic_flood", "For a quarter of an hour there were twelve times the requests.", peak=(9.0, 12.0)),
    _seen("disk_filling", "The disk fills up by 15 % a day.", disk_percent=60.0, disk_growth=15.0),
    _seen("frames_low", "The headset shows 84 frames a second.", fps=84.0),
    _seen(
        "alert_false",
        "An alert on memory was raised although memory was in order.",
        alerts=(("HighMemoryUsage", "warning", 6.0, 10.0),),
    ),
)

LOOK_ALIKES = themed(
    _PART,
    _seen("errors_just_under", "0.9 % of the requests fail.", error_percent=0.9),
    _seen("cpu_just_under", "The CPU is used to 69 %.", cpu_percent=69.0),
    _seen("night_without_players", "Nobody is in VR at night, and the frame rate stands at zero.", alone=((9.0, 480.0),)),
    _seen("host_just_large_enough", "The game uses 78 % of the host's memory.", host_memory_mb=790.0),
    _seen("memory_falls", "Memory falls by 30 MB over the day.", memory_growth_mb=-30.0),
    Fault(
        "warnings_wait",
        "Warnings have a route of their own, which gathers them for half a minute as Alertmanager does by itself.",
        files(
            Edit(
                "replace",
                _MANAGER,
                "  routes:\n    - match:\n        severity: warning\n      receiver: 'team-email'\n      group_wait: 30s\n\n",
                r"  routes:\n",
            )
        ),
    ),
    Fault(
        "counters_without_series",
        "No scene has ever failed to load, and no audit entry was counted: such counters are declared and have no series yet.",
        at("api", metrics_without_series=("scene_load_errors", "audit_log_entries")),
    ),
    Fault(
        "rule_stricter",
        "The alert on errors fires at 4 % already, and is written in percent.",
        files(
            Edit(
                "replace",
                _ALERTS,
                'expr: 100 * sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 4',
                r"expr: sum\(.*> 0\.05",
            )
        ),
    ),
    Fault(
        "rules_of_one_name",
        "The two alerts on memory have one name and differ by their severity.",
        files(Edit("replace", _ALERTS, "alert: HighMemoryUsage", r"alert: CriticalMemoryUsage")),
    ),
    Fault(
        "rule_over_recorded",
        "The alert on errors asks for a share that another rule records.",
        files(
            Edit("replace", _ALERTS, "expr: job:http_errors:ratio_rate5m > 0.05", r"expr: sum\(.*> 0\.05$"),
            Edit(
                "replace",
                _ALERTS,
                "groups:\n  - name: spacetime_recorded\n    rules:\n      - record: job:http_errors:ratio_rate5m\n"
                '        expr: sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))\n',
                r"groups:\n",
            ),
        ),
    ),
    Fault(
        "rule_guarded",
        "The alert on errors fires only where there are requests at all.",
        files(Edit("replace", _ALERTS, "expr: sum(rate(http_requests_total[5m])) > 0.1 and sum(", r"expr: sum\((?=.*> 0\.05$)")),
    ),
)
