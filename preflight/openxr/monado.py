"""Monado, an OpenXR runtime with a simulated headset, for a machine without one: fetched and unpacked without root.

The tree holds Debian's packages, unpacked and never installed. It brings its own C library and runs under its own
loader, so it works beside an older system and changes nothing of it. Linux on x86-64 only.
"""

from __future__ import annotations

import os
import platform
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from preflight.errors import LookError, Undecided
from preflight.outcome import Reason

SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
INSTALL = "preflight headset install"
PACKAGES = (
    "libopenxr1-monado",
    "monado-service",
    "monado-cli",
    "mesa-vulkan-drivers",
    "libegl1",
    "libegl-mesa0",
    "libgl1",
    "libgl1-mesa-dri",
    "libgles2",
    "libxcb-glx0",
    "xvfb",
)
ENGINE_SUITE, ENGINE = "forky", ("godot",)
"""Godot 4.6 is in testing alone; it gets a tree of its own, with the runtime of the same day."""

_LAYOUT = "1"
"""Raised when an older tree would not do: it is made anew then."""

_SUPERFLUOUS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/bug")
_KEYMAPS = b"\0/usr/bin\0"
_OWN_KEYMAPS = b"\0./xvfb.d\0"
"""Where Xvfb starts xkbcomp from, as compiled into it; in the tree's copy a folder of the same length beside it."""

_APT = """\
Dir::State "{place}/state"; Dir::State::status "{place}/state/status"; Dir::Cache "{place}/cache";
Dir::Etc "{place}/etc"; Dir::Etc::sourcelist "{place}/etc/sources.list"; Dir::Etc::sourceparts "-";
APT::Install-Recommends "false"; APT::Sandbox::User ""; Acquire::Languages "none"; Debug::NoLocking "true";
"""


@dataclass(frozen=True)
class Tree:
    """An unpacked runtime; `root` is what would be `/`."""

    root: Path

    @property
    def libraries(self) -> Path:
        """The folder of the libraries."""
        return self.root / "usr/lib/x86_64-linux-gnu"

    def command(self, program: Path | str, *arguments: str) -> list[str]:
        """The command that runs a program, of the tree or of the system, with the tree's libraries."""
        here = self.libraries
        # Debian reaches these three through /etc/alternatives or the program's own search path
        folders = (here, here / "lapack", here / "blas", here / "pulseaudio", self.root / "usr/lib")
        loader = [str(here / "ld-linux-x86-64.so.2"), "--library-path", ":".join(map(str, folders))]
        return [*loader, "--argv0", str(program), str(program), *arguments]

    @property
    def complete(self) -> bool:
        """Whether it was unpacked to its end, in this layout."""
        try:
            return (self.root / "complete").read_text("utf-8").strip() == _LAYOUT
        except OSError:
            return False


def place() -> Path:
    """Where the tree is kept: PREFLIGHT_HEADSET_DIR, else the user's cache."""
    given = os.environ.get("PREFLIGHT_HEADSET_DIR")
    return Path(given).absolute() if given else platformdirs.user_cache_path("preflight") / "headset"


def tree(*, engine: bool = False) -> Tree | None:
    """The installed tree, or None; with `engine` the one that has Godot in it as well."""
    found = Tree(place() / ("engine" if engine else "root"))
    return found if found.complete else None


def needed(what: str, *, engine: bool = False) -> Tree:
    """The installed tree. Raises Undecided where it is not there, with how to get it; `what` this machine lacks then."""
    found = tree(engine=engine)
    if found is None:
        how = why_not_here() or f"get it with: {INSTALL}{' --engine' if engine else ''}"
        raise Undecided(Reason.PROGRAM, f"no {what} on this machine; {how}")
    return found


