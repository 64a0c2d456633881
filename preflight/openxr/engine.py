"""The engine itself, for a demonstration: Debian's Godot draws `demo/` on the simulated headset and streams telemetry.

Drawn by a processor alone, so the headset is asked for 30 Hz. Godot 4.6 needs Vulkan for it, and a display for its window.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from preflight.checklist import ROOT
from preflight.errors import LookError, Unreachable
from preflight.openxr import live, monado
from preflight.openxr.figures import CHECKLIST_HZ
from preflight.openxr.service import Headset, Service
from preflight.probes import telemetry

HZ = 30
WARM_UP_S, LISTEN_S = 8.0, 15.0
"""Shaders are built at the first sight of what they draw, for seconds."""

_READY_S = 40.0
_OPTIONS = ("--rendering-driver", "vulkan", "--rendering-method", "mobile", "--xr-mode", "on", "--audio-driver", "Dummy")


@dataclass(frozen=True)
class Drawn:
    """What the engine drew: its mean rate (FPS) and slowest second, on a headset of so many Hz."""

    fps: float
    slowest: float
    seconds: int

    @property
    def frame_ms_at_90_hz(self) -> float:
        """The mean frame time (ms) as it would be on a headset of 90 Hz."""
        return 1000 / self.fps * HZ / CHECKLIST_HZ

    @property
    def words(self) -> str:
        """The same in words."""
        return (
            f"Godot on a SIMULATED headset of {HZ} Hz: {self.fps:.2f} FPS in {self.seconds} s, slowest second {self.slowest:.1f}"
        )


class Engine:
    """The demonstration, running on a headset of its own at `url`. Use as a context.

    Raises Undecided where this machine has no engine, LookError when it does not start.
    """

    def __init__(self) -> None:
        self.service = Service(monado.needed("engine", engine=True), Headset(hz=HZ))
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.service.__enter__()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _start(self) -> None:
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            port = door.getsockname()[1]
        self.url = f"ws://127.0.0.1:{port}"
        # the engine writes its imports beside the project
        project = shutil.copytree(ROOT / "demo", self.service.folder / "demo")
        environment = {**self.service.environment, "DISPLAY": self.service.display, "TELEMETRY_PORT": str(port)}
        del environment["EGL_PLATFORM"]
        tree = self.service.tree
        # its whole log is thrown away: it writes a line for each frame once the runtime is gone
        self.process = subprocess.Popen(
            tree.command(tree.root / "usr/bin/godot", "--path", str(project), "--disable-vsync", *_OPTIONS),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """End the engine and its headset."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.service.stop()

    def drawn(self, user_agent: str) -> Drawn:
        """Its frames, counted as those of any game. Raises LookError when it streams none."""
        heard = self.listen(user_agent)
        rates = live.rates(heard)
        if not rates:
            raise LookError(f"the engine streams no frames ({heard.closed or 'no reason given'})")
        return Drawn(sum(rates) / len(rates), min(rates), len(rates))

    def listen(self, user_agent: str) -> telemetry.Listening:
        """What it streams once it is warm. Raises LookError when it never does."""
        until = time.monotonic() + _READY_S
        while True:
            try:
                with telemetry.connection(self.url, user_agent) as made:
                    telemetry.listen(made, WARM_UP_S)
                    return telemetry.listen(made, LISTEN_S)
            except Unreachable as error:
                if time.monotonic() > until or self.process is None or self.process.poll() is not None:
                    raise LookError(f"the engine does not stream: {error}") from error
                time.sleep(0.3)
