#!/usr/bin/env python3
"""One command from a fresh machine to a verdict: make .venv, install the pinned packages, run pytest.

python3 accept.py                      the whole checklist against a rehearsal deployment
python3 accept.py -m security          any arguments go to pytest as they are
python3 accept.py --selftest           the suite's own tests (more packages, and programs where they can be had)

Needs Python 3.11 or newer and nothing else; works the same on Linux, macOS and Windows.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST = (3, 11)


def stop(text: str) -> "None":
    """End with one sentence."""
    sys.exit(f"accept.py: {text}")


def install(lock: Path) -> None:
    """Make .venv and bring it to `lock`, unless that was done already."""
    wanted = hashlib.sha256(lock.read_bytes() + (HERE / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / f"{lock.stem}.installed"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing the pinned packages of {lock.name} into {VENV.name} (once, about a minute) ...", flush=True)
    try:
        if not PYTHON.exists():
            venv.EnvBuilder(with_pip=True, clear=VENV.exists()).create(VENV)
        pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "--no-compile", "--require-hashes", "-r", str(lock)], check=True)
        # on all processors, and without what is hardly ever imported: pip took half of the time for it
        compile_ = [str(PYTHON), "-m", "compileall", "-q", "-j", "0", "-x", r"[/\\](tests?|OpenGL)[/\\]", str(VENV / "lib")]
        subprocess.run(compile_, check=False, stdout=subprocess.DEVNULL)  # some packages hold files for other Pythons
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(HERE)], check=True)
    except subprocess.CalledProcessError as error:
        stop(f"the packages could not be installed (pip ended with {error.returncode}; its words are above)")
    except OSError as error:
        stop(f"{VENV} could not be made ({error.strerror}); on Debian: apt-get install python3-venv")
    for old in VENV.glob("*.installed"):
        old.unlink()
    stamp.write_text(wanted)


def main() -> int:
    """Install what is needed and run."""
    if sys.version_info < OLDEST:
        stop(f"needs Python {OLDEST[0]}.{OLDEST[1]} or newer, this is {sys.version.split()[0]}")
    arguments = sys.argv[1:]
    try:
        if "--selftest" in arguments:
            arguments.remove("--selftest")
            install(HERE / "requirements-selftest.lock")
            return subprocess.call([str(PYTHON), "-m", "selftest", *arguments], cwd=HERE)
        if not list(VENV.glob("requirements-selftest.installed")):
            install(HERE / "requirements.lock")
        return subprocess.call([str(PYTHON), "-m", "pytest", *(arguments or ["--rehearse"])], cwd=HERE)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
