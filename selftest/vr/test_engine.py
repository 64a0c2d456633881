"""The demonstration in the engine itself. These tests need it: `preflight headset install --engine`."""

from __future__ import annotations

import pytest

from preflight.errors import Undecided
from preflight.openxr import monado
from preflight.openxr.engine import HZ, Engine
from preflight.openxr.look import travel
from preflight.openxr.streamed import of_stream

needed = pytest.mark.skipif(monado.tree(engine=True) is None, reason=f"no engine here; get it with: {monado.INSTALL} --engine")


@needed
def test_engine_draws_on_the_headset_streams_as_documented_and_ends_with_its_runtime():
    with Engine() as running:
        heard = running.listen("selftest")
        told = of_stream(heard)

        assert heard.undecodable == []
        assert heard.of("packed")[0].data["event"] == "snapshot"
        assert told.fps is not None
        assert told.fps < 1.1 * HZ
        assert travel(told.head) > 0.05
        assert all(len(told.hands[side]) > 50 for side in ("left", "right"))
        assert set(told.profiles.values()) == {"/interaction_profiles/microsoft/motion_controller"}

        running.service.kill()
        assert running.process is not None
        running.process.wait(20)


def test_without_the_engine_it_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFLIGHT_HEADSET_DIR", str(tmp_path))
    with pytest.raises(Undecided, match="--engine"):
        Engine()
