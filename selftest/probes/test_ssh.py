"""A host by SSH against the real OpenSSH server: the same answers as from a folder, and a sentence for all that goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import tomli_w

from preflight.checklist import ROOT
from preflight.errors import LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes import host as looking
from preflight.probes import sshhost, versioncontrol
from preflight.probes.host import LocalHost, host_of, read, read_text, walk
from preflight.probes.sshhost import SshHost
from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.deploy import Rehearsal
from preflight.target import load
from selftest.probes.sshd import USER, WHY_NOT, Server, make_key, running

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))  # nobody's own known hosts, keys and settings
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with running(tmp_path / "home") as made:
        yield made


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A host's files."""
    root = tmp_path / "host"
    (root / "opt/game/logs/older").mkdir(parents=True)
    (root / "opt/game/.env").write_bytes("\N{BYTE ORDER MARK}A=1\r\nB=ä\r\n".encode())
    (root / "opt/game/.env").chmod(0o600)
    (root / "opt/game/run.sh").write_text("exit\n")
    (root / "opt/game/run.sh").chmod(0o755)
    (root / "opt/game/logs/game.log").write_bytes(b"".join(b"line %d\n" % n for n in range(30_000)))
    (root / "opt/game/logs/older/a log.1").write_text("old\n")
    (root / "opt/game/link").symlink_to("logs/game.log")
    (root / "opt/game/broken").symlink_to("nowhere")
    os.utime(root / "opt/game/logs/game.log", (1_700_000_000, 1_700_000_000))
    return root


@pytest.fixture
def ssh(server: Server, files: Path) -> Iterator[SshHost]:
    made = server.host(files)
    yield made
    made.close()


@pytest.fixture
def local(files: Path) -> LocalHost:
    return LocalHost(PurePosixPath(files))


