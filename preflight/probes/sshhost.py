"""A host reached by SSH: host keys must be known, every wait has its end, and what goes wrong is a sentence."""

from __future__ import annotations

import io
import logging
import os
import shlex
import socket
import stat as modes
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any

import fabric
import paramiko
from paramiko.hostkeys import InvalidHostKey

from preflight.errors import LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes import host
from preflight.probes.host import MORE_PATH, QUIET, FileFacts, Ran, worded

CONNECT_SECONDS = 10.0
KNOWN_HOSTS = ("~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts")
"""The host keys that the user has accepted, and those that the administrator of this machine has."""

_NO_FOLDER = 99
"""What the shell on the host ends with when it can't enter the folder; no command of ours does."""


class _Reader(io.RawIOBase):
    """A file on the other side. What goes wrong there is no OSError, which would pass for damage of the file."""

    def __init__(self, file: Any, looking: Callable[[], AbstractContextManager[None]]) -> None:
        self._file, self._looking = file, looking

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._looking():
            data = self._file.read(len(buffer))
            if not data and self._file.sftp.get_channel().closed:
                raise EOFError  # paramiko takes a connection that has gone for the end of the file
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with self._looking():
            self._file.seek(offset, whence)
            return int(self._file.tell())

    def close(self) -> None:
        super().close()
        with suppress(Exception):  # the other side may be gone
            self._file.close()


class _OnlyKnown(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]
    """A host key that nobody has accepted is refused, as by `ssh -o StrictHostKeyChecking=yes`."""

    def missing_host_key(self, client: object, name: str, key: Any) -> None:
        del client
        raise _UnknownKeyError(f"{name} has the {key.get_name()} key {key.fingerprint}")


class _UnknownKeyError(Exception):
    """The host key is not among the known ones."""


