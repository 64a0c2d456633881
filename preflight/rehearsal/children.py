"""Child processes of a rehearsal: started in sessions of their own, spoken to in lines of JSON, gone with the parent."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any


class RehearsalError(RuntimeError):
    """The rehearsal deployment can't be started or kept up: one sentence that says what happened."""


def process(module: str, assignment: Path, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a module of the deployment with its assignment."""
    return subprocess.Popen(
        [sys.executable, "-m", module, str(assignment)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
        cwd=Path(__file__).resolve().parents[2],
        # aiohttp reads all authorities of the machine when it is imported; nothing here asks a stranger
        env={**os.environ, "PYTHONUNBUFFERED": "1", "SSL_CERT_FILE": os.devnull},
    )


class Child:
    """One process of the deployment. Its stdin is its life line: when that closes, it ends by itself."""

    def __init__(self, name: str, module: str, assignment: Path, log: Path) -> None:
        self.name, self._log = name, log
        with log.open("wb") as errors:
            self._process = process(module, assignment, errors)
        self._buffer = b""

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def tell(self, **facts: Any) -> None:
        """Send one line of JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(facts).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self, timeout_s: float) -> dict[str, Any]:
        """The next line of JSON that the child says. Raises RehearsalError when it dies or stays silent."""
        assert self._process.stdout is not None
        handle, deadline = self._process.stdout.fileno(), time.monotonic() + timeout_s
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise RehearsalError(f"The rehearsal's {self.name} was not ready within {timeout_s:g} s{self._last_words()}")
            part = os.read(handle, 65_536)
            if not part:
                self._process.wait(timeout=5)
                raise RehearsalError(self.lost())
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\n")
        facts: dict[str, Any] = json.loads(line)
        return facts

    def running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def lost(self) -> str:
        """Why it is gone though nobody asked it to end; nothing while it is there."""
        if self.running():
            return ""
        return f"The rehearsal's {self.name} ended by itself with status {self._process.returncode}{self._last_words()}"

    def end(self) -> None:
        """Ask the process to end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):  # the child was faster
                    pipe.close()
        if self.running():
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Make sure that the process, which was asked to end, has."""
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f": {lines[-1]} (all of it in {self._log})" if lines else "."
