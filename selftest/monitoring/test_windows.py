"""Figures of windows, asked of a real Prometheus that holds a small history."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from preflight import programs
from preflight.errors import LookError, Undecided
from preflight.probes.prometheus import Prometheus
from preflight.probes.spans import HOUR
from preflight.probes.windows import View
from selftest.monitoring.history import STEP, Values, serving

pytestmark = pytest.mark.skipif(bool(programs.missing(programs.MONITORING)), reason="Prometheus and Alertmanager are not at hand")

END = time.time() // STEP * STEP - STEP
START = END - HOUR
HALF = START + HOUR / 2
BEFORE = START - HOUR / 2


def from_to(start: float, end: float, value: Callable[[float], float] | float) -> Values:
    """A value at each scrape from `start` on, before `end`."""
    return {float(t): value(t) if callable(value) else value for t in np.arange(start, end, STEP)}


def games() -> dict[str, Values]:
    """One job for each thing to be shown; all are scraped since half an hour before the window, unless they say otherwise."""
    always = from_to(BEFORE, END, 1)
    halves = {**from_to(BEFORE, HALF, 1), **from_to(HALF, END, 0)}
    frames = {**from_to(BEFORE, HALF, 90), **from_to(HALF, END, 0)}
    return {
        'up{job="evening",instance="game:8080"}': always,
        'vr_active_sessions{job="evening",instance="game:8080"}': halves,
        'vr_fps{job="evening",instance="game:8080"}': frames,
        'vr_active_sessions{job="evening",instance="spare:8080"}': from_to(BEFORE, END, 0),
        'vr_fps{job="evening",instance="spare:8080"}': from_to(BEFORE, END, 0),
        'up{job="alone",instance="game:8080"}': always,
        'vr_active_sessions{job="alone",instance="game:8080"}': from_to(BEFORE, END, 0),
        'vr_fps{job="alone",instance="game:8080"}': from_to(BEFORE, END, 90),
        'up{job="untold",instance="game:8080"}': always,
        'vr_fps{job="untold",instance="game:8080"}': from_to(BEFORE, END, 84),
        'up{job="unmeasured",instance="game:8080"}': always,
        'vr_active_sessions{job="unmeasured",instance="game:8080"}': always,
        'vr_fps{job="unmeasured",instance="game:8080"}': from_to(BEFORE, HALF, 90),
    }


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with serving(tmp_path_factory.mktemp("history"), games()) as client:
        yield client


def view(client: Any, job: str, seconds: float = HOUR) -> View:
    target: Any = SimpleNamespace(facts=SimpleNamespace(absent_metrics={}))
    return View(client, job, (END - seconds, END), interval=STEP, footprint=[], target=target)


def test_frames_count_while_somebody_is_in_vr(prometheus: Prometheus) -> None:
    found = view(prometheus, "evening").frame_rate()

    assert found.value == found.lowest_mean(60).value == 90
    assert found.samples == pytest.approx(HOUR / STEP, abs=1)


def test_frame_rate_that_nobody_saw_is_none(prometheus: Prometheus) -> None:
    with pytest.raises(Undecided, match="somebody was in VR at 0 of"):
        view(prometheus, "alone").frame_rate()


def test_frames_always_count_where_sessions_are_not_told(prometheus: Prometheus) -> None:
    assert view(prometheus, "untold").frame_rate().value == 84


def test_frame_rate_that_is_missing_while_somebody_plays_can_not_be_judged(prometheus: Prometheus) -> None:
    with pytest.raises(LookError, match="moments with somebody in VR"):
        view(prometheus, "unmeasured").frame_rate()