class SshHost:
    """A host reached by SSH, through fabric: SFTP for files, one connection for the run.

    A connection that breaks is made anew at the next look. One that can't be made is not tried again: each try may be
    a failed login there.
    """

    def __init__(self, address: str, user: str | None, port: int | None, key: str | None, root: PurePosixPath) -> None:
        # what paramiko has to say it raises as well; its log would add a traceback
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)
        ends = {f"{wait}_timeout": CONNECT_SECONDS for wait in ("banner", "auth", "channel")}
        options: dict[str, Any] = {"look_for_keys": key is None, **({"key_filename": key} if key else {})}
        self.name = address
        self._root = root
        self._refused = ""
        try:
            self._connection = fabric.Connection(
                address,
                user=user,
                port=port,
                connect_kwargs=options,
                forward_agent=False,
            )
        except Exception as error:
            raise Unreachable(f"{address}: ~/.ssh/config can't be used: {error}") from error
        self._ways: list[fabric.Connection] = []
        way = self._connection
        while isinstance(way, fabric.Connection):  # and whatever hosts ~/.ssh/config jumps over
            self._ways.append(way)
            way.connect_timeout = CONNECT_SECONDS + 1  # later than the greeting's, whose complaint is the clearer one
            way.connect_kwargs.update(ends)
            _accept_only_known(way.client)
            way = way.gateway

    def close(self) -> None:
        """End the connection; a later look would make another."""
        for way in self._ways:
            way.close()
            way.client.close()  # also where it never came to be one

    @property
    def _login(self) -> str:
        """How a person would get there."""
        port = "" if self._connection.port == 22 else f"-p {self._connection.port} "
        return f"`ssh {port}{self._connection.user}@{self.name}`"

    def _real(self, path: str) -> str:
        return str(self._root / path.lstrip("/"))

    def _open(self) -> None:
        """Connect, unless connected. Raises Unreachable with a sentence that says what to do."""
        if self._refused:
            raise Unreachable(self._refused)
        if self._connection.is_connected:
            return
        self.close()
        try:
            self._connection.open()
        except Exception as error:
            self.close()
            self._refused = self._why(error)
            raise Unreachable(self._refused) from error
        way = self._connection.transport.sock
        if isinstance(way, socket.socket):  # by way of another host it is none
            # requests are small: without this each waits until the host has acknowledged the one before
            way.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _why(self, error: Exception) -> str:
        match error:
            case _UnknownKeyError():
                return f"the host key of {self.name} is not known here ({error}): run {self._login} once and accept the key"
            case paramiko.BadHostKeyException():
                port = self._connection.port
                place = self._connection.host if port == 22 else f"'[{self._connection.host}]:{port}'"
                return (
                    f"{self.name} shows another host key than the known one, {error.key.fingerprint}: somebody may stand in "
                    f"between; if it was changed on purpose, run `ssh-keygen -R {place}`, then {self._login} and accept the key"
                )
            case paramiko.PasswordRequiredException():
                return f"the key for {self.name} has a passphrase: give it to the agent (`ssh-add`), then run again"
            case paramiko.AuthenticationException() | paramiko.SSHException(args=("No authentication methods available",)):
                return (
                    f"{self.name} does not let {self._connection.user} in ({error}): {self._login} must get in without a "
                    f'password; [host] user and [secrets] ssh_key = "file:PATH" say as whom, and with which key'
                )
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"{self.name} can't be reached by SSH ({said}): see [host] address and port; {self._login} must get there"

    @contextmanager
    def _within(self) -> Iterator[None]:
        """What follows takes at most host.COMMAND_SECONDS: then the connection is closed, which ends every wait for it."""
        late = threading.Timer(host.COMMAND_SECONDS, self._connection.client.close)
        late.start()
        try:
            yield
        finally:
            late.cancel()

    @contextmanager
    def _looking(self, path: str) -> Iterator[None]:
        """Everything that goes wrong at a path is a LookError, but for FileNotFoundError."""
        try:
            yield
        except FileNotFoundError:
            raise
        except UnicodeError as error:
            raise LookError(f"{path} on {self.name} can't be read: a name there is no UTF-8") from error
        except (EOFError, OSError, paramiko.SSHException) as error:
            sftp = self._connection._sftp  # noqa: SLF001 - as it is: asking for it would make another
            if isinstance(error, OSError) and not isinstance(error, TimeoutError) and sftp and not sftp.get_channel().closed:
                raise LookError(f"{path} on {self.name} can't be read: {error.strerror or error}") from error
            self.close()
            raise Unreachable(
                f"{self.name} fell silent while {path} was looked at ({error}): see that it runs, then again"
            ) from error

    def _sftp(self) -> Any:
        self._open()
        with self._within():
            try:
                sftp = self._connection.sftp()
            except (EOFError, paramiko.SSHException) as error:
                raise Unreachable(
                    f"{self.name} lets nobody read files by SFTP ({error}): see Subsystem sftp in its sshd_config"
                ) from error
        sftp.get_channel().settimeout(host.COMMAND_SECONDS)
        return sftp

    def facts(self, path: str) -> FileFacts | None:
        """See Host."""
        try:
            with self._looking(path):
                found = self._sftp().stat(self._real(path))
        except FileNotFoundError:
            return None
        mode = found.st_mode or 0
        return FileFacts(found.st_size or 0, mode, float(found.st_mtime or 0), modes.S_ISDIR(mode))

    def listing(self, path: str) -> list[str]:
        """See Host."""
        try:
            with self._looking(path):
                return sorted(self._sftp().listdir(self._real(path)))
        except FileNotFoundError as error:
            raise LookError(f"{path} on {self.name} can't be listed: {error.strerror}") from error

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        """See Host."""
        try:
            with self._looking(path):
                file = self._sftp().open(self._real(path), "rb")
        except FileNotFoundError as error:
            raise LookError(f"{path} on {self.name} can't be read: {error.strerror}") from error
        with io.BufferedReader(_Reader(file, lambda: self._looking(path)), 1 << 16) as reader:
            yield reader

    def run(self, name: str, *arguments: str, folder: str | None = None) -> Ran:
        """See Host."""
        where = self._real(folder) if folder else None
        command = shlex.join(worded(name, arguments, where))
        settings = " ".join(f"{key}={value}" for key, value in QUIET.items())
        # `env` and `||` mean the same to every shell that somebody may have there
        line = f'env {settings} PATH="$PATH:{":".join(MORE_PATH)}" {command}'
        if where:
            line = f"cd {shlex.quote(where)} || exit {_NO_FOLDER}; {line}"
        self._open()
        try:
            with self._within():
                done = self._connection.run(line, hide=True, warn=True, in_stream=False, encoding="utf-8")
        except Exception as error:
            self.close()
            raise Unreachable(f"{self.name} fell silent during {command} ({error}): see that it runs, then again") from error
        if done.exited < 0:
            raise Unreachable(f"{command} on {self.name} came to no end within {host.COMMAND_SECONDS:g} s, or was ended there")
        if done.exited == 127:
            raise Undecided(Reason.PROGRAM, f"{host.COMMANDS[name][0]} is not on {self.name}")
        if where and done.exited == _NO_FOLDER:
            raise LookError(f"{folder} on {self.name} can't be entered")
        return Ran(done.exited, done.stdout + done.stderr)


def _accept_only_known(client: Any) -> None:
    """Give an SSH client the keys that the user and the system know, and no other; fabric would take any."""
    client.set_missing_host_key_policy(_OnlyKnown())
    for name in KNOWN_HOSTS:
        file = Path(name).expanduser()
        try:
            client.load_system_host_keys(str(file))
        except OSError:
            continue  # there need be none
        except (InvalidHostKey, ValueError) as error:
            raise Unreachable(f"{file} can't be read as known host keys ({error}): mend it") from error