def state(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every path with its mode, size and time."""
    found = {str(path): path.lstat() for path in [root, *root.rglob("*")]}
    return {path: (facts.st_mode, facts.st_size, facts.st_mtime_ns) for path, facts in found.items()}


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


def test_a_host_key_that_nobody_accepted_is_refused(server: Server, files: Path) -> None:
    server.known_hosts.unlink()
    before = state(server.home)
    said = refusal(server, files)
    assert said.startswith("the host key of 127.0.0.1 is not known here ([127.0.0.1]:")
    assert fingerprint(server.folder / "host_key") in said
    assert f"run `ssh -p {server.port} {USER}@127.0.0.1` once and accept the key" in said
    assert state(server.home) == before


def test_another_host_key_is_refused_in_a_sentence_of_its_own(server: Server, files: Path) -> None:
    make_key(server.folder / "other")
    server.accept_key(server.folder / "other")
    said = refusal(server, files)
    assert said.startswith(f"127.0.0.1 shows another host key than the known one, {fingerprint(server.folder / 'host_key')}")
    assert f"ssh-keygen -R '[127.0.0.1]:{server.port}'" in said


def test_a_list_of_known_keys_that_cannot_be_read_is_named(server: Server, files: Path) -> None:
    server.known_hosts.write_text("somewhere ssh-ed25519 AAAA=A\n")
    with pytest.raises(Unreachable, match=r"known_hosts can't be read as known host keys"):
        server.host(files)


def test_a_key_that_is_refused_is_tried_once(server: Server, files: Path) -> None:
    (server.folder / "authorized_keys").write_text("")
    host = server.host(files)
    said = refusal(server, files, host)
    assert said.startswith(f"127.0.0.1 does not let {USER} in (Authentication failed.): `ssh -p {server.port} {USER}@127.0.0.1`")
    assert "[secrets] ssh_key" in said
    server.stop()
    assert refusal(server, files, host) == said  # by now another would be "can't be reached"


def test_without_any_key_nobody_is_let_in(server: Server, files: Path) -> None:
    host = SshHost("127.0.0.1", USER, server.port, None, PurePosixPath(files))
    assert refusal(server, files, host).startswith(f"127.0.0.1 does not let {USER} in (No authentication methods available)")


def test_nobody_listens(server: Server, files: Path) -> None:
    server.stop()
    said = refusal(server, files)
    assert said.startswith(f"127.0.0.1 can't be reached by SSH (Unable to connect to port {server.port} on 127.0.0.1)")
    assert "see [host] address and port" in said


def test_a_server_that_never_says_a_word_is_left(server: Server, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sshhost.CONNECT_SECONDS <= 10
    monkeypatch.setattr(sshhost, "CONNECT_SECONDS", 0.5)
    server.stop()
    with socket.create_server(("127.0.0.1", server.port)):
        began = time.monotonic()
        assert "can't be reached by SSH (Error reading SSH protocol banner)" in refusal(server, files)
        assert time.monotonic() - began < 4


def refusal(server: Server, files: Path, host: SshHost | None = None) -> str:
    """What every look says that does not come to be; a second one says the same."""
    host = host or server.host(files)
    said = set()
    for look in (
        lambda: host.facts("/opt"),
        lambda: host.listing("/opt"),
        lambda: read(host, "/opt/game/.env"),
        lambda: host.run("clock"),
    ):
        with pytest.raises(Unreachable) as raised:
            look()
        said.add(str(raised.value))
    assert len(said) == 1
    return said.pop()


def fingerprint(key: Path) -> str:
    return subprocess.check_output(["ssh-keygen", "-l", "-f", str(key.with_suffix(".pub"))], text=True).split()[1]


def test_a_server_that_dies_is_named_and_found_again(server: Server, ssh: SshHost) -> None:
    with ssh.open("/opt/game/logs/game.log") as log:
        log.readline()
        server.stop()
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 fell silent while /opt/game/logs/game\.log was looked at"):
            log.read()
    server.start()
    assert ssh.facts("/opt/game")
    assert ssh.run("clock").status == 0
    server.stop()
    for look in (lambda: ssh.run("clock"), lambda: ssh.facts("/opt")):
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 (fell silent|can't be reached)"):
            look()


def test_file_does_not_end_where_the_connection_does(server: Server, ssh: SshHost) -> None:
    with ssh.open("/opt/game/logs/game.log") as log:
        log.readline()
        server.stop()
        until = time.monotonic() + 10
        while ssh._connection.is_connected and time.monotonic() < until:
            time.sleep(0.01)
        with pytest.raises(Unreachable, match="fell silent while"):
            log.read()


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (lambda host: host.facts("/opt"), "127.0.0.1 fell silent while /opt was looked at"),
        (lambda host: host.run("clock"), "127.0.0.1 fell silent during date -u +%s"),
    ],
    ids=["a file", "a command"],
)
def test_a_server_that_stands_still_is_left(
    server: Server, ssh: SshHost, monkeypatch: pytest.MonkeyPatch, look: Callable[[SshHost], object], said: str
) -> None:
    assert ssh.facts("/opt/game")
    monkeypatch.setattr(looking, "COMMAND_SECONDS", 0.5)
    server.send(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(Unreachable) as raised:
        look(ssh)
    assert str(raised.value).startswith(said)
    assert time.monotonic() - began < 4


def test_a_command_without_end_is_left_and_the_next_one_is_answered(ssh: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "COMMAND_SECONDS", 0.5)
    monkeypatch.setitem(looking.COMMANDS, "endless", ("sleep", "20"))
    with pytest.raises(LookError, match=r"^sleep 20 on 127\.0\.0\.1 came to no end within 0\.5 s"):
        ssh.run("endless")
    assert ssh.run("clock").status == 0


@pytest.fixture
def jump(server: Server) -> Iterator[Server]:
    """A host on the way: `inner` is reached by way of it, as ~/.ssh/config says."""
    key = server.known_hosts.read_text()
    with running(server.home) as made:
        server.known_hosts.write_text(key + server.known_hosts.read_text())
        (server.home / ".ssh" / "config").write_text(
            f"Host inner\n  HostName 127.0.0.1\n  ProxyJump outer\n"
            f"Host outer\n  HostName 127.0.0.1\n  Port {made.port}\n  User {USER}\n  IdentityFile {made.key}\n"
        )
        yield made


def behind(server: Server, files: Path) -> SshHost:
    return SshHost("inner", USER, server.port, str(server.key), PurePosixPath(files))


def test_a_host_behind_another_is_looked_at_by_way_of_it(server: Server, jump: Server, files: Path, local: LocalHost) -> None:
    ssh = behind(server, files)
    assert read(ssh, "/opt/game/.env") == read(local, "/opt/game/.env")
    assert ssh.run("clock").status == 0
    assert jump.sessions()
    ssh.close()
    assert left(server)
    assert left(jump)


def test_the_host_on_the_way_has_to_be_known_and_to_answer(
    server: Server, jump: Server, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = server.known_hosts.read_text()
    server.known_hosts.write_text(known.splitlines(keepends=True)[0])
    assert refusal(server, files, behind(server, files)).startswith("the host key of inner is not known here")
    server.known_hosts.write_text(known)
    monkeypatch.setattr(sshhost, "CONNECT_SECONDS", 0.5)
    jump.stop()
    with socket.create_server(("127.0.0.1", jump.port)):
        began = time.monotonic()
        assert "inner can't be reached by SSH" in refusal(server, files, behind(server, files))
        assert time.monotonic() - began < 4


def left(server: Server) -> bool:
    """Whether nobody is in a session there any more, within seconds."""
    until = time.monotonic() + 5
    while server.sessions() and time.monotonic() < until:
        time.sleep(0.01)
    return not server.sessions()


def test_nothing_is_held_open_at_the_end(server: Server, ssh: SshHost) -> None:
    assert ssh.run("clock").status == 0
    assert ssh.facts("/opt") is not None
    assert server.sessions()
    ssh.close()
    assert left(server)


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
