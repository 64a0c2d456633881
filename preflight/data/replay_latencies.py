"""Writes recorded latencies as pytest-benchmark's JSON: run by `preflight baseline save`, which names the file.

pytest-benchmark takes times from its `timer`; this one gives back what was recorded, so that its JSON, its tables and its
`compare` can be used on latencies that were measured open-loop by another process.
"""

import json
import os
from pathlib import Path

import pytest

_GIVEN = json.loads(Path(os.environ["PREFLIGHT_REPLAY"]).read_text("utf-8"))


class Recorded:
    """A timer: it is read before and after each round, and the difference is the next latency (s)."""

    def __init__(self, milliseconds: list[float]) -> None:
        self._seconds = iter([value / 1000 for value in milliseconds])
        self._now = 0.0
        self._running = False
        self.__name__ = "recorded"

    def __call__(self) -> float:
        """The time."""
        if self._running:
            self._now += next(self._seconds, 0.0)
        self._running = not self._running
        return self._now


def _replays() -> list[object]:
    return [
        pytest.param(len(ms), id=call, marks=pytest.mark.benchmark(timer=Recorded(ms), group=call))
        for call, ms in _GIVEN["latencies"].items()
    ]


@pytest.mark.parametrize("rounds", _replays())
def test_latency(benchmark, rounds):  # type: ignore[no-untyped-def]
    """One endpoint's latencies."""
    benchmark.extra_info.update(_GIVEN["about"])
    benchmark.pedantic(lambda: None, rounds=rounds, iterations=1)
