"""The host of the deployment, local or by SSH: files are read, commands of a printed list are run, nothing is written."""

from __future__ import annotations

import os
import shlex
import stat as modes
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from preflight.errors import LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.target import Target

COMMAND_SECONDS = 20.0
MOST_BYTES = 16 * 1024 * 1024

COMMANDS: dict[str, tuple[str, ...]] = {
    "nginx-test": ("nginx", "-t"),
    "firewall": ("ufw", "status", "verbose"),
    "disk": ("df", "-P", "-k"),
    "processes": ("ps", "-eo", "pid,lstart,etimes,comm,args"),
    "units": ("systemctl", "is-enabled", "prometheus", "grafana-server", "alertmanager"),
    "listeners": ("ss", "-H", "-l", "-t", "-n"),
    "clock": ("date", "-u", "+%s"),
    "git-log": ("git", "log", "--all", "--full-history", "--format=%H", "--"),
    "git-tracked": ("git", "ls-files", "--error-unmatch", "--"),
    "git-ignored": ("git", "check-ignore", "--quiet", "--no-index", "--"),
}
"""Every command that is ever run on a host, by name; all of them only read."""


@dataclass(frozen=True)
class FileFacts:
    """What is known of a file without reading it. `modified` in seconds since the epoch."""

    size: int
    mode: int
    modified: float
    is_folder: bool

    @property
    def permissions(self) -> str:
        """The permission bits, such as 600."""
        return f"{modes.S_IMODE(self.mode):o}"


@dataclass(frozen=True)
class Ran:
    """What a command said."""

    status: int
    output: str


class Host(Protocol):
    """Read-only access to the files and facts of a host. Paths are the deployment's own (`/opt/…`)."""

    @property
    def name(self) -> str:
        """How the record names the host."""

    def facts(self, path: str) -> FileFacts | None:
        """What is at `path`; None when there is nothing. Raises LookError when it may not be known."""

    def listing(self, path: str) -> list[str]:
        """The names in a folder, sorted. Raises LookError when it can't be listed."""

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """A file for reading and seeking. Raises LookError when it can't be read."""

    def run(self, name: str, *arguments: str, folder: str | None = None) -> Ran:
        """A command of COMMANDS. Raises Undecided when the host does not have it, LookError when it takes too long."""


