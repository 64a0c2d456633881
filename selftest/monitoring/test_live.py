"""The rehearsal's monitoring for real: scraped, back-filled, on loopback, and gone afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from preflight import checklist, programs
from preflight.errors import Undecided
from preflight.manners import admit
from preflight.outcome import Reason
from preflight.probes import promrules
from preflight.probes.gamejob import game_job
from preflight.probes.prometheus import Prometheus
from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.deploy import Rehearsal
from preflight.target import load

pytestmark = pytest.mark.skipif(bool(programs.missing(programs.MONITORING)), reason="Prometheus and Alertmanager are not at hand")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rehearsal, Prometheus]]:
    with Rehearsal(Deployment(), tmp_path_factory.mktemp("monitoring") / "clean") as rehearsal:
        prometheus = Prometheus(rehearsal.prometheus_url, None, "selftest", young=True)
        prometheus.settle()
        yield rehearsal, prometheus


def test_everything_is_scraped_soon_after_the_start(running: tuple[Rehearsal, Prometheus]) -> None:
    rehearsal, prometheus = running

    assert rehearsal.seconds_to_ready < 8
    assert {one.job: one.health for one in prometheus.targets()} == {
        "godot_http_api": "up",
        "godot_telemetry": "up",
        "node": "up",
    }


def test_a_whole_day_is_there(running: tuple[Rehearsal, Prometheus]) -> None:
    _, prometheus = running
    now = time.time()
    found = prometheus.range('count_over_time(up{job="godot_http_api"}[1h])', now - 24.5 * 3600, now - 1800, 3600)[0]

    assert set(found.values) == {240.0}


def test_history_and_present_are_one_series(running: tuple[Rehearsal, Prometheus]) -> None:
    _, prometheus = running
    found = prometheus.range('count(http_requests_total{endpoint="/status",status="200"})', time.time() - 3600, time.time(), 15)

    assert len(found) == 1
    assert set(found[0].values) == {1.0}


def test_what_was_there_lately_and_what_is_declared_is_told_from_what_is_neither(running: tuple[Rehearsal, Prometheus]) -> None:
    _, prometheus = running

    assert prometheus.had('vr_fps{job="godot_http_api"}', "5m")
    assert not prometheus.had('vr_fps{job="node"}', "1h")
    assert prometheus.declares("scene_load_errors_total", "godot_http_api")
    assert prometheus.declares("http_request_size_bytes_bucket")
    assert not prometheus.declares("scene_load_errors_total", "node")
    assert not prometheus.declares("scene_load_error_total")
    assert not prometheus.declares("vr_fps"), "a gauge without a series shows nothing"


def test_rules_are_loaded_and_alerts_have_somewhere_to_go(running: tuple[Rehearsal, Prometheus]) -> None:
    _, prometheus = running

    assert len(prometheus.rules()) == 14
    assert all(rule.health == "ok" for rule in prometheus.rules())
    assert prometheus.alertmanagers()


def test_shipped_rules_see_the_game(running: tuple[Rehearsal, Prometheus]) -> None:
    _, prometheus = running
    rules = prometheus.rules()

    assert promrules.blind(prometheus, rules, ()) == []
    assert promrules.strangers(prometheus, rules, (), game_job(prometheus)) == []


def test_servers_listen_on_loopback_only_and_end_with_the_rehearsal(tmp_path: Path) -> None:
    with Rehearsal(Deployment(), tmp_path / "short") as rehearsal:
        monitoring = rehearsal.pids["monitoring"]
        Prometheus(rehearsal.prometheus_url, None, "selftest", young=True).settle()
        servers = [pid for pid in children(monitoring) if "prometheus" in command(pid)]
        assert len(servers) == 2
        for pid in servers:
            assert "--web.listen-address=127.0.0.1:" in command(pid)
        assert any("--cluster.listen-address=\0" in command(pid) + "\0" for pid in servers)

    assert not [pid for pid in (monitoring, *servers) if Path(f"/proc/{pid}").exists()]


def test_rehearsal_that_ends_at_once_leaves_nothing(tmp_path: Path) -> None:
    with Rehearsal(Deployment(), tmp_path / "short") as rehearsal:
        monitoring = rehearsal.pids["monitoring"]
    assert not Path(f"/proc/{monitoring}").exists()


def test_without_programs_the_target_names_no_monitoring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_PROGRAMS", str(tmp_path / "empty"))
    with Rehearsal(Deployment(), tmp_path / "bare") as rehearsal:
        assert "[prometheus]" not in rehearsal.target.read_text()
        assert "monitoring" not in rehearsal.pids
        target = load(rehearsal.target, {**os.environ, **rehearsal.environment})
    item = next(one for one in checklist.load(checklist.CHECKLIST).item if "prometheus" in one.needs)
    with pytest.raises(
        Undecided, match=r"prometheus, .* not on this machine; get them by `python -m preflight.programs`"
    ) as raised:
        admit(item, target, [item.stage], distributed=False)
    assert raised.value.reason is Reason.PROGRAM


def children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
