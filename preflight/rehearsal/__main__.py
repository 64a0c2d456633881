"""Start the rehearsal deployment and keep it until Ctrl-C: `python -m preflight.rehearsal [--fault NAME ...]`."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.deploy import Rehearsal, RehearsalError
from preflight.rehearsal.faults import FAULTS, LOOK_ALIKES

_MONITORING_S = 30.0


def changed(names: list[str]) -> Deployment:
    """The clean deployment with the named faults and look-alikes in it. Raises RehearsalError for unknown names."""
    deployment = Deployment()
    known = {**FAULTS, **LOOK_ALIKES}
    for name in names:
        if name not in known:
            raise RehearsalError(f"There is no fault {name!r}; --list-faults names all {len(known)}.")
        deployment = known[name].change(deployment)
    return deployment


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m preflight.rehearsal", description="A stand-in deployment on loopback.")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME", help="break one thing; may be repeated")
    parser.add_argument("--folder", type=Path, help="where it keeps its files (new or empty); a temporary one otherwise")
    parser.add_argument("--list-faults", action="store_true", help="print all faults and look-alikes, and start nothing")
    options = parser.parse_args(arguments)
    if options.list_faults:
        for fault in (*FAULTS.values(), *LOOK_ALIKES.values()):
            print(f"{fault.name:44} {fault.theme:16} {fault.breaks}")
        return 0
    # An end by `kill` is as orderly as one by Ctrl-C, and both are heard from a shell's background as well.
    for end in (signal.SIGTERM, signal.SIGINT):
        signal.signal(end, signal.default_int_handler)
    try:
        with contextlib.ExitStack() as stack:
            folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-")))
            rehearsal = stack.enter_context(Rehearsal(changed(options.fault), folder))
            _await_monitoring(rehearsal)
            _present(rehearsal)
            while True:
                time.sleep(0.5)
                rehearsal.check()
    except KeyboardInterrupt:
        return 0
    except RehearsalError as problem:
        print(problem, file=sys.stderr)
        return 1


def _await_monitoring(rehearsal: Rehearsal) -> None:
    """Wait until the monitoring answers, where there is one: whoever is told of it may ask at once."""
    until = time.monotonic() + _MONITORING_S
    for url in filter(None, (rehearsal.prometheus_url, rehearsal.alertmanager_url)):
        while time.monotonic() < until:
            with contextlib.suppress(OSError), urlopen(f"{url}/-/ready", timeout=1):  # noqa: S310 - of this machine
                break
            rehearsal.check()
            time.sleep(0.2)


def _present(rehearsal: Rehearsal) -> None:
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in rehearsal.environment.items())
    print(
        f"API        {rehearsal.api_url}   (plain HTTP {rehearsal.http_url}, the game itself {rehearsal.internal_url})\n"
        f"telemetry  {rehearsal.telemetry_url}\n"
        f"host files {rehearsal.host}\n\n"
        "Point a run at it, from another terminal:\n\n"
        f"  {settings} \\\n  pytest --target {shlex.quote(str(rehearsal.target))}\n\n"
        "Ctrl-C ends it.",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
