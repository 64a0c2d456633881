"""The items on Grafana, from the target file to the record: a stand-in that is right, and one where everything is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from preflight.checklist import ROOT
from preflight.rehearsal.host.dashboards import DASHBOARDS, dashboard_text
from selftest.monitoring.test_grafana import StandIn

ITEMS = {f"HLT-GRAF-0{number}" for number in range(1, 10)} | {"HLT-AFTER-05", "HLT-AFTER-06"}
LACKING = {"http_api_overview": "Active", "security": "Rate limit", "vr_performance": "FPS", "system": "Network"}
"""The panel that each dashboard lacks where everything is wrong, by how its title begins."""


class Right(StandIn):
    wrong = False

    def do_GET(self) -> None:  # noqa: N802 - so the library calls it
        login, path = self.headers.get("Authorization", ""), urlsplit(self.path)
        if path.path == "/api/health":
            return self._say({"database": "failing" if self.wrong else "ok"})
        if login != "Bearer viewer" and not self.wrong:
            return self._say({"message": "Unauthorized"}, 401)
        uid = path.path.rpartition("/")[2]
        if path.path == "/api/datasources":
            return self._say([{"type": "prometheus", "uid": "p", "name": "Metrics"}])
        if path.path == "/api/datasources/uid/p/health":
            return self._say({"status": "ERROR" if self.wrong else "OK", "message": "said"})
        if path.path == "/api/search":
            return self._say([{"uid": name} for name in DASHBOARDS])
        if path.path.startswith("/api/dashboards/uid/"):
            return self._say({"dashboard": self._dashboard(uid)})
        if uid == "query" and self.wrong and "node_disk" in parse_qs(path.query)["query"][0]:
            return self._say({"status": "error"}, 400)
        if uid == "query":
            return self._say({"data": {"result": [] if self.wrong else [{}]}})
        return self._say({"data": {}} if uid == "metadata" else {})

    def _dashboard(self, uid: str) -> object:
        model = json.loads(dashboard_text(uid))
        if self.wrong:
            model["panels"] = [panel for panel in model["panels"] if not panel["title"].startswith(LACKING[uid])]
        return model


class Wrong(Right):
    wrong = True


@pytest.mark.parametrize("kind", [Right, Wrong])
def test_items_on_grafana(kind: type[Right], tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    file = tmp_path / "target.toml"
    file.write_text(
        'name = "grafana"\nbuild = "2.5.0"\n[api]\nurl = "https://localhost:9"\n'
        f'[grafana]\nurl = "http://127.0.0.1:{server.server_port}"\n[secrets]\ngrafana_token = "env:VIEWER"\n'
        '[times]\ndeployed_at = "2026-01-01T00:00:00Z"\n'
    )
    words = ["tests/health/test_grafana.py", "--target", str(file), "--record", str(tmp_path / "records"), "-q", "-p", "no:html"]
    environment = {**os.environ, "VIEWER": "viewer", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    server.shutdown()
    server.server_close()
    record = tmp_path / "records" / "latest" / "record.json"
    assert record.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    found = {item["id"]: (item["status"], item["reason"]) for item in json.loads(record.read_text())["items"]}

    for item in ITEMS:
        assert found[item][0] in (("FAIL", "WARN") if kind.wrong else ("PASS",)), (item, found[item])
