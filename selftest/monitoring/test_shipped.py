"""What `monitoring/` offers is what the rehearsal deploys."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import promql_parser
import pytest

from preflight import programs
from preflight.checklist import ROOT
from preflight.rehearsal import host
from preflight.rehearsal.host.dashboards import DASHBOARDS, dashboard_text

RULES = "monitoring/prometheus/prometheus_alerts.yml"


def test_rules_are_the_rehearsals() -> None:
    deployed = Path(host.__file__).parent / "files/opt/godot" / RULES

    assert (ROOT / RULES).read_text() == deployed.read_text()


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_dashboards_are_the_rehearsals_and_ask_what_can_be_asked(uid: str) -> None:
    text = (ROOT / f"monitoring/grafana/dashboards/{uid}.json").read_text()

    assert text == dashboard_text(uid)
    for panel in json.loads(text)["panels"]:
        for target in panel["targets"]:
            promql_parser.parse(target["expr"])


@pytest.mark.skipif(programs.find("promtool") is None, reason="promtool is not at hand")
def test_promtool_takes_the_rules() -> None:
    done = subprocess.run([str(programs.find("promtool")), "check", "rules", str(ROOT / RULES)], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