def why_not_here() -> str:
    """Why this machine can't have the tree, as a phrase; empty when it can."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        return f"the simulated headset needs Linux on x86-64, and this is {platform.system()} on {platform.machine()}"
    lacking = [name for name in ("apt-get", "dpkg-deb", "tar") if shutil.which(name) is None]
    if lacking:
        return f"{', '.join(lacking)} not found: the simulated headset is unpacked from Debian's packages"
    if not KEYRING.exists():
        return f"{KEYRING} is missing, which proves Debian's packages: install debian-archive-keyring"
    return ""


def install(*, engine: bool = False) -> Tree:
    """Fetch and unpack the tree, unless it is there; some 250 MB are fetched, some 600 MB kept (with `engine` 900).

    Raises LookError with what went wrong and what to do.
    """
    ready = tree(engine=engine)
    if ready is not None:
        return ready
    problem = why_not_here()
    if problem:
        raise LookError(problem)
    home = place()
    coming = home / f"coming-{os.getpid()}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        suite, packages = (ENGINE_SUITE, (*PACKAGES, *ENGINE)) if engine else (SUITE, PACKAGES)
        print(f"Fetching {'Godot, ' if engine else ''}Monado and a software renderer from Debian {suite} ({MIRROR}) …")
        archives = _fetch(coming, suite, packages)
        print(f"Unpacking {len(archives)} packages into {home} …")
        made = Tree(coming / "root")
        _unpack(archives, made.root)
        _settle(made)
        target = home / ("engine" if engine else "root")
        if target.exists():
            shutil.rmtree(target)
        made.root.rename(target)
    except OSError as error:
        raise LookError(f"{home} can't be written ({error.strerror}); set PREFLIGHT_HEADSET_DIR to a place that can") from error
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    done = tree(engine=engine)
    if done is None:
        raise LookError(f"{home} is not complete after unpacking; remove it and run `{INSTALL}` again")
    return done


def _fetch(folder: Path, suite: str, packages: Sequence[str]) -> list[Path]:
    """Download the packages with an apt whose whole state is in `folder`: no root, no lock, nothing of the system's."""
    for name in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "state/status").touch()
    (folder / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {MIRROR} {suite} main\n", "utf-8")
    configuration = folder / "apt.conf"
    # testing is signed for a week at a time; a mirror that lags behind still proves each package by its signature
    stale = 'Acquire::Check-Valid-Until "false";\n' if suite == ENGINE_SUITE else ""
    configuration.write_text(_APT.format(place=folder) + stale, "utf-8")
    environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C.UTF-8"}
    _run(["apt-get", "update", "-qq"], environment)
    _run(["apt-get", "install", "-y", "-qq", "--download-only", *packages], environment)
    return sorted((folder / "cache/archives").glob("*.deb"))


def _unpack(archives: list[Path], root: Path) -> None:
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for archive in archives:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as packed:
            # dpkg's own -x would replace the links above by folders
            command = ["tar", "-x", "-C", str(root), "--keep-directory-symlink", "--no-same-owner"]
            done = subprocess.run(command, stdin=packed.stdout, capture_output=True, text=True, check=False)
        if done.returncode or packed.returncode:
            raise LookError(f"{archive.name} can't be unpacked: {done.stderr.strip()[-200:]}")
        archive.unlink()


def _settle(made: Tree) -> None:
    """Make the tree work where it lies: keymaps for Xvfb, nothing that nobody reads."""
    for name in _SUPERFLUOUS:
        shutil.rmtree(made.root / name, ignore_errors=True)
    program = made.root / "usr/bin/Xvfb"
    code = program.read_bytes()
    if code.count(_KEYMAPS) != 1:
        raise LookError(f"{program} is built differently from what is known; its keymap compiler can't be pointed to")
    program.write_bytes(code.replace(_KEYMAPS, _OWN_KEYMAPS))
    folder = made.root / "xvfb.d"
    folder.mkdir()
    script = folder / "xkbcomp"
    # relative to the tree, where Xvfb is started: the tree may be moved
    here = "usr/lib/x86_64-linux-gnu"
    script.write_text(f'#!/bin/sh\nexec {here}/ld-linux-x86-64.so.2 --library-path {here} usr/bin/xkbcomp "$@"\n', "utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    (made.root / "complete").write_text(f"{_LAYOUT}\n", "utf-8")


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LookError(f"{' '.join(command[:2])} failed: {last}; is {MIRROR} reachable from here (proxy, network)?")
