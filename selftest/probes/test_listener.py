"""A telemetry client that listens while other tests run: nothing is lost, nothing is waited for twice, and it ends."""

from __future__ import annotations

import gzip
import struct
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from preflight.errors import LookError, Unreachable
from preflight.probes import telemetry
from preflight.rehearsal.behaviour import Deployment, Telemetry
from preflight.rehearsal.deploy import Rehearsal


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with Rehearsal(Deployment(), tmp_path_factory.mktemp("listener") / "rehearsal") as rehearsal:
        yield rehearsal.telemetry_url


def test_what_came_in_the_first_seconds_is_told_whenever_it_is_asked(url: str) -> None:
    listening = telemetry.Listener(url, "selftest", 2.0)
    short = listening.heard(1.0)
    whole = listening.heard(2.0)

    assert short.seconds == pytest.approx(1.0, abs=0.01)
    assert max(message.at for message in short.messages) <= 1.0
    assert 1.9 < whole.seconds < 2.5
    assert len(whole.messages) > len(short.messages) > 5
    assert listening.heard(1.0).messages == short.messages
    listening.stop()
    assert not listening.open


def test_it_counts_as_one_of_a_crowd_while_it_is_open(url: str) -> None:
    listening = telemetry.Listener(url, "selftest", 5.0)
    listening.heard(0.2)
    heard = telemetry.crowd(url, "selftest", 3, 1.0, beside=listening)
    listening.stop()

    assert telemetry.served(heard) == len(heard) == 3
    assert len(telemetry.crowd(url, "selftest", 3, 0.5, beside=listening)) == 3, "one that is gone is replaced"


def test_stopping_ends_it_at_once(url: str) -> None:
    listening = telemetry.Listener(url, "selftest", 30.0)
    listening.heard(0.2)
    began, before = time.monotonic(), threading.active_count()
    listening.stop()

    assert time.monotonic() - began < 3.0
    assert threading.active_count() < before


def test_a_closed_stream_and_a_closed_door_are_told(tmp_path: Path) -> None:
    deployment = replace(Deployment(), telemetry=replace(Telemetry(), drop_after_s=0.5))
    with Rehearsal(deployment, tmp_path / "dropping") as rehearsal:
        heard = telemetry.Listener(rehearsal.telemetry_url, "selftest", 10.0).heard(10.0)
        assert heard.closed
        assert heard.seconds < 3.0
    with pytest.raises(Unreachable):
        telemetry.Listener(rehearsal.telemetry_url, "selftest", 10.0).heard(1.0)


class Flood:
    """A connection on which the same message comes again and again."""

    def __init__(self, message: str | bytes) -> None:
        self.message = message

    def recv(self, timeout: float) -> str | bytes:  # noqa: ARG002 - as the connection's
        return self.message


def packed(said: str) -> bytes:
    body = gzip.compress(said.encode())
    return struct.pack(">BII", 2, len(said), len(body)) + body


def size(thing: Any) -> int:
    """Bytes of memory, all that is in it included."""
    total, left = 0, [thing]
    while left:
        one = left.pop()
        total += sys.getsizeof(one)
        left += [*one, *one.values()] if isinstance(one, dict) else one if isinstance(one, list) else []
    return total


@pytest.mark.parametrize(
    "message",
    [
        packed("[" + "[]," * 20_000 + "[]]"),
        packed('{"event": "snapshot", "rest": [' + "[]," * 20_000 + "[]]}"),
        '{"type": "event", "event": "fps", "data": [' + "[]," * 20_000 + "[]]}",
    ],
    ids=["packed list", "packed object", "text"],
)
def test_what_is_kept_of_a_stream_is_bounded(message: str | bytes) -> None:
    made: Any = Flood(message)
    heard = telemetry.listen(made, 60.0, enough=150)

    assert len(heard.messages) == 150
    assert size([message.data for message in heard.messages]) < 120 * 2**20


def test_a_flood_is_not_listened_to_any_longer() -> None:
    made: Any = Flood('{"type": "event", "event": "fps", "data": {"fps": 90}}')
    with pytest.raises(LookError, match="a flood"):
        telemetry.listen(made, 60.0)
