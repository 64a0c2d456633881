"""A private Monado: display, compositor, simulated headset, each a child process, in a folder of its own.

The compositor paces frames on a virtual display at `hz`. Headset and controllers are Monado's simulated ones; they
move by themselves and can't be touched, so what needs a hand is left to a person.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from preflight.errors import LookError
from preflight.openxr.monado import Tree

_READY_S = 20.0
_FOREIGN = ("XRT_", "SIMULATED_", "XR_", "OXR_", "DISPLAY", "WAYLAND", "LD_", "VK_")


@dataclass(frozen=True)
class Headset:
    """What the simulated headset is like, and what goes wrong with it. The default is a sound one.

    `left`, `right`: the kind of controller ("simple", "wmr", "ml2"; empty: missing). `views` 1 is a headset for one
    eye. `state`: "gone" no runtime at all, "stopped" no service; "killed" and "frozen" happen `after_s` into a look;
    "asleep" the service holds still for `after_s` when the session begins; "taken" another program keeps the focus.
    `client`: settings of the runtime's client side, such as a wait added to each frame.
    """

    hz: int = 60
    left: str = "wmr"
    right: str = "wmr"
    views: int = 2
    state: str = "sound"
    after_s: float = 3.0
    client: tuple[tuple[str, str], ...] = ()
    recording: str = ""


class Service:
    """The processes of one private runtime. Use as a context; raises LookError when it does not start."""

    def __init__(self, tree: Tree, headset: Headset) -> None:
        self.tree, self.headset = tree, headset
        # short: Monado's socket has its path in a field of 108 bytes
        self.folder = Path(tempfile.mkdtemp(prefix="xr-", dir="/tmp"))
        self.service: subprocess.Popen[bytes] | None = None
        self._display: subprocess.Popen[bytes] | None = None
        self.display = ""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What a client of this runtime needs."""
        root, libraries = self.tree.root, self.tree.libraries
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        return {
            **kept,
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XR_RUNTIME_JSON": str(self.folder / "runtime.json"),
            "VK_DRIVER_FILES": str(root / "usr/share/vulkan/icd.d/lvp_icd.json"),
            "__EGL_VENDOR_LIBRARY_FILENAMES": str(root / "usr/share/glvnd/egl_vendor.d/50_mesa.json"),
            "LIBGL_DRIVERS_PATH": str(libraries / "dri"),
            "EGL_PLATFORM": "surfaceless",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "LP_NUM_THREADS": "0",  # so few pixels are drawn sooner than a thread for them is woken
            "OXR_NO_PRINTING": "1",
            **dict(self.headset.client),
        }

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of what runs, by name."""
        named = {"compositor": self.service, "display": self._display}
        return {name: process.pid for name, process in named.items() if process is not None and process.poll() is None}

    def kill(self) -> None:
        """End the service at once, as a crash does."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Hold the service still, as a hanging driver does."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the service go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End what was started; twice does no harm."""
        self.thaw()
        for process in (self.service, self._display):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        if self.service is not None and self.service.poll() is None:
            self.service.send_signal(number)

    def _start(self) -> None:
        library = self.tree.libraries / "libopenxr_monado.so"
        manifest = {"file_format_version": "1.0.0", "runtime": {"name": "Monado", "library_path": str(library)}}
        (self.folder / "runtime.json").write_text(json.dumps(manifest), "utf-8")
        if self.headset.state == "gone":
            (self.folder / "runtime.json").unlink()
        if self.headset.state in ("gone", "stopped"):
            return
        self.display = self._start_display()
        environment = {
            **self.environment,
            "DISPLAY": self.display,
            "XRT_NO_STDIN": "1",
            "XRT_COMPOSITOR_FORCE_XCB": "1",
            "XRT_COMPOSITOR_DEFAULT_FRAMERATE": str(self.headset.hz),
            "XRT_COMPOSITOR_SCALE_PERCENTAGE": "50",
            "XRT_COMPOSITOR_XCB_FULLSCREEN": "1",
            "SIMULATED_ENABLE": "1",
            "SIMULATED_VIEW_COUNT": str(self.headset.views),
        }
        for side in ("left", "right"):
            if kind := getattr(self.headset, side):
                environment[f"SIMULATED_{side.upper()}"] = kind
        log = self.folder / "service.log"
        with log.open("wb") as written:
            self.service = subprocess.Popen(
                self.tree.command(self.tree.root / "usr/bin/monado-service"),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
            )
        self._await(log)

    def _start_display(self) -> str:
        reading, writing = os.pipe()
        root = self.tree.root
        command = self.tree.command(root / "usr/bin/Xvfb", "-displayfd", str(writing), "-screen", "0", "64x64x24")
        command += ["-nolisten", "tcp", "-extension", "GLX", "-xkbdir", str(root / "usr/share/X11/xkb")]
        log = self.folder / "display.log"
        with log.open("wb") as written, os.fdopen(reading) as told:
            self._display = subprocess.Popen(
                command,
                cwd=root,
                env=self.environment,
                pass_fds=(writing,),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
            )
            os.close(writing)
            number = told.readline().strip()  # ends with the process
        if not number:
            raise LookError(f"the virtual display did not start: {_tail(log)}")
        return f":{number}"

    def _await(self, log: Path) -> None:
        until = time.monotonic() + _READY_S
        while time.monotonic() < until:
            if self.service is None or self.service.poll() is not None:
                raise LookError(f"the simulated headset's service ended at once: {_tail(log)}")
            with socket.socket(socket.AF_UNIX) as door:
                try:
                    door.connect(str(self.folder / "monado_comp_ipc"))
                except OSError:
                    time.sleep(0.02)
                    continue
            if "has started" in log.read_text("utf-8", "replace"):
                return
            time.sleep(0.02)
        raise LookError(f"the simulated headset's service was not ready within {_READY_S:.0f} s: {_tail(log)}")


def _tail(log: Path) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return " | ".join(lines[-2:])[-300:] or "no reason given"
