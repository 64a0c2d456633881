"""pytest in a process that has collected the tests already: the matrix starts it some 500 times.

The first run with certain words starts a process that loads the libraries, the suite and its tests as they are then; it
forks for every run, which goes on from there with a rehearsal of its own.
What a run saves: collecting, the HTML record, scripts as they come parsed, random input made already, TLS sessions resumed.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import IO, Any

import pytest
from _pytest import fixtures, nodes
from gdtoolkit.parser import parser

from preflight import budget, collecting, plugin
from preflight.checklist import ROOT
from preflight.probes import gdscript, intruder, transport
from preflight.record import html, write
from preflight.rehearsal import children
from preflight.rehearsal.behaviour import Host
from preflight.rehearsal.host import settings

_CHILDREN = ("preflight.rehearsal.front", "preflight.rehearsal.game", "preflight.rehearsal.monitoring")
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
    "preflight.running",
    "preflight.hostfixtures",
    "preflight.monitorfixtures",
    "preflight.vrfixtures",
    "preflight.windowfixtures",
    "preflight.alertfixtures",
    "preflight.finish",
    "preflight.measure.stable",
    "preflight.measure.trend",
    "preflight.probes.windows",
    "preflight.rehearsal.deploy",
    "preflight.rehearsal.faults",
    *_CHILDREN,
)
_started = children.process


@dataclass(frozen=True)
class Ran:
    """What became of a run of pytest."""

    returncode: int
    output: str


def run(words: Sequence[str], options: Mapping[str, Any], environment: Mapping[str, str], output: Path, seconds: float) -> Ran:
    """Run pytest with these words in the repository, and with `options` that only this run has: option → value.

    Raises TimeoutError when it goes on for longer than `seconds`.
    """
    job = {"options": dict(options), "environment": dict(environment), "output": str(output)}
    with _starting:
        _, address = _server(tuple(words))
    try:
        status = _asked(address, job, seconds)
    except ConnectionError as error:
        raise RuntimeError("the process that forks for every run has ended; what it said stands above") from error
    said = output.read_text("utf-8", "replace")
    if not status:
        raise TimeoutError(f"pytest {' '.join(words)}: killed, or no end within {seconds:.0f} s: {said[-500:]}")
    return Ran(int(status), said)


def _asked(address: str, job: Mapping[str, Any], seconds: float) -> str:
    """The exit status of a run, "" for one that was killed. Raises ConnectionError when nobody runs it."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        connection.sendall(json.dumps(job).encode() + b"\n")
        with connection.makefile() as lines:
            pid = lines.readline()
            if not pid:
                raise ConnectionAbortedError
            late = threading.Timer(seconds, _end, [int(pid)])
            late.start()
            try:
                return lines.readline()
            finally:
                late.cancel()


_starting = threading.Lock()


@cache
def _server(words: tuple[str, ...]) -> tuple[subprocess.Popen[bytes], str]:
    """The process that forks for every run with these words, and its address; it ends with this one, which holds its input."""
    folder = tempfile.TemporaryDirectory(prefix="preflight-warm-")
    atexit.register(folder.cleanup)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{folder.name}/socket")
    listener.listen(64)
    process = subprocess.Popen(
        [sys.executable, "-m", "selftest.warm", str(listener.fileno()), *words],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=2,  # what is wrong with the tests; ours is for results
        pass_fds=[listener.fileno()],
    )
    return process, str(listener.getsockname())


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


