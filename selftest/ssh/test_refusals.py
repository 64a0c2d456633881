"""A host that does not let the suite in is said to be one, with what to do, and is left alone."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path, PurePosixPath

import pytest

from preflight.errors import Unreachable
from preflight.probes import sshhost
from preflight.probes.host import LocalHost, read
from preflight.probes.sshhost import SshHost
from selftest.ssh.sshd import USER, WHY_NOT, Server, left, make_key, refusal, state

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


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


def fingerprint(key: Path) -> str:
    return subprocess.check_output(["ssh-keygen", "-l", "-f", str(key.with_suffix(".pub"))], text=True).split()[1]
