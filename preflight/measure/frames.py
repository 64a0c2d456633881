"""Frames: missed refreshes, frame rate, judder, reprojection, pacing, from predicted display times.

T = 1000/Hz is the refresh period. A frame's time is the step to the next predicted display time, never the CPU clock:
that is when the picture is shown. Only the steady phase is judged; start-up, loading and fades are told apart.
The limits stand in checklist.toml, for 90 Hz as read in `checklist.md` lines 700-712 and 746-749.
Missed refreshes: 5 % and 10 % are the target and the limit of the store's performance tools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FOR_1_PERCENT_LOW = 1000
SUSTAINED_S = 3.0
LATE = 1.5
TOO_FAST = 0.9
_REPROJECTED = 0.25
_RUN = 10


@dataclass(frozen=True)
class Frame:
    """One frame of a recording: predicted display time (s), `should_render`, and the phase it belongs to."""

    display_time: float
    should_render: bool = True
    phase: str = "steady"


@dataclass(frozen=True)
class Low:
    """A stretch without a one-second window at or above the limit: start and length in seconds, its mean rate in FPS."""

    start: float
    seconds: float
    fps: float


@dataclass(frozen=True)
class FrameJudgement:
    """What the steady frames of a recording say. Times in ms, rates in FPS, shares of 1.

    `low_1_percent` is None under 1000 frames, `min_fps` None without a full second. `sustained_fps` is the rate that was
    never missed for three seconds: the lowest, over all stretches of three seconds, of the best one-second window.
    """

    hz: float
    frames: int
    seconds: float
    missed: int
    missed_share: float
    mean_fps: float
    min_fps: float | None
    sustained_fps: float | None
    low_1_percent: float | None
    mean_ms: float
    p999_ms: float
    longest_ms: float
    sd_ms: float
    late_share: float
    reprojected_share: float
    longest_reprojection: int
    reprojected: bool
    too_fast: bool
    phases: dict[str, int]


def steps_ms(frames: Sequence[Frame]) -> np.ndarray:
    """Frame times (ms) between frames that follow each other in the steady phase and both should render.

    Frames the runtime did not want rendered, and other phases, interrupt the sequence: the gap is nobody's frame time.
    Raises ValueError when predicted display times go backwards.
    """
    times = np.array([frame.display_time for frame in frames], dtype=float)
    counts = np.array([frame.should_render and frame.phase == "steady" for frame in frames], dtype=bool)
    if times.size < 2:
        return np.array([])
    steps = np.diff(times)
    if np.any(steps < 0):
        raise ValueError("predicted display times go backwards")
    return np.asarray(1000 * steps[counts[:-1] & counts[1:]])


def judge_frames(frames: Sequence[Frame], hz: float) -> FrameJudgement:
    """Judge a recording against the refresh rate `hz`.

    Missed refreshes of a frame: max(0, round(dt/T) - 1), of the recording: missed/(frames + missed).
    Raises ValueError for fewer than two steady frames, a rate that is not positive, or times that go backwards.
    """
    if hz <= 0:
        raise ValueError("a refresh rate is positive")
    steps = steps_ms(frames)
    if steps.size == 0:
        raise ValueError("no two steady frames follow each other; there is nothing to judge")
    period = 1000 / hz
    missed = int(np.maximum(0, np.rint(steps / period) - 1).sum())
    seconds = float(steps.sum()) / 1000
    windows = one_second_rates(steps)
    doubled = np.abs(steps - 2 * period) < _REPROJECTED * period
    longest = _longest_run(doubled)
    ordered = np.sort(steps)
    phases: dict[str, int] = {}
    for frame in frames:
        name = frame.phase if frame.should_render else "not to be rendered"
        phases[name] = phases.get(name, 0) + 1
    return FrameJudgement(
        hz=hz,
        frames=int(steps.size),
        seconds=seconds,
        missed=missed,
        missed_share=missed / (steps.size + missed),
        mean_fps=steps.size / seconds if seconds else float("inf"),
        min_fps=float(windows.min()) if windows.size else None,
        sustained_fps=_sustained(steps),
        low_1_percent=1000 / _order(ordered, 0.99) if steps.size >= FOR_1_PERCENT_LOW else None,
        mean_ms=float(steps.mean()),
        p999_ms=_order(ordered, 0.999),
        longest_ms=float(ordered[-1]),
        sd_ms=float(steps.std(ddof=1)) if steps.size > 1 else 0.0,
        late_share=float(np.mean(steps > LATE * period)),
        reprojected_share=float(np.mean(doubled)),
        longest_reprojection=longest,
        reprojected=longest >= _RUN,
        too_fast=float(steps.mean()) < TOO_FAST * period,
        phases=phases,
    )


def one_second_rates(steps: np.ndarray) -> np.ndarray:
    """FPS of every full one-second window that starts at a frame: frames shown in it, the last one in part.

    The part of the frame that the window's end cuts counts as a part, else 90 Hz would read 90 or 91 by chance.
    Empty without a full second.
    """
    ends = np.concatenate(([0.0], np.cumsum(steps) / 1000))
    starts = ends[ends <= ends[-1] - 1 + 1e-9]
    shown = np.interp(starts + 1, ends, np.arange(ends.size))
    return np.asarray(shown - np.arange(starts.size))


def lows(frames: Sequence[Frame], limit_fps: float) -> list[Low]:
    """Stretches of three seconds and more in which no one-second window reaches `limit_fps`, longest first."""
    steps = steps_ms(frames)
    rates = one_second_rates(steps)
    ends = np.concatenate(([0.0], np.cumsum(steps) / 1000))
    below = np.concatenate(([False], rates < limit_fps, [False]))
    firsts = np.flatnonzero(below[1:] & ~below[:-1])
    lasts = np.flatnonzero(~below[1:] & below[:-1]) - 1
    found = []
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        seconds = float(ends[last] + 1 - ends[first])
        if seconds >= SUSTAINED_S - 1e-9:
            found.append(Low(float(ends[first]), seconds, float(rates[first : last + 1].mean())))
    return sorted(found, key=lambda low: -low.seconds)


def _sustained(steps: np.ndarray) -> float | None:
    """The lowest, over all stretches of three seconds, of the best one-second window inside; None under three seconds."""
    rates = one_second_rates(steps)
    starts = np.concatenate(([0.0], np.cumsum(steps) / 1000))[: rates.size]
    if rates.size == 0 or starts[-1] + 1 < SUSTAINED_S - 1e-9:
        return None
    firsts = starts[starts <= starts[-1] + 1 - SUSTAINED_S + 1e-9]
    # windows inside a stretch from s start in [s, s + 2 s]
    lasts = np.searchsorted(starts, firsts + SUSTAINED_S - 1 + 1e-9, side="right")
    return float(min(rates[first:last].max() for first, last in enumerate(lasts.tolist())))


def _order(ordered: np.ndarray, quantile: float) -> float:
    return float(ordered[int(np.ceil(quantile * ordered.size - 1e-9)) - 1])


def _longest_run(marks: np.ndarray) -> int:
    edges = np.diff(np.concatenate(([0], marks.astype(int), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return int((ends - starts).max()) if starts.size else 0