class _Forks:
    """Forks for each connection, when the tests are collected: it brings what to run, and hears the process id."""

    def __init__(self, listener: socket.socket, configure: Callable[[pytest.Config], None]) -> None:
        self._listener, self._configure = listener, configure
        self.connection: IO[str] | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Serve until nobody asks any more. Returns in forks, each of which goes on with its run, and where a test is broken."""
        if session.testsfailed:
            return
        gc.freeze()
        gc.disable()  # a run is over before its garbage matters
        while self._listener in select.select([self._listener, sys.__stdin__], [], [])[0]:  # the end of the input: nobody asks
            connection, _ = self._listener.accept()
            if not os.fork():
                self._listener.close()
                with connection:
                    self.connection = connection.makefile("rw")
                self._become(session.config, json.loads(self.connection.readline()), self.connection)
                collecting.pytest_collection_finish(session)
                return
            connection.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        os._exit(0)

    def _become(self, config: pytest.Config, job: Mapping[str, Any], who: IO[str]) -> None:
        os.setsid()
        print(os.getpid(), file=who, flush=True)
        os.environ.clear()
        os.environ.update(job["environment"])
        tempfile.tempdir = None  # the environment says where it is
        nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(job["output"], os.O_WRONLY | os.O_CREAT, 0o600)
        for here, there in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(here, there)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - the parent's has lines of other runs in it
        for name, value in job["options"].items():
            setattr(config.option, name, value)
        self._configure(config)


def _serve(listener: socket.socket, words: list[str]) -> None:
    """Collect what these words ask for, and fork for every run of it."""
    for name in _LOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    intruder.made_up()
    _parse()
    _know_arguments()
    children.process = _forked
    budget.FileLock = lambda _: contextlib.nullcontext()  # a run has a budget, and a cache, of its own
    nodes.Node._repr_failure_py = lambda *told, **_: str(told[1].value)  # nobody reads where in a test it was
    html.section = html.page = lambda *_: ""  # who starts many runs reads their record.json
    write.junit_xml = lambda *_: b""
    transport._trusting = lru_cache(_resuming(transport._trusting))
    forks = _Forks(listener, plugin._configure_main)
    plugin._configure_main = lambda _: None  # a fork has a target, and these words have none
    status = int(pytest.main(words, plugins=[forks]))
    if forks.connection is not None:
        print(status, file=forks.connection, flush=True)


class _Remembering(ssl.SSLSocket):
    """Leaves its session to the next connections of its context."""

    def _real_close(self) -> None:
        if self._sslobj is not None and not self.session_reused:  # a session is copied when it is looked at, which takes its time
            self.context.left[self.server_hostname] = self.session
        super()._real_close()


class _Resuming(ssl.SSLContext):
    """Resumes the session with a host: half of a handshake's work, which is a sixth of a run's."""

    def wrap_socket(self, *args: Any, **more: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, session=self.left.get(more.get("server_hostname")), **more)


def _resuming(trusting: Callable[[str], ssl.SSLContext]) -> Callable[[str], ssl.SSLContext]:
    def resuming(authorities: str) -> ssl.SSLContext:
        context = trusting(authorities)
        context.__class__, context.sslsocket_class, context.left = _Resuming, _Remembering, {}
        return context

    return resuming


def _know_arguments() -> None:
    """Keep what pytest's fixtures and tests ask for."""
    names, known = fixtures.getfuncargnames, {}

    def remembered(function: Any, **options: Any) -> tuple[str, ...]:
        # what gives `request` is a new function for every test, of the same code
        key = (function.__code__ if function.__name__ == "<lambda>" else function, *options.values())
        if key not in known:
            known[key] = names(function, **options)
        return known[key]

    fixtures.getfuncargnames = remembered


def _parse() -> None:
    """Parse the rehearsal's scripts, which most runs find as they are."""
    parser.parse = lru_cache(parser.parse)
    for path in settings.GDSCRIPT:
        gdscript.parse(settings.gdscript_text(path, Host()))


def _forked(module: str, assignment: Path, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """As `children.process`, where this process has the module loaded already: what follows the fork is no other program."""

    def become() -> None:
        gc.freeze()  # what the parent had open is closed here: nothing may find that garbage and close its numbers again
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # by this the parent hears that the program has begun
        sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        sys.argv = [module, str(assignment)]
        try:
            sys.modules[module].main()
        except BaseException:  # noqa: BLE001 - nothing of the parent's may run in the child
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    if module not in _CHILDREN or threading.active_count() > 1:  # a fork knows nothing of the locks that other threads hold
        return _started(module, assignment, errors)
    return subprocess.Popen(
        [module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
        cwd=ROOT,
        preexec_fn=become,  # noqa: PLW1509 - there are no others
        restore_signals=False,  # as Python begins: a peer that has gone is no end of the program
    )


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
