"""The host directory is complete and right."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tarfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from preflight.rehearsal.deploy import Rehearsal
from selftest.rehearsal.conftest import Client

FILES = [
    "opt/godot/.env.production", "etc/nginx/sites-available/spacetime-api", "etc/nginx/sites-enabled/spacetime-api",
    "opt/prometheus/prometheus.yml", "opt/alertmanager/alertmanager.yml", "var/log/spacetime/godot.log",
    "opt/godot/monitoring/prometheus/prometheus_alerts.yml", "var/spool/cron/crontabs/root", "opt/scripts/backup.sh",
    "opt/godot/deploy/rollback.sh", "opt/godot/scripts/http_api/security_config.gd",
    "opt/godot/scripts/http_api/http_api_server.gd", "opt/godot/scripts/security/security_headers.gd",
    "opt/godot/project.godot", "opt/godot/VERSION", "opt/godot/CHANGELOG.md", "opt/godot/DEPLOYMENT_NOTES.md",
    "opt/godot/RUNBOOK.md", "opt/godot/CONTACTS.md", "opt/godot/web/scene_manager.html",
    "etc/letsencrypt/live/api.spacetime.production.com/fullchain.pem", "var/log/spacetime/audit/audit.log",
    "backup/spacetime/releases/previous.tar.gz",
]  # fmt: skip
ALERTS = {
    "HighHTTPErrorRate", "CriticalSlowRequests", "CriticalAuthFailureRate", "CriticalMemoryUsage", "HTTPAPIDown",
    "HealthCheckFailing", "SlowRequestLatency", "HighRateLimitHits", "HighAuthFailureRate", "HighMemoryUsage",
    "HighSceneLoadErrorRate", "ServiceDegraded", "EndpointHighErrorRate",
}  # fmt: skip


@pytest.mark.parametrize("path", FILES)
def test_the_file_is_there(clean: Rehearsal, path: str) -> None:
    assert (clean.host / path).read_bytes()


def test_secrets_are_private_and_never_committed(clean: Rehearsal) -> None:
    project = clean.host / "opt/godot"
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    committed = subprocess.run(
        ["git", "-C", project, "log", "--all", "--name-only", "--format=%s"], capture_output=True, text=True, check=True, env=env
    )

    assert stat.S_IMODE((project / ".env.production").stat().st_mode) == 0o600
    assert "VERSION" in committed.stdout
    assert ".env" not in committed.stdout
    assert (
        len(
            next(line for line in (project / ".env.production").read_text().splitlines() if line.startswith("JWT")).partition(
                "="
            )[2]
        )
        == 64
    )


def test_no_placeholder_is_left(clean: Rehearsal) -> None:
    texts = [
        path
        for path in clean.host.rglob("*")
        if path.is_file() and ".git" not in path.parts and path.suffix not in (".gz", ".pem", ".html", ".svg", ".xml")
    ]

    assert [
        path for path in texts if "@@" in path.read_text() or "<SECURE" in path.read_text() or "{{token" in path.read_text()
    ] == []


def test_monitoring_files_are_right(clean: Rehearsal) -> None:
    godot = clean.host / "opt/godot/monitoring"
    rules = [
        rule["alert"]
        for group in yaml.safe_load((godot / "prometheus/prometheus_alerts.yml").read_text())["groups"]
        for rule in group["rules"]
    ]
    dashboards = {path.stem: json.loads(path.read_text()) for path in (godot / "grafana/dashboards").glob("*.json")}

    assert set(rules) >= ALERTS
    assert {name: len(board["panels"]) for name, board in dashboards.items()} == {
        "http_api_overview": 7,
        "security": 5,
        "vr_performance": 5,
        "system": 5,
    }
    assert yaml.safe_load((clean.host / "opt/prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert yaml.safe_load((clean.host / "opt/alertmanager/alertmanager.yml").read_text())["receivers"]


def test_backups_are_recent_complete_and_kept_for_a_month(clean: Rehearsal) -> None:
    folder = clean.host / "backup/spacetime"
    archives = sorted(folder.glob("godot-*.tar.gz"))
    with tarfile.open(archives[-1]) as archive:
        names = archive.getnames()

    assert len(archives) == len(list(folder.glob("audit-*.tar.gz"))) == len(list(folder.glob("env-*.backup"))) == 30
    assert time.time() - archives[-1].stat().st_mtime < 86_400
    assert {"godot/VERSION", "godot/.env.production", "godot/project.godot"} <= set(names)


@pytest.mark.parametrize(("report", "total", "failures"), [("http_api", 57, 2), ("property", 44, 0)])
def test_results_of_the_games_tests(clean: Rehearsal, report: str, total: int, failures: int) -> None:
    root = ET.parse(clean.host / f"opt/godot/tests/reports/{report}.xml").getroot()

    assert len(root.findall(".//testcase")) == total
    assert len(root.findall(".//failure")) == failures


def test_the_rollback_script_goes_back_and_forth(client: Client) -> None:
    script, releases = client.rehearsal.host / "opt/godot/deploy/rollback.sh", client.rehearsal.host / "backup/spacetime/releases"
    back = subprocess.run([script, "--quick"], capture_output=True, text=True, check=True, timeout=60)
    then = client.ask("GET /status").json()["api_version"]
    subprocess.run([script, "--to", releases / "left-2.5.0-production.tar.gz"], capture_output=True, check=True, timeout=60)

    assert "2.5.0-production -> 2.4.3-production" in back.stdout
    assert then == "2.4.3-production"
    assert client.ask("GET /status").json()["api_version"] == "2.5.0-production"


def test_the_backup_script_works(clean: Rehearsal, tmp_path: Path) -> None:
    done = subprocess.run(
        [clean.host / "opt/scripts/backup.sh"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )

    assert done.stdout.startswith("Backup completed: ")
    assert len(list((clean.host / "backup/spacetime").glob("godot-*.tar.gz"))) == 31
