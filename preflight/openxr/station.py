"""The VR station: what tests ask about the headset. Every look runs in a child process that may be lost.

In a rehearsal the station brings its own runtime (`monado.py`); elsewhere it takes the one that is active.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from preflight.errors import LookError, Undecided
from preflight.openxr import monado
from preflight.openxr.disturb import Disturbance
from preflight.openxr.look import Look, meanwhile
from preflight.openxr.service import Headset, Service
from preflight.outcome import Reason
from preflight.redact import printable

PLAY_S, SAMPLES = 15.5, 930
"""The 900 poses that smooth movement needs, at 60 Hz; a slower headset plays longer."""

_STARTING = "starting"
"""What a child does that has not said a word yet."""
SILENCE_S = 9.0
"""A child that shows no sign of life for so long hangs in the runtime; together with what came before under 15 s."""

_RIVAL_S, _INTERRUPTED_S = 1.5, 4.0

_REMEDY = {
    "no pyopenxr": "install it with: pip install 'spacetime-preflight[vr]'",
    "no libGL": "install libGL (Debian: apt-get install libgl1 libglx-mesa0)",
    "no runtime": f"start SteamVR or Quest Link and make it the active runtime; without a headset: {monado.INSTALL}",
    "no service": "start the runtime (SteamVR, Quest Link, monado-service)",
    "no headset": "switch the headset on and connect it",
    "no focus": "put the headset on, and close the runtime's menu and other VR programs",
    "no graphics": "a Linux runtime with XR_MNDX_egl_enable, or a Windows runtime with OpenGL, is needed for frames",
}
NOTHING_SAID = "a simulated headset says nothing about this deployment"
MISSING = ("no pyopenxr", "no libGL")
"""Troubles of this machine's Python: nothing was asked of a runtime."""

ABSENT = ("no runtime", "no service", "no headset")
"""Troubles that mean that there is no headset to look at here."""

ENDED = ("lost", "hangs", "crashed")
"""Troubles that mean that a session which ran did not survive."""


@dataclass(frozen=True)
class Simulation:
    """The headset of a rehearsal: the simulated one's settings, and what disturbs a session on it."""

    headset: Headset = field(default_factory=Headset)
    disturbance: Disturbance = field(default_factory=Disturbance)


def simulation(text: str) -> Simulation:
    """A simulation from its line of JSON (`{"headset": {…}, "disturbance": {…}}`); the sound one from an empty line.

    Raises LookError for anything else.
    """
    if not text:
        return Simulation()
    try:
        said = json.loads(text)
    except ValueError as error:
        raise LookError(
            f"{printable(text, 40)!r} is no simulated headset; copy the line that `preflight rehearse` prints"
        ) from error
    told = dict(said.get("headset", {}))
    told["client"] = tuple((str(name), str(value)) for name, value in told.get("client", ()))
    return Simulation(Headset(**told), Disturbance(**said.get("disturbance", {})))


class Station:
    """A machine with (or without) a headset. `own` brings the simulated one along, as a rehearsal does."""

    def __init__(self, *, own: bool, simulated: Simulation | None = None) -> None:
        self.own = own
        self._simulated = simulated or Simulation()

    def play(self, seconds: float = PLAY_S, samples: int = SAMPLES) -> Look:
        """Play a session for `seconds`, and until so many poses are there, and tell all of it.

        Raises Undecided where this machine has no program to look with; everything else is in the Look.
        """
        if not self.own:
            python, environment = _active()
            return self._checked(_ask({"seconds": seconds, "samples": samples}, python, environment))
        tree = monado.needed("simulated headset")
        with Service(tree, self._simulated.headset) as service:
            asked = {"seconds": seconds, "samples": samples, "disturb": asdict(self._simulated.disturbance)}
            happening = _Happening(service, self._simulated.headset)
            return self._checked(_ask(asked, tree.command(sys.executable), service.environment, happening.heard))

    def interrupt(self) -> Look:
        """A session during which another program takes the focus and goes again.

        On the station's own headset alone: where a person wears it, the runtime's menu does it.
        """
        tree = monado.needed("simulated headset")
        with Service(tree, self._simulated.headset) as service:
            rival = threading.Thread(
                target=_ask, args=({"seconds": _RIVAL_S}, tree.command(sys.executable), service.environment), daemon=True
            )

            def heard(doing: str) -> None:
                if doing == "playing" and rival.ident is None:
                    rival.start()

            asked = {"seconds": _INTERRUPTED_S, "focuses": 2, "disturb": asdict(self._simulated.disturbance)}
            look = _ask(asked, tree.command(sys.executable), service.environment, heard)
            if rival.ident is not None:
                rival.join(SILENCE_S)
            return self._checked(look)

    def _checked(self, look: Look) -> Look:
        if look.trouble in MISSING:
            raise Undecided(Reason.PROGRAM, f"{look.sentence}; {_REMEDY[look.trouble]}")
        return look


