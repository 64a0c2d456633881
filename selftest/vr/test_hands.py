"""Followed hands, by Monado's remote driver: hands that a program holds up. Needs `preflight headset install`."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from preflight.openxr import monado, station
from preflight.openxr.service import Service

pytestmark = pytest.mark.skipif(monado.tree() is None, reason=f"no simulated headset here; get it with: {monado.INSTALL}")

# Monado 25's packet, little endian: its name, two views, the head, two hands; 376 bytes
_VIEW = struct.pack("<11fI", *[0.0] * 6, 0.0, 1.0, *[0.0] * 3, 0)
_HEAD = struct.pack("<7f4?", 0, 0, 0, 1, 0, 1.6, 0, *[False] * 4)
_SENT_FIRST = 2 * 376


def _hand(x: float, *, followed: bool) -> bytes:
    pose, rest = (0.0, 0.0, 0.0, 1.0, x, 1.3, -0.5), [0.0] * 19
    return struct.pack("<26f16?", *pose, *rest, followed, True, *[False] * 14)


def _hold_up(port: int, over: threading.Event, *, followed: bool) -> None:
    packet = b"mndrmt3\0" + 2 * _VIEW + _HEAD + _hand(-0.2, followed=followed) + _hand(0.2, followed=followed)
    until = time.monotonic() + 20
    while time.monotonic() < until and not over.is_set():
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as hub:
                hub.recv(_SENT_FIRST, socket.MSG_WAITALL)
                while not over.wait(0.02):
                    hub.sendall(packet)
        except OSError:  # the service is not up yet, or has gone
            time.sleep(0.05)


@pytest.mark.parametrize("followed", [True, False], ids=["held up", "out of sight"])
def test_hands_are_followed_as_long_as_they_are_there(monkeypatch, followed):
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]

    class Remote(Service):
        """A headset whose hands are held by a program."""

        def _start(self) -> None:
            place: Path = self.folder / "config/monado/config_v0.json"
            place.parent.mkdir(parents=True)
            remote = {"version": 0, "port": port, "view_count": 2}
            place.write_text(json.dumps({"active": "remote", "remote": remote}), "utf-8")
            super()._start()

    monkeypatch.setattr(station, "Service", Remote)
    over = threading.Event()
    holding = threading.Thread(target=_hold_up, args=(port, over), kwargs={"followed": followed}, daemon=True)
    holding.start()
    try:
        look = station.Station(own=True).play(2, 0)
    finally:
        over.set()
        holding.join()

    assert (look.trouble, look.told["hand_tracking"], look.simulated) == ("", True, True)
    assert len(look.told["joints"]) > 30
    assert {tuple(both) for both in look.told["joints"][-30:]} == {(followed, followed)}
