"""What has lasted too long is ended in time, whatever else is watched, and nothing else is."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from preflight.probes.transport import _Watchdog


def test_the_one_that_is_due_first_is_ended_first_whenever_it_came() -> None:
    watchdog, ended, done = _Watchdog(), list[str](), threading.Event()
    watchdog.start()
    ends = {name: (lambda name=name: ended.append(name)) for name in ("late", "forgotten", "later")}
    began = time.monotonic()
    watchdog.watch(ends["late"], 30)
    watchdog.watch(ends["later"], 0.4)
    watchdog.watch(ends["forgotten"], 0.2)
    watchdog.watch(done.set, 0.1)
    watchdog.forget(ends["forgotten"])
    watchdog.forget(ends["forgotten"])

    assert done.wait(10)
    assert time.monotonic() - began >= 0.1
    assert ended == []
    until = time.monotonic() + 10
    while not ended and time.monotonic() < until:
        time.sleep(0.01)
    assert ended == ["later"]
    assert time.monotonic() - began >= 0.4


def test_a_fork_watches_by_itself() -> None:
    script = """
import os
from preflight.probes.transport import _watchdog
first = _watchdog()
if not (child := os.fork()):
    os._exit(0 if _watchdog() is not first and _watchdog().is_alive() else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0
