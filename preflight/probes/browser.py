"""A browser of this machine, started for one look with an empty profile of its own, and ended for certain."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from preflight.errors import LookError, Undecided
from preflight.outcome import Reason

VARIABLE = "PREFLIGHT_BROWSER"
"""Names the browser's file, and then nothing else is looked at; empty: there is none."""
HOW_TO_GET = (
    f"`pip install playwright`, and Chromium, Chrome or Edge on PATH (Debian: `apt-get install chromium`) or named in {VARIABLE}"
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
_NOWHERE = "127.0.0.1:9"
HEADLESS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    # it refuses to start for root with its sandbox
    *(("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()),
)
_FLAGS = (
    *HEADLESS,
    "--disable-sync",
    "--disable-dev-shm-usage",
    # nothing leaves the browser by itself: every request is carried by the suite's own client
    f"--proxy-server=http://{_NOWHERE}",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-port=0",
)
_READY_S = 20.0


def find() -> Path | None:
    """The browser's file, None where there is none."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named and Path(named).is_file() else None
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return next((Path(place) for place in _PLACES if Path(place).is_file()), None)


@contextmanager
def started(seconds: float) -> Iterator[str]:
    """A headless browser; gives the address to steer it by. Killed at the end, and after `seconds` whatever it does.

    Raises Undecided where this machine has no browser or no playwright, LookError when it does not start.
    """
    program = find()
    if program is None or find_spec("playwright") is None:
        what = "browser" if program is None else "playwright"
        raise Undecided(Reason.PROGRAM, f"no {what} on this machine: {HOW_TO_GET}")
    with tempfile.TemporaryDirectory(prefix="preflight-browser-", ignore_cleanup_errors=True) as place:
        process = subprocess.Popen(
            [str(program), *_FLAGS, f"--user-data-dir={place}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        watchdog = threading.Timer(seconds, _kill, (process,))
        watchdog.daemon = True
        watchdog.start()
        try:
            yield f"http://127.0.0.1:{_port(process, Path(place) / 'DevToolsActivePort')}"
        finally:
            watchdog.cancel()
            _kill(process)
            process.wait()


def _port(process: subprocess.Popen[bytes], file: Path) -> int:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError, ValueError):  # not written yet, or half of it
            lines = file.read_text("utf-8").splitlines()
            if len(lines) > 1:
                return int(lines[0])
        time.sleep(0.02)
    raise LookError(f"the browser {find()} was not ready within {_READY_S:g} s")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the browser with its helpers, which share its process group."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
