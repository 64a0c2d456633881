"""pytest in a process that has its modules loaded already: the matrix starts it some 500 times.

Each thread that calls `run` gets a process of its own that loads the libraries and the suite as they are then, and forks
for every run. Tests are imported by each run anew.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preflight import checklist
from preflight.checklist import ROOT

_LOADED = (
    "pytest",
    "_pytest.assertion.rewrite",
    "hypothesis",
    "hypothesis.strategies",
    "pydantic",
    "requests",
    "numpy",
    "jwt",
    "cryptography.x509",
    "jinja2",
    "rich.progress",
    "websockets.sync.client",
    "prometheus_client.parser",
    "yaml",
    "lark",
    "crossplane",
    "tomli_w",
    "trustme",
    "xdist.plugin",
    "pytest_benchmark.plugin",
    "aiohttp.web",
    "junitparser",
    "platformdirs",
    "filelock",
    "dotenv",
    "pydantic.fields",
    "cryptography.hazmat.primitives.serialization",
    "preflight.plugin",
    "preflight.hostfixtures",
    "preflight.monitorfixtures",
    "preflight.vrfixtures",
    "preflight.finish",
    "preflight.rehearsal.deploy",
    "preflight.rehearsal.faults",
)
_own = threading.local()


@dataclass(frozen=True)
class Ran:
    """What became of a run of pytest."""

    returncode: int
    output: str


def run(words: Sequence[str], environment: Mapping[str, str], output: Path, seconds: float) -> Ran:
    """Run pytest with these words in the repository. Raises TimeoutError when it goes on for longer than `seconds`."""
    if getattr(_own, "process", None) is None or _own.process.poll() is not None:
        _own.process = subprocess.Popen(
            [sys.executable, "-m", "selftest.warm"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    process = _own.process
    process.stdin.write(json.dumps({"words": list(words), "environment": dict(environment), "output": str(output)}) + "\n")
    process.stdin.flush()
    pid = int(process.stdout.readline())
    late = threading.Timer(seconds, _end, [pid])
    late.start()
    try:
        status = int(process.stdout.readline())
    finally:
        late.cancel()
    said = output.read_text("utf-8", "replace")
    if status == -signal.SIGKILL:
        raise TimeoutError(f"pytest {' '.join(words)}: no end within {seconds:.0f} s: {said[-500:]}")
    return Ran(status, said)


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _serve() -> None:
    """Fork for each line of the input; tell the process id, and then its exit status."""
    for name in _LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    checklist.load()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)  # a run is over before its garbage matters
    while line := sys.stdin.readline():
        pid = os.fork()
        if not pid:
            sys.exit(_become(json.loads(line)))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(job: Mapping[str, Any]) -> int:
    os.setsid()
    os.environ.clear()
    os.environ.update(job["environment"])
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(job["output"], os.O_WRONLY | os.O_CREAT, 0o600)
    for here, there in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(here, there)
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115 - the parent's has lines of other runs in it
    sys.argv = ["pytest", *job["words"]]
    import pytest

    return int(pytest.main(job["words"]))


if __name__ == "__main__":
    _serve()
