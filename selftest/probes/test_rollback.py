"""The drill is begun only where it can be undone, and what it leaves is put back."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from preflight.errors import LookError, Undecided
from preflight.probes import processes, rollback
from preflight.probes.host import LocalHost, Ran
from preflight.probes.http import Answer
from preflight.redact import Secret
from preflight.target import Target, load
from selftest.probes.hosts import Files

SCRIPT = """#!/bin/bash
set -eu
cd "$(dirname "$0")/../../.."
case "$1" in
    --quick) cp opt/godot/VERSION backup/spacetime/releases/left-1.tar.gz; {quick} ;;
    --to) cp "$2" opt/godot/VERSION ;;
esac
"""


class Game:
    """An API that answers as a game of the version on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def get(self, path: str, token: Any = None) -> Answer:
        version = (self.root / "opt/godot/VERSION").read_text().strip()
        body = f'{{"status": "healthy", "api_version": "{version}"}}'.encode()
        return Answer("GET", path, 401 if path == "/scene" and token is None else 200, (), body, 0.01, bool(token), "curl")


def deployment(folder: Path, quick: str) -> tuple[LocalHost, Target, Game]:
    for place in ("opt/godot/deploy", "backup/spacetime/releases"):
        (folder / place).mkdir(parents=True)
    (folder / "opt/godot/VERSION").write_text("2.5.0\n")
    script = folder / "opt/godot/deploy/rollback.sh"
    script.write_text(SCRIPT.format(quick=quick))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    file = folder / "target.toml"
    file.write_text(
        f'name = "t"\nbuild = "2.5.0"\n[api]\nurl = "http://127.0.0.1:1"\n[host]\nkind = "local"\nroot = "{folder}"\n'
    )
    return LocalHost(PurePosixPath(folder)), load(file), Game(folder)


def version(folder: Path) -> str:
    return (folder / "opt/godot/VERSION").read_text().strip()


@pytest.mark.parametrize(
    ("quick", "status", "during"),
    [
        ("echo 2.4.3 > opt/godot/VERSION", 0, "2.4.3"),
        ("true", 0, "2.5.0"),
        ("echo broken > opt/godot/VERSION; exit 2", 2, "broken"),
    ],
)
def test_whatever_the_script_did_is_undone(tmp_path: Path, quick: str, status: int, during: str) -> None:
    host, target, game = deployment(tmp_path, quick)

    with rollback.drill(host, target, game, Secret("x" * 20)) as done:  # type: ignore[arg-type]
        assert (done.ran.status, done.version_file, done.version_said) == (status, during, during)
        assert (done.without_token, done.with_token, done.failed) == (401, 200, 0)

    assert version(tmp_path) == "2.5.0"


def test_a_game_that_the_script_starts_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollback, "GIVE_UP_SECONDS", 5.0)
    starts = "sleep 30 & echo $! > pid; echo begun; echo 2.4.3 > opt/godot/VERSION; echo done >&2"
    host, target, game = deployment(tmp_path, starts)
    began = time.monotonic()

    try:
        with rollback.drill(host, target, game, Secret("x" * 20)) as done:  # type: ignore[arg-type]
            assert (done.ran.status, done.left, done.version_file) == (0, "begun | done", "2.4.3")
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    assert time.monotonic() - began < 4
    assert version(tmp_path) == "2.5.0"


def test_a_script_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollback, "GIVE_UP_SECONDS", 0.5)
    host, target, game = deployment(tmp_path, "exec sleep 30")

    with rollback.drill(host, target, game, Secret("x" * 20)) as done:  # type: ignore[arg-type]
        assert (done.ran.status, done.left) == (-1, "not done after 0 s")


def test_what_could_not_be_undone_is_not_begun(tmp_path: Path) -> None:
    host, target, game = deployment(tmp_path, "echo 2.4.3 > opt/godot/VERSION")
    script = tmp_path / "opt/godot/deploy/rollback.sh"
    script.write_text(script.read_text().replace("--to)", "--other)"))

    with pytest.raises(Undecided, match="could not be undone"), rollback.drill(host, target, game, Secret("x")):  # type: ignore[arg-type]
        pass
    assert version(tmp_path) == "2.5.0"


def test_a_version_that_does_not_come_back_is_said(tmp_path: Path) -> None:
    host, target, game = deployment(tmp_path, "rm backup/spacetime/releases/*; echo 2.4.3 > opt/godot/VERSION")

    with pytest.raises(LookError, match="by hand"), rollback.drill(host, target, game, Secret("x")):  # type: ignore[arg-type]
        pass


def test_another_machine_is_not_drilled(tmp_path: Path) -> None:
    _, target, game = deployment(tmp_path, "true")

    with pytest.raises(Undecided, match="on the host itself"), rollback.drill(Files({}), target, game, Secret("x")):  # type: ignore[arg-type]
        pass


PS = """    PID                  STARTED ELAPSED COMMAND         COMMAND
      1 Fri Jan  2 10:00:00 2026     100 systemd         /sbin/init
     20 Fri Jan  2 10:00:00 2026     100 godot           /opt/bin/godot --path /opt/godot
     21 Fri Jan  2 10:00:00 2026     100 nginx           nginx: master process /usr/sbin/nginx
     22 Fri Jan  2 10:00:00 2026     100 prometheus      /opt/prometheus/prometheus --config.file=/opt/prometheus/prometheus.yml
     23 Fri Jan  2 10:00:00 2026     100 tail            tail -f /var/log/grafana/grafana.log
     24 Fri Jan  2 10:00:00 2026     100 alertmanager    [alertmanager] <defunct>
"""


def test_processes_are_told_by_what_runs_not_by_what_is_named(tmp_path: Path) -> None:
    _, target, _ = deployment(tmp_path, "true")
    commands = processes.running(Files({}, says={"processes": Ran(0, PS)}))

    assert processes.missing(commands, target) == ["Grafana", "Alertmanager"]


def test_a_folder_is_no_machine(tmp_path: Path) -> None:
    _, target, _ = deployment(tmp_path, "true")

    with pytest.raises(Undecided, match="this machine"):
        processes.must_be_a_machine(target)


def test_services_that_do_not_come_back_are_named() -> None:
    host = Files({}, says={"units": Ran(1, "enabled\ndisabled\nmasked\n")})

    assert processes.not_enabled(host) == ["grafana-server is disabled", "alertmanager is masked"]
    with pytest.raises(LookError):
        processes.not_enabled(Files({}, says={"units": Ran(1, "System has not been booted with systemd\n")}))
