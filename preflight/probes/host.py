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
from typing import IO, Protocol

from preflight.errors import LookError, Undecided
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

QUIET = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_CONFIG_GLOBAL": "/dev/null"}
"""English, no lock of git's, and nothing that the settings of whoever looks would add to the answer."""
MORE_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where nginx and ufw are: on the path of the superuser, and of nobody else's sessions."""


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

    def close(self) -> None:
        """Nothing more is asked of this host for now."""


def worded(name: str, arguments: tuple[str, ...], where: str | None) -> list[str]:
    """The words of a command of COMMANDS in a folder; git looks into repositories of other users there."""
    words = [*COMMANDS[name], *arguments]
    return [words[0], "-c", f"safe.directory={where}", *words[1:]] if where and words[0] == "git" else words


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
        where = str(self.real(folder)) if folder else None
        command = worded(name, arguments, where)
        path = os.pathsep.join([os.environ.get("PATH") or os.defpath, *MORE_PATH])
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                cwd=where,
                env={**os.environ, **QUIET, "PATH": path},
                check=False,
                errors="replace",
            )
        except subprocess.TimeoutExpired as error:
            raise LookError(f"{shlex.join(command)} took longer than {COMMAND_SECONDS:g} s") from error
        except OSError as error:
            if where and error.filename == where:
                raise LookError(f"{folder} can't be entered: {error.strerror}") from error
            if isinstance(error, FileNotFoundError):
                raise Undecided(Reason.PROGRAM, f"{command[0]} is not on this machine") from error
            raise LookError(f"{command[0]} can't be started: {error.strerror}") from error
        return Ran(done.returncode, done.stdout + done.stderr)

    def close(self) -> None:
        """See Host: nothing is held open."""


def host_of(target: Target) -> Host:
    """The host of a target. Raises Undecided when the target file names none."""
    part = target.facts.host
    if part is None:
        raise Undecided(Reason.OPERATOR, "the target file names no host: give [host] kind and root (or address)")
    if part.kind == "local":
        return LocalHost(part.root)
    from preflight.probes.sshhost import SshHost  # fabric is slow to load, and few targets need it

    key = target.facts.secrets.ssh_key
    if key and not key.startswith("file:"):
        raise Undecided(Reason.OPERATOR, "an SSH key is a file: write [secrets] ssh_key = file:PATH in the target file")
    file = str((target.path.parent / Path(key.removeprefix("file:")).expanduser()).resolve()) if key else None
    return SshHost(str(part.address), part.user, part.port, file, part.root)
