"""What the self-tests use beside Python packages: fetched where this machine allows it, named where it does not.

Most programs are unpacked into the user's cache and started from there. The few that work only where a package manager
has put them are installed, by root alone and without starting a service.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preflight import programs
from preflight.errors import LookError
from preflight.openxr import monado

INSTALLED = {
    "chromium": "chromium",
    "wrk": "wrk",
    "ufw": "ufw",
    "ip": "iproute2",
    "iptables": "iptables",
    "sshd": "openssh-server",
}
"""Program → the Debian package that has it."""
_POLICY = Path("/usr/sbin/policy-rc.d")
_SECONDS = 600


def provide() -> list[str]:
    """Fetch and install what is missing; a sentence for each thing that this machine can't have."""
    lacking = []
    try:
        programs.install()
    except programs.ProgramsError as error:
        lacking.append(f"Prometheus and Alertmanager: {error}")
    try:
        monado.install()
    except LookError as error:
        lacking.append(f"a simulated headset: {error}")
    missing = sorted({package for program, package in INSTALLED.items() if shutil.which(program, path=_path()) is None})
    if missing:
        lacking += _install(missing)
    return lacking


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _install(packages: list[str]) -> list[str]:
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return [f"{', '.join(packages)}: as root, {command}"]
    with _nothing_starts():
        for words in (["apt-get", "update", "-qq"], [*command.split(), "-y", "-qq"]):
            try:
                done = subprocess.run(
                    words,
                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return [f"{', '.join(packages)}: {words[1]} took more than {_SECONDS} s"]
    if done.returncode:
        return [f"{', '.join(packages)}: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"]
    return []


@contextmanager
def _nothing_starts() -> Iterator[None]:
    """Packages put their services into the system but do not start them; a policy that is there already is kept."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", "utf-8")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
