"""The simulated headset itself. These tests need it: `preflight headset install`."""

from __future__ import annotations

import argparse
import os
import time

import pytest

from preflight.errors import UsageError
from preflight.openxr import command, monado
from preflight.openxr import station as station_module
from preflight.openxr.disturb import Disturbance
from preflight.openxr.service import Headset, Service
from preflight.openxr.station import Simulation, Station

needed = pytest.mark.skipif(monado.tree() is None, reason=f"no simulated headset here; get it with: {monado.INSTALL}")


def _station(disturbance: Disturbance | None = None, **headset: object) -> Station:
    return Station(own=True, simulated=Simulation(Headset(**headset), disturbance or Disturbance()))  # type: ignore[arg-type]


@needed
def test_session_comes_into_focus_and_tells_everything():
    look = _station().play(2, 0)

    assert (look.trouble, look.simulated) == ("", True)
    assert look.states[:5] == ["IDLE", "READY", "SYNCHRONIZED", "VISIBLE", "FOCUSED"]
    assert look.hz == pytest.approx(60, abs=0.1)
    assert len(look.head()) == len(look.hand("left")) == len(look.frames()) > 30
    assert look.told["haptics"] == ["accepted", "accepted"]


@needed
@pytest.mark.parametrize(("state", "trouble"), [("killed", "lost"), ("frozen", "hangs")])
def test_runtime_that_goes_does_not_cost_the_whole_session(state, trouble):
    began = time.monotonic()
    look = _station(state=state, after_s=1.0).play(30, 0)

    assert look.trouble == trouble
    assert "FOCUSED" in look.states
    assert time.monotonic() - began < 25, "it costs 10 s quietly; a busy machine takes its time to start it"


@needed
@pytest.mark.parametrize(
    ("station", "trouble"),
    [
        (_station(state="gone"), "no runtime"),
        (_station(state="stopped"), "no service"),
        (_station(views=1), "no stereo"),
        (_station(Disturbance(no_headset=True)), "no headset"),
    ],
    ids=["no runtime", "no service", "one eye", "no headset"],
)
def test_what_is_missing_is_named(station, trouble):
    assert station.play(1, 0).trouble == trouble


_NO_EGL = {"__EGL_VENDOR_LIBRARY_FILENAMES": "/nowhere"}


@needed
@pytest.mark.parametrize(
    ("hidden", "mode", "why_not"),
    [
        (_NO_EGL, "graphics", ""),
        ({**_NO_EGL, "VK_DRIVER_FILES": "/nowhere"}, "headless", "Vulkan finds no driver here"),
    ],
    ids=["Vulkan in its place", "neither"],
)
def test_without_egl_there_is_vulkan_and_without_both_no_frame(monkeypatch, hidden, mode, why_not):
    class Blind(Service):
        """The runtime itself sees everything, its client does not."""

        @property
        def environment(self) -> dict[str, str]:
            return {**super().environment, **(hidden if self.service is not None else {})}

    monkeypatch.setattr(station_module, "Service", Blind)
    look = _station().play(2, 0)

    assert (look.trouble, look.told["mode"]) == ("", mode)
    assert look.told["no_graphics"].startswith(why_not)
    assert (len(look.frames()) > 60) == (mode == "graphics")
    assert len(look.head()) > 60


@needed
def test_nothing_is_left_behind():
    with Service(monado.tree(), Headset()) as service:  # type: ignore[arg-type]
        pids, folder = service.pids, service.folder
        assert pids.keys() == {"compositor", "display"}
    assert not folder.exists()
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@needed
def test_headset_is_started_and_stopped_by_command(capsys):
    nothing = argparse.Namespace(hz=60)
    if command.running() is not None:
        pytest.skip("the simulated headset runs already")
    assert command._start(nothing) == 0
    try:
        there = command.running()
        assert there is not None
        with pytest.raises(UsageError, match="runs already"):
            command._start(nothing)
    finally:
        assert command._stop(nothing) == 0
    assert command.running() is None
    assert "XR_RUNTIME_JSON" in capsys.readouterr().out


def test_without_a_tree_the_command_says_how_to_get_it(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PREFLIGHT_HEADSET_DIR", str(tmp_path))

    assert command._status(argparse.Namespace()) == 1
    assert "not installed" in capsys.readouterr().out
    with pytest.raises(UsageError, match="preflight headset install"):
        command._start(argparse.Namespace(hz=60))


def test_note_of_a_process_that_is_gone_is_not_believed(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFLIGHT_HEADSET_DIR", str(tmp_path))
    (tmp_path / "running.json").write_text('{"pid": 1, "started": "never", "environment": {}}')

    assert command.running() is None