def read(host: Host, path: str) -> bytes:
    """A whole file. Raises LookError when it is missing, can't be read, or is larger than 16 MiB."""
    with host.open(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise LookError(f"{path} on {host.name} is larger than {MOST_BYTES} bytes; that is no configuration file")
    return data


def read_text(host: Host, path: str) -> str:
    """A text file: UTF-8 with or without a mark at its start, any line ends."""
    return read(host, path).decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


def walk(host: Host, path: str, depth: int = 6) -> Iterator[tuple[str, FileFacts]]:
    """Every file below a folder, at most `depth` folders down."""
    for name in host.listing(path):
        here = f"{path.rstrip('/')}/{name}"
        facts = host.facts(here)
        if facts is None:
            continue
        if facts.is_folder:
            if depth > 0:
                yield from walk(host, here, depth - 1)
        else:
            yield here, facts


class LocalHost:
    """A host that is this machine, or a folder of it."""

    def __init__(self, root: PurePosixPath) -> None:
        self._root = Path(str(root))

    @property
    def name(self) -> str:
        """Always the same: the record says elsewhere which machine it was run on."""
        return "this machine"

    def real(self, path: str) -> Path:
        """Where `path` of the deployment lies on this machine."""
        return self._root / path.lstrip("/")

    def facts(self, path: str) -> FileFacts | None:
        """See Host."""
        try:
            found = self.real(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise LookError(f"{path}: {error.strerror}") from error
        return FileFacts(found.st_size, found.st_mode, found.st_mtime, modes.S_ISDIR(found.st_mode))

    def listing(self, path: str) -> list[str]:
        """See Host."""
        try:
            return sorted(entry.name for entry in self.real(path).iterdir())
        except OSError as error:
            raise LookError(f"{path} can't be listed: {error.strerror}") from error

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """See Host."""
        try:
            file = self.real(path).open("rb")
        except OSError as error:
            raise LookError(f"{path} can't be read: {error.strerror}") from error
        with file:
            yield file

    def run(self, name: str, *arguments: str, folder: str | None = None) -> Ran:
        """See Host."""
        command = [*COMMANDS[name], *arguments]
        where = str(self.real(folder)) if folder else None
        quiet = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_CONFIG_GLOBAL": os.devnull}
        if where and name.startswith("git"):
            command[1:1] = ["-c", f"safe.directory={where}"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                cwd=where,
                env=quiet,
                check=False,
                errors="replace",
            )
        except FileNotFoundError as error:
            raise Undecided(Reason.PROGRAM, f"{command[0]} is not on this machine") from error
        except subprocess.TimeoutExpired as error:
            raise LookError(f"{shlex.join(command)} took longer than {COMMAND_SECONDS:g} s") from error
        return Ran(done.returncode, done.stdout + done.stderr)


class SshHost:
    """A host reached by SSH, through fabric: SFTP for files, one connection for the run."""

    def __init__(self, address: str, user: str | None, port: int, key: str | None, root: PurePosixPath) -> None:
        import fabric

        options: dict[str, Any] = {"look_for_keys": key is None, "timeout": 10, "banner_timeout": 10, "auth_timeout": 10}
        if key:
            options["key_filename"] = key
        self._connection = fabric.Connection(address, user=user, port=port, connect_kwargs=options, connect_timeout=10)
        self._root = root
        self.name = address

    def _real(self, path: str) -> str:
        return str(self._root / path.lstrip("/"))

    def _sftp(self) -> Any:
        try:
            sftp = self._connection.sftp()
        except Exception as error:
            raise Unreachable(f"{self.name} can't be reached by SSH: {type(error).__name__}: {error}") from error
        sftp.get_channel().settimeout(COMMAND_SECONDS)
        return sftp

    def facts(self, path: str) -> FileFacts | None:
        """See Host."""
        try:
            found = self._sftp().stat(self._real(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LookError(f"{path} on {self.name}: {error}") from error
        mode = found.st_mode or 0
        return FileFacts(found.st_size or 0, mode, float(found.st_mtime or 0), modes.S_ISDIR(mode))

    def listing(self, path: str) -> list[str]:
        """See Host."""
        try:
            return sorted(self._sftp().listdir(self._real(path)))
        except OSError as error:
            raise LookError(f"{path} on {self.name} can't be listed: {error}") from error

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """See Host."""
        try:
            file = self._sftp().open(self._real(path), "rb", bufsize=1 << 16)
        except OSError as error:
            raise LookError(f"{path} on {self.name} can't be read: {error}") from error
        with file:
            yield file

    def run(self, name: str, *arguments: str, folder: str | None = None) -> Ran:
        """See Host."""
        command = shlex.join([*COMMANDS[name], *arguments])
        if folder:
            command = f"cd {shlex.quote(self._real(folder))} && GIT_OPTIONAL_LOCKS=0 {command}"
        try:
            done = self._connection.run(f"LC_ALL=C; export LC_ALL; {command}", hide=True, warn=True, timeout=COMMAND_SECONDS)
        except Exception as error:
            raise LookError(f"{command} on {self.name}: {type(error).__name__}: {error}") from error
        if done.exited == 127:
            raise Undecided(Reason.PROGRAM, f"{COMMANDS[name][0]} is not on {self.name}")
        return Ran(done.exited, done.stdout + done.stderr)


def host_of(target: Target) -> Host:
    """The host of a target. Raises Undecided when the target file names none."""
    part = target.facts.host
    if part is None:
        raise Undecided(Reason.OPERATOR, "the target file names no host: give [host] kind and root (or address)")
    if part.kind == "local":
        return LocalHost(part.root)
    key = target.facts.secrets.ssh_key
    file = str((target.path.parent / key.removeprefix("file:")).resolve()) if key and key.startswith("file:") else None
    return SshHost(str(part.address), part.user, part.port, file, part.root)
