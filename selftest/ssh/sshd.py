"""The real OpenSSH server on a port of its own, with keys, settings and a home that are the test's."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from preflight.errors import Unreachable
from preflight.probes.host import read
from preflight.probes.sshhost import SshHost

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
WHY_NOT = "" if SSHD else "program missing: sshd (apt-get install openssh-server)"

USER = pwd.getpwuid(os.getuid()).pw_name if SSHD else ""
CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
SetEnv PATH=/usr/bin:/bin HOME={folder}
"""


@dataclass
class Server:
    """An SSH server of its own, which lets `key` in; `home` is the home of whoever asks."""

    folder: Path
    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        return self.home / ".ssh" / "known_hosts"

    def start(self) -> None:
        """Start, and wait for the greeting."""
        self.process = subprocess.Popen(
            [str(SSHD), "-D", "-e", "-f", str(self.folder / "config")], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        until = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as greeted:
                    assert greeted.recv(8) == b"SSH-2.0-"
                    return
            except ConnectionRefusedError:
                time.sleep(0.01)
        self.stop()
        raise AssertionError("sshd does not begin")

    def stop(self) -> None:
        """End the server and every session, as a machine does that loses its power."""
        if self.process is not None:
            self.send(signal.SIGKILL)
            self.process.communicate(timeout=10)
            self.process = None

    def send(self, what: signal.Signals) -> None:
        """A signal for the server and its sessions."""
        assert self.process is not None
        for pid in [self.process.pid, *self.sessions()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    def sessions(self) -> list[int]:
        """The processes below the server."""
        assert self.process is not None
        table = [line.split() for line in subprocess.check_output(["ps", "-eo", "pid=,ppid="], text=True).splitlines()]
        found = [self.process.pid]
        for pid in found:
            found += [int(row[0]) for row in table if int(row[1]) == pid]
        return found[1:]

    def accept_key(self, of: Path | None = None) -> None:
        """What `ssh` writes once somebody has accepted the key."""
        key = ((of or self.folder / "host_key").with_suffix(".pub")).read_text()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {key}")

    def host(self, root: Path, user: str = USER) -> SshHost:
        """The host as the suite sees it."""
        return SshHost("127.0.0.1", user, self.port, str(self.key), PurePosixPath(root))


def make_key(file: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True, stdin=subprocess.DEVNULL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def running(home: Path) -> Iterator[Server]:
    """A server whose key is accepted in `home`."""
    # not below the test's folder: the server reads authorized_keys as the user who wants in, who may not go there
    with tempfile.TemporaryDirectory(prefix="preflight-sshd-") as place:
        made = Server(Path(place), home, free_port())
        made.folder.chmod(0o755)
        made.known_hosts.parent.mkdir(parents=True, exist_ok=True)
        make_key(made.folder / "host_key")
        make_key(made.key)
        shutil.copy(made.key.with_suffix(".pub"), made.folder / "authorized_keys")
        (made.folder / "config").write_text(CONFIGURATION.format(port=made.port, folder=made.folder))
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd locks itself in
        made.accept_key()
        made.start()
        try:
            yield made
        finally:
            made.stop()


def state(root: Path) -> dict[str, tuple[int, int, int]]:
    """Every path with its mode, size and time."""
    found = {str(path): path.lstat() for path in [root, *root.rglob("*")]}
    return {path: (facts.st_mode, facts.st_size, facts.st_mtime_ns) for path, facts in found.items()}


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


def left(server: Server) -> bool:
    """Whether nobody is in a session there any more, within seconds."""
    until = time.monotonic() + 5
    while server.sessions() and time.monotonic() < until:
        time.sleep(0.01)
    return not server.sessions()
