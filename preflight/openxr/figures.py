"""The figures of a recording that the items judge, whatever tool recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from preflight.errors import LookError, Undecided
from preflight.measure.frames import SUSTAINED_S, FrameJudgement, judge_frames, lows, steps_ms
from preflight.openxr.look import Look
from preflight.openxr.recording import Recording
from preflight.outcome import Reason

CHECKLIST_HZ = 90.0


@dataclass(frozen=True)
class Figures:
    """Figures by the names of the checklist's limits (FPS, ms, %), from `frames` frames. What is unknown is None."""

    source: str
    frames: int
    hz: float | None
    known: Mapping[str, float | None]
    reprojected: bool | None
    words: str
    worst: str = ""

    def of(self, name: str) -> float:
        """A figure. Raises Undecided when the recording does not hold it."""
        value = self.known.get(name)
        if value is None:
            raise Undecided(
                Reason.SAMPLES, f"{self.source} does not tell {name.replace('_', ' ')}: it is too short, or too coarse"
            )
        return value

    @property
    def halved(self) -> bool:
        """Whether frames ran at half the rate for a while. Raises Undecided where single frames are not known."""
        if self.reprojected is None:
            raise Undecided(Reason.SAMPLES, f"{self.source} does not tell single frames; record with PresentMon as well")
        return self.reprojected

    def unscaled(self, name: str) -> str:
        """What was measured, beside a figure that was scaled."""
        if self.hz is None or self.hz == CHECKLIST_HZ:
            return self.source
        return f"{self.of(name):.2f} at {self.hz:.0f} Hz, scaled to 90 Hz; {self.source}"

    def scaled(self, name: str) -> float:
        """A figure as it would be at 90 Hz, for a headset of another rate: rates by 90/hz, times by hz/90."""
        ratio = CHECKLIST_HZ / (self.hz or CHECKLIST_HZ)
        return self.of(name) * (1 / ratio if name.endswith("_time") else ratio)


def of_recording(recording: Recording) -> Figures:
    """The figures of a recording. Raises LookError when there is nothing to judge in it."""
    if recording.seconds:
        return _of_seconds(recording)
    try:
        judged = judge_frames(recording.frames, recording.hz or CHECKLIST_HZ)
    except ValueError as error:
        raise LookError(f"{recording.source}: {error}") from error
    found = lows(recording.frames, 85.0)
    worst = f"lowest for {found[0].seconds:.1f} s from {found[0].start:.1f} s, {found[0].fps:.1f} FPS" if found else ""
    return _figures(recording.source, judged, recording.hz, worst)


def of_look(look: Look) -> Figures:
    """The figures of a live session. Raises Undecided for a session without frames."""
    if look.told.get("mode") != "graphics":
        raise Undecided(Reason.PROGRAM, f"no frames: {look.told.get('no_graphics')}")
    try:
        return _figures(look.headset, judge_frames(look.frames(), look.hz or CHECKLIST_HZ), look.hz)
    except ValueError as error:
        raise LookError(f"{look.headset}: {error}") from error


def drawn(recording: Recording) -> dict[str, Any]:
    """What the record's plots need: FPS by second with the phases, and 200 quantiles of the times of steady frames (ms)."""
    if recording.seconds:
        return {"frames over time": {"unit": "FPS", "points": [[i, second.fps] for i, second in enumerate(recording.seconds)]}}
    times = np.array([frame.display_time for frame in recording.frames])
    steps = steps_ms(recording.frames)
    if times.size < 2 or not steps.size:
        return {}
    times = times - times[0]
    width = max(1.0, float(times[-1]) / 600)
    counts = np.bincount((times / width).astype(int))[:-1]  # the last stretch is cut short by the end
    changes = [0, *(i for i in range(1, times.size) if recording.frames[i].phase != recording.frames[i - 1].phase)]
    points = [[round(i * width, 1), round(int(count) / width, 1)] for i, count in enumerate(counts)]
    phases = [[round(float(times[i]), 1), recording.frames[i].phase] for i in changes][:20]
    return {
        "frames over time": {"unit": "FPS", "points": points, "phases": phases},
        "frame times": [round(float(ms), 3) for ms in np.quantile(steps, np.linspace(0, 1, 200))],
    }


def _figures(source: str, judged: FrameJudgement, hz: float | None, worst: str = "") -> Figures:
    words = (
        f"{source}: {judged.frames} frames in {judged.seconds:.1f} s at {judged.hz:.1f} Hz, mean {judged.mean_fps:.2f} FPS, "
        f"{judged.mean_ms:.2f} ms, sd {judged.sd_ms:.2f} ms, longest {judged.longest_ms:.1f} ms, {judged.missed} missed"
    )
    if judged.low_1_percent is not None:
        words += f", 1 % low {judged.low_1_percent:.1f} FPS"
    apart = [f"{count} {phase}" for phase, count in judged.phases.items() if phase != "steady"]
    words += f"; reported apart: {', '.join(apart)}" if apart else ""
    known = {
        "refresh_rate": hz,
        "mean_fps": judged.mean_fps,
        "min_fps": judged.min_fps,
        "sustained_fps": judged.sustained_fps,
        "mean_frame_time": judged.mean_ms,
        "p999_frame_time": judged.p999_ms,
        "longest_frame": judged.longest_ms,
        "frame_time_sd": judged.sd_ms,
        "late_share": 100 * judged.late_share,
        "missed_share": 100 * judged.missed_share,
    }
    return Figures(source, judged.frames, hz, known, judged.reprojected, words, worst)


def _of_seconds(recording: Recording) -> Figures:
    """One row a second: rates and stale frames are known, single frames are not."""
    rates = np.array([second.fps for second in recording.seconds])
    frames, olds = float(rates.sum()), [second.stale for second in recording.seconds if second.stale is not None]
    stale = sum(olds) if olds else None
    width = int(SUSTAINED_S)
    best = [float(rates[i : i + width].max()) for i in range(rates.size - width + 1)]
    known = {
        "refresh_rate": recording.hz,
        "mean_fps": float(rates.mean()),
        "min_fps": float(rates.min()),
        "sustained_fps": min(best) if best else None,
        "mean_frame_time": 1000 / float(rates.mean()) if frames else None,
        "missed_share": 100 * stale / (frames + stale) if frames and stale is not None else None,
    }
    words = f"{recording.source}: {rates.size} s, mean {rates.mean():.2f} FPS, lowest second {rates.min():.0f} FPS" + (
        "" if stale is None else f", {stale:.0f} stale"
    )
    return Figures(recording.source, int(frames), recording.hz, known, None, words)
