"""`preflight headset install | start | stop | status`: the simulated headset, for a machine without one."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from preflight.errors import LookError, UsageError
from preflight.openxr import monado
from preflight.openxr.service import Headset, Service

_READY_S = 30.0


@dataclass(frozen=True)
class Running:
    """A simulated headset that was started and left running."""

    pid: int
    environment: dict[str, str]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser of `preflight`."""
    command = commands.add_parser("headset", help="a simulated headset for a machine without one")
    what = command.add_subparsers(dest="what", required=True, metavar="install|start|stop|status")
    fetch = what.add_parser("install", help="fetch Monado into the user's cache, without root")
    fetch.add_argument("--engine", action="store_true", help="Godot too, for pytest --rehearse --engine (900 MB more)")
    fetch.set_defaults(run=_install)
    one = what.add_parser("start", help="start it and leave it running")
    one.add_argument("--hz", type=int, default=60, help="refresh rate (60)")
    one.set_defaults(run=_start)
    what.add_parser("stop", help="end it").set_defaults(run=_stop)
    what.add_parser("status", help="say whether it is installed and running").set_defaults(run=_status)


def running() -> Running | None:
    """The simulated headset that runs, or None."""
    try:
        kept = json.loads(_note().read_text("utf-8"))
        pid = int(kept["pid"])
        started = _started_at(pid)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # a number alone may be another process by now
    return Running(pid, dict(kept["environment"])) if started and started == kept["started"] else None


def _install(chosen: argparse.Namespace) -> int:
    try:
        made = monado.install(engine=chosen.engine)
    except LookError as error:
        raise UsageError(str(error)) from error
    following = "pytest --rehearse --engine -m vr" if chosen.engine else "preflight headset start, or pytest --rehearse -m vr"
    print(f"{'The engine' if chosen.engine else 'The simulated headset'} is installed in {made.root}. Next: {following}")
    return 0


def _start(chosen: argparse.Namespace) -> int:
    there = running()
    if there is not None:
        raise UsageError(f"the simulated headset runs already (process {there.pid}); `preflight headset stop` ends it")
    if monado.tree() is None:
        raise UsageError(f"the simulated headset is not installed; run: {monado.INSTALL}")
    if not 20 <= chosen.hz <= 240:
        raise UsageError(f"{chosen.hz} Hz is no refresh rate of a headset; give 20 to 240")
    note = _note()
    note.unlink(missing_ok=True)
    command = [sys.executable, "-m", "preflight.openxr.command", str(chosen.hz)]
    keeper = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and keeper.poll() is None:
        there = running()
        if there is not None:
            print(f"The simulated headset runs at {chosen.hz} Hz (process {there.pid}). Programs find it by:")
            for name in ("XR_RUNTIME_JSON", "XDG_RUNTIME_DIR"):
                print(f"  export {name}={there.environment[name]}")
            return 0
        time.sleep(0.05)
    raise UsageError("the simulated headset did not start; `preflight headset status` says what is there")


def _stop(_: argparse.Namespace) -> int:
    there = running()
    if there is None:
        print("The simulated headset does not run.")
        return 0
    os.kill(there.pid, signal.SIGTERM)
    until = time.monotonic() + 12.0
    while running() is not None and time.monotonic() < until:
        time.sleep(0.05)
    print("The simulated headset is stopped." if running() is None else f"process {there.pid} does not end")
    return 0 if running() is None else 1


def _status(_: argparse.Namespace) -> int:
    made, there = monado.tree(), running()
    print(f"installed in {made.root}" if made is not None else f"not installed; {monado.why_not_here() or monado.INSTALL}")
    print(f"running, process {there.pid}" if there is not None else "not running")
    return 0 if made is not None else 1


def _note() -> Path:
    return monado.place() / "running.json"


def _started_at(pid: int) -> str:
    """When that process was started (clock ticks since boot); empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def keep(hz: int) -> None:
    """Run the headset until SIGTERM: the process that `start` leaves behind."""
    made = monado.tree()
    if made is None:
        raise LookError(f"the simulated headset is not installed; run: {monado.INSTALL}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    note = _note()
    try:
        with Service(made, Headset(hz=hz)) as service:
            kept = {"pid": os.getpid(), "started": _started_at(os.getpid()), "environment": service.environment}
            handle = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file)
            while service.pids.keys() >= {"compositor", "display"}:
                time.sleep(0.5)
    except KeyboardInterrupt:
        pass
    finally:
        note.unlink(missing_ok=True)


if __name__ == "__main__":
    keep(int(sys.argv[1]))
