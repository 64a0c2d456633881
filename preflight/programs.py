"""Prometheus, Alertmanager and nginx for the rehearsal: unpacked from Debian's packages into the user's cache, never installed.

`apt-get download` and `dpkg -x` need no root and start no service. The folder is the one that the environment variable
PREFLIGHT_PROGRAMS names, and then nothing else is looked at; else `programs` in the user's cache, and after it PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from preflight.errors import LookError, Undecided
from preflight.outcome import Reason

PACKAGES = ("prometheus", "prometheus-alertmanager", "nginx")
MONITORING = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")
PROGRAMS = (*MONITORING, "nginx")
HOW_TO_GET = "python -m preflight.programs"
TEMPLATES = "usr/share/prometheus/alertmanager"
"""Alertmanager's mail templates, below the folder."""
TEMPLATES_HERE = "templates"
"""Where an unpacked Alertmanager looks for them: below the folder that it is started in."""
_VARIABLE = "PREFLIGHT_PROGRAMS"
_SECONDS = 300.0


class ProgramsError(RuntimeError):
    """The programs can't be fetched: one sentence that says why and what to do."""


def folder() -> Path:
    """Where the programs are unpacked."""
    named = os.environ.get(_VARIABLE)
    return Path(named) if named else platformdirs.user_cache_path("preflight") / "programs"


def find(name: str) -> Path | None:
    """The executable file of a program, None where it is not at hand."""
    for place in (folder() / "usr/bin" / name, folder() / "usr/sbin" / name, folder() / name):
        if place.is_file() and os.access(place, os.X_OK):
            return place
    if os.environ.get(_VARIABLE):
        return None
    # nginx is where only an administrator's PATH leads
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))
    return Path(found) if found else None


def needed(name: str) -> Path:
    """The executable file of a program that a look can't do without. Raises Undecided where it is not at hand."""
    found = find(name)
    if found is None:
        raise Undecided(Reason.PROGRAM, f"{name} is not on this machine; get it by `{HOW_TO_GET}`")
    return found


def run(command: Sequence[str], place: Path, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder to its end, whatever its status. Raises LookError when it takes longer than that."""
    try:
        return subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise LookError(f"{Path(command[0]).name} took longer than {seconds:g} s") from error


def missing(wanted: Sequence[str] = PROGRAMS) -> list[str]:
    """The programs of these that are not at hand."""
    return [name for name in wanted if find(name) is None]


def install() -> list[Path]:
    """Fetch what is missing and unpack it; the programs' places. Raises ProgramsError.

    Other Debian releases have promtool in a package of its own, which is fetched when the first two lack it.
    """
    if not missing():
        return [place for name in PROGRAMS if (place := find(name))]
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise ProgramsError(
                f"{tool} is not on this machine, so that the packages {', '.join(PACKAGES)} can't be fetched; put "
                f"{', '.join(PROGRAMS)} into a folder and name it in {_VARIABLE}"
            )
    folder().mkdir(parents=True, exist_ok=True)
    _fetch(PACKAGES)
    if find("promtool") is None:
        _fetch(("promtool",))
    if missing():
        raise ProgramsError(f"the packages {', '.join(PACKAGES)} of this release do not hold {', '.join(missing())}")
    return [place for name in PROGRAMS if (place := find(name))]


def _fetch(packages: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory(prefix="preflight-packages-") as place:
        # lists of our own: the system's may be missing or old, and only root may renew them
        lists = Path(place) / "lists"
        (lists / "partial").mkdir(parents=True)
        own = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={place}/cache", "-o", "APT::Sandbox::User="]
        own += ["-o", "Acquire::Languages=none", "-o", "Debug::NoLocking=true"]
        _run(["apt-get", *own, "update", "-qq"], place, "apt-get can't fetch Debian's lists of packages")
        _run(["apt-get", *own, "download", *packages], place, f"apt-get can't download {' and '.join(packages)}")
        for package in sorted(Path(place).glob("*.deb")):
            _run(["dpkg", "-x", str(package), str(folder())], place, f"dpkg can't unpack {package.name}")
    # the half of the packages that nobody needs here
    for part in ("usr/share/doc", "usr/share/man", "usr/share/lintian", "etc", "lib", "var"):
        shutil.rmtree(folder() / part, ignore_errors=True)
    _make_movable(folder() / "usr/bin/prometheus-alertmanager")


def _make_movable(alertmanager: Path) -> None:
    """Let an unpacked Alertmanager find its templates: Debian's looks for them in one absolute place only.

    The path in the file is replaced by a relative one of the same length.
    """
    if not alertmanager.is_file():
        return
    absolute = f"/{TEMPLATES}".encode()
    padding = len(absolute) - len(TEMPLATES_HERE) - 1
    relative = b"./" * (padding // 2) + TEMPLATES_HERE.encode() + b"/" * (1 + padding % 2)
    data = alertmanager.read_bytes()
    changed = re.sub(re.escape(absolute) + rb"(?!/)", relative, data)
    if changed != data:
        alertmanager.write_bytes(changed)


def _run(command: list[str], place: str, why: str) -> None:
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ProgramsError(f"{why}: no end within {_SECONDS:g} s") from error
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("W:")]
        raise ProgramsError(f"{why}: {lines[-1] if lines else f'status {done.returncode}'}")


def main() -> int:
    """Fetch the programs and say where they are; the exit status."""
    try:
        places = install()
    except ProgramsError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(map(str, places)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
