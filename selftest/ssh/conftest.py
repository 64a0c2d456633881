"""A host by SSH, and the same as a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from preflight.probes.host import LocalHost
from preflight.probes.sshhost import SshHost
from selftest.ssh.sshd import USER, Server, running


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