class _Happening:
    """What happens to the service of a rehearsal while a session runs."""

    def __init__(self, service: Service, headset: Headset) -> None:
        self._service, self._headset = service, headset
        self._due: float | None = None
        self._asleep = False

    def heard(self, doing: str) -> None:
        """Called at each sign of life of the child, and between them."""
        state, now = self._headset.state, time.monotonic()
        if state == "asleep" and not self._asleep and doing != _STARTING:  # it is the session that waits, not its process
            self._asleep = True
            self._service.freeze()
            threading.Timer(self._headset.after_s, self._service.thaw).start()
        if state not in ("killed", "frozen"):
            return
        if doing == "playing" and self._due is None:
            self._due = now + self._headset.after_s
        if self._due is not None and now >= self._due:
            self._due = float("inf")
            (self._service.kill if state == "killed" else self._service.freeze)()


def admit(look: Look) -> Look:
    """A look that may say something about a real deployment.

    Raises Undecided for a machine without a headset, a simulated one, and one that nobody wears.
    """
    if look.trouble in ABSENT:
        raise Undecided(Reason.PROGRAM, remedy(look))
    if look.simulated:
        raise Undecided(Reason.OPERATOR, NOTHING_SAID)
    if look.trouble == "no focus":
        raise Undecided(Reason.PERSON, remedy(look))
    return look


def remedy(look: Look) -> str:
    """What ended a look, and what to do about it."""
    how = _REMEDY.get(look.trouble)
    return f"{look.sentence}; {how}" if how else look.sentence


def _active() -> tuple[list[str], dict[str, str]]:
    """How to reach the runtime that is active here: as it is, or the headset that `preflight headset start` left running."""
    from preflight.openxr.command import running

    found, tree = running(), monado.tree()
    if found is None or tree is None:
        return [sys.executable], dict(os.environ)
    return tree.command(sys.executable), found.environment


def _ask(
    asked: Mapping[str, Any],
    python: list[str],
    environment: Mapping[str, str],
    heard: Callable[[str], None] = lambda _: None,
) -> Look:
    """Run the child and take what it tells; never longer than it shows signs of life."""
    began, before = time.monotonic(), _load()
    command = [*python, "-m", "preflight.openxr.child", json.dumps(asked)]
    with subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
    ) as child:
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_pump, args=(child, lines), daemon=True).start()
        try:
            told, (code, sentence) = _listen(lines, heard)
        finally:
            if child.poll() is None:
                child.kill()
    seconds = time.monotonic() - began
    found = told.pop("trouble", None) or {"code": code, "text": sentence}
    return Look(told, found["code"], found["text"], seconds, meanwhile(before, _load(), seconds))


def _load() -> float:
    """Programs a processor of this machine had to run over the last minute; 0 where it is not told."""
    return os.getloadavg()[0] / (os.cpu_count() or 1) if hasattr(os, "getloadavg") else 0.0


def _pump(child: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    if child.stdout is None:
        raise LookError("the child process was started without a pipe")
    for line in child.stdout:
        lines.put(line)
    lines.put(None)


def _listen(lines: queue.SimpleQueue[str | None], heard: Callable[[str], None]) -> tuple[dict[str, Any], tuple[str, str]]:
    """What the child told to its end, or until it fell silent; and the trouble with the child itself."""
    doing, until = _STARTING, time.monotonic() + SILENCE_S
    known: dict[str, Any] = {}
    while True:
        heard(doing)
        try:
            line = lines.get(timeout=0.1)
        except queue.Empty:
            if time.monotonic() > until:
                return known, ("hangs", f"the runtime hangs: no sign of life for {SILENCE_S:.0f} s while {doing}")
            continue
        if line is None:
            return known, ("crashed", f"the session's process died while {doing}")
        until = time.monotonic() + SILENCE_S
        said = json.loads(line)
        if "result" in said:
            return said["result"], ("", "")
        doing = str(said.get("doing", doing))
        known.update(said.get("known", {}))
