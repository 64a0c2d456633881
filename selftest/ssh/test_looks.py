"""A host by SSH against the real OpenSSH server says the same as a folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from preflight.checklist import ROOT
from preflight.errors import LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes import host as looking
from preflight.probes import versioncontrol
from preflight.probes.host import LocalHost, host_of, read, read_text, walk
from preflight.probes.sshhost import SshHost
from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.deploy import Rehearsal
from preflight.target import load
from selftest.ssh.sshd import USER, WHY_NOT, Server, state

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def test_files_are_seen_as_from_the_machine_itself_and_left_alone(ssh: SshHost, local: LocalHost, files: Path) -> None:
    before = state(files)
    paths = ["opt/game/.env", "opt/game/run.sh", "opt/game", "opt/game/link", "opt/game/broken", "opt/none", "opt/game/.env/x"]
    for path in (f"/{path}" for path in paths):
        there, here = ssh.facts(path), local.facts(path)
        assert (there is None) == (here is None), path
        if there and here:
            assert (there.size, there.mode, there.is_folder, there.permissions) == (
                here.size,
                here.mode,
                here.is_folder,
                here.permissions,
            )
            assert there.modified == int(here.modified)  # SFTP knows whole seconds

    assert ssh.listing("/opt/game") == local.listing("/opt/game")
    assert [path for path, _ in walk(ssh, "/opt")] == [path for path, _ in walk(local, "/opt")]
    assert read_text(ssh, "/opt/game/.env") == "A=1\nB=ä\n"
    assert read(ssh, "/opt/game/link") == read(local, "/opt/game/link")
    assert state(files) == before


def test_a_file_is_read_from_anywhere(ssh: SshHost, local: LocalHost) -> None:
    for host in (ssh, local):
        with host.open("/opt/game/logs/game.log") as log:
            size = log.seek(0, os.SEEK_END)
            assert log.read(1) == b""
            log.seek(size - 11)
            assert log.readline() == b"line 29999\n"
            log.seek(0)
            assert (log.readline(), log.tell(), sum(1 for _ in log)) == (b"line 0\n", 7, 29_999)


@pytest.mark.parametrize(("path", "look"), [("/opt/none", "open"), ("/opt/game", "open"), ("/opt/none", "listing")])
def test_what_cannot_be_read_is_named(ssh: SshHost, local: LocalHost, path: str, look: str) -> None:
    for host in (ssh, local):
        with pytest.raises(LookError, match=f"^{path}.* can't be ") as said:
            read(host, path) if look == "open" else host.listing(path)
        assert not isinstance(said.value, Unreachable)


def test_a_name_of_other_bytes_is_said_to_be_one(ssh: SshHost, files: Path) -> None:
    (files / "opt/game/logs" / os.fsdecode(b"\xff.log")).write_text("")
    with pytest.raises(LookError, match=r"^/opt/game/logs on 127\.0\.0\.1 can't be read: a name there is no UTF-8"):
        ssh.listing("/opt/game/logs")
    assert ssh.listing("/opt/game/logs/older") == ["a log.1"]


def test_without_sftp_it_is_said_what_is_missing(server: Server, files: Path) -> None:
    settings = server.folder / "config"
    settings.write_text(settings.read_text().replace("Subsystem sftp internal-sftp\n", ""))
    server.stop()
    server.start()
    host = server.host(files)
    with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 lets nobody read files by SFTP .*Subsystem sftp"):
        host.facts("/opt")
    assert host.run("clock").status == 0
    host.close()


def test_what_the_user_may_not_read_is_named(server: Server, files: Path) -> None:
    root = os.getuid() == 0
    (files / "opt/game/.env").chmod(0o600 if root else 0)
    host = server.host(files, "nobody" if root else USER)
    with pytest.raises(LookError, match=r"^/opt/game/\.env on 127\.0\.0\.1 can't be read: Permission denied"):
        read(host, "/opt/game/.env")
    host.close()


def test_commands_say_the_same(ssh: SshHost, local: LocalHost, files: Path) -> None:
    there, here = (host.run("disk", ".", folder="/opt/game") for host in (ssh, local))
    assert there.status == here.status == 0
    # how much is free may change in between
    assert [line.split()[:2] for line in there.output.splitlines()] == [line.split()[:2] for line in here.output.splitlines()]
    assert abs(int(ssh.run("clock").output) - time.time()) < 5
    processes = ssh.run("processes").output.splitlines()
    assert processes[0] == local.run("processes").output.splitlines()[0]
    assert str(os.getpid()) in {line.split()[0] for line in processes}


def test_git_answers_the_same_whoever_owns_the_repository(ssh: SshHost, local: LocalHost, files: Path, server: Server) -> None:
    project = files / "opt/game"
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    (project / ".gitignore").write_text(".env\n")
    for words in ("init -q", "add run.sh", "-c user.name=a -c user.email=a@b.example commit -q -m one"):
        subprocess.run(["git", *words.split()], cwd=project, check=True, env=quiet)
    if os.getuid() == 0:
        for path in (project, *project.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)
    for home in (server.home, server.folder):  # what somebody ignores everywhere is no part of the repository
        (home / ".gitconfig").write_text(f"[core]\nexcludesFile = {server.folder}/everything\n")
    (server.folder / "everything").write_text("*\n")
    before = state(files)

    for name, known in (("run.sh", (True, 1, False)), (".env", (False, 0, True)), ("link", (False, 0, False))):
        for host in (ssh, local):
            found = versioncontrol.of(host, f"/opt/game/{name}")
            assert found is not None
            assert (found.tracked, found.commits, found.ignored) == known, (name, host.name)
    assert state(files) == before


def test_a_folder_that_is_not_there_is_no_missing_program(ssh: SshHost, local: LocalHost) -> None:
    for host in (ssh, local):
        with pytest.raises(LookError, match=r"^/opt/none.* can't be entered"):
            host.run("disk", ".", folder="/opt/none")


def test_programs_of_the_superuser_are_found_and_others_are_missed(
    ssh: SshHost, local: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setitem(looking.COMMANDS, "absent", ("no-such-program", "-t"))
    monkeypatch.setitem(looking.COMMANDS, "in sbin", ("sshd", "-?"))
    for host in (ssh, local):
        assert "usage" in host.run("in sbin").output
        with pytest.raises(Undecided, match=r"^no-such-program is not on") as said:
            host.run("absent")
        assert said.value.reason is Reason.PROGRAM


def test_the_target_file_and_the_users_ssh_settings_lead_there(server: Server, files: Path, tmp_path: Path) -> None:
    (server.home / ".ssh/config").write_text(f"Host game\n HostName 127.0.0.1\n Port {server.port}\n User {USER}\n")
    shutil.copy(server.key, server.home / "key")
    target = tmp_path / "target.toml"
    text = (
        f'name = "t"\nbuild = "1"\n[api]\nurl = "http://127.0.0.1:1"\n[host]\nkind = "ssh"\naddress = "game"\nroot = "{files}"\n'
    )
    target.write_text(f'{text}[secrets]\nssh_key = "file:~/key"\n')
    host = host_of(load(target))
    assert host.facts("/opt/game/.env")
    host.close()

    target.write_text(f'{text}[secrets]\nssh_key = "env:KEY"\n')
    with pytest.raises(Undecided, match="an SSH key is a file"):
        host_of(load(target, {"KEY": "text"}))


@pytest.mark.lengthy
def test_a_run_by_ssh_comes_to_the_same_as_one_on_the_host(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFLIGHT_PROGRAMS", str(tmp_path / "none"))
    monkeypatch.setenv("PREFLIGHT_BROWSER", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Rehearsal(Deployment(), tmp_path / "rehearsal") as rehearsal:
        facts = tomllib.loads(rehearsal.target.read_text())
        here = statuses(rehearsal, facts, tmp_path / "here")
        facts["host"] = {"kind": "ssh", "address": "127.0.0.1", "port": server.port, "user": USER, "root": str(rehearsal.host)}
        facts["secrets"]["ssh_key"] = f"file:{server.key}"
        there = statuses(rehearsal, facts, tmp_path / "there")
    assert there == here
    assert "ERROR" not in there.values()
    assert sum(status == "PASS" for status in there.values()) > 60
    assert server.sessions() == []


def statuses(rehearsal: Rehearsal, facts: Mapping[str, Any], place: Path) -> dict[str, str]:
    """The status of every item, as a user's run gives it."""
    place.mkdir()
    target = place.parent / "target.toml"  # the same place for both runs, which share what they may send
    target.write_text(tomli_w.dumps(facts))
    words = ["--target", str(target), f"--record={place}", "-q", "-p", "no:html", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *words, "-m", "not measuring and not intrusive"]
    environment = {**os.environ, **rehearsal.environment}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert "Traceback" not in done.stdout + done.stderr
    items = json.loads((place / "latest" / "record.json").read_text())["items"]
    return {item["id"]: item["status"] for item in items}
