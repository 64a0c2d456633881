"""Recordings of a session, read: this suite's own, PresentMon's CSV, OVR Metrics Tool's CSV.

Own (`preflight-session/1`), JSON: `headset`, `simulated`, `hz`, `build`, `first_frame_s`; `frames` with
`display_time_s` (predicted display times) and `phases`, pairs of first index and name; `telemetry`, triples of time (s),
event and its data as the game sent them; `inputs`, rows of side, control, time of the change (null: not known) and time the
game saw it (s); `bound`, the controls the game binds. Instead of `frames` there may be `seconds`, a frame rate (FPS) for
each, and `hz` may be null; `facts` are words for the record.

PresentMon, one row a frame (github.com/GameTechDev/PresentMon, README-ConsoleApplication.md): 1.x `Dropped`,
`msBetweenDisplayChange`; 2.x `DisplayedTime`, NA for a frame never shown. Capture the compositor's process, not the
mirror window. It does not know the headset's refresh rate.

OVR Metrics Tool, one row a second (developers.meta.com, "Monitor Performance with OVR Metrics Tool"): `Time Stamp` (ms),
`average_frame_rate`, `display_refresh_rate`, `stale_frame_count`. It knows nothing of single frames.
"""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from preflight.errors import LookError
from preflight.measure.frames import Frame
from preflight.openxr.recording import SCHEMA, Happened, Input, Recording, Second

_LARGEST = 200 * 1024 * 1024
_LONGEST_GAP_S = 3600


def read(path: Path) -> Recording:
    """Read a recording of any of the three kinds. Raises LookError with what is wrong with it, and where."""
    try:
        if path.stat().st_size > _LARGEST:
            raise LookError(f"{path} is over {_LARGEST // 2**20} MB; cut the recording to the session")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise LookError(f"{path}: can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise LookError(f"{path}: is not UTF-8 text") from error
    if text.lstrip().startswith("{"):
        return _own(path, text)
    try:
        rows = list(csv.DictReader(text.splitlines()))
        columns = set(rows[0]) if rows else set()
        if {"msBetweenDisplayChange", "Dropped"} <= columns or "DisplayedTime" in columns:
            return _presentmon(path, rows)
        if {"average_frame_rate", "display_refresh_rate"} <= columns:
            return _ovr_metrics(path, rows)
    except (ValueError, TypeError, AttributeError, csv.Error) as error:  # a row that is cut short has None in its fields
        raise LookError(f"{path}: a row holds no number where one is due ({error})") from error
    raise LookError(f"{path}: neither a {SCHEMA} file nor a CSV of PresentMon or OVR Metrics Tool (docs/vr.md names columns)")


def _own(path: Path, text: str) -> Recording:
    try:
        said = json.loads(text)
        if said.get("schema") != SCHEMA:
            raise LookError(f"{path}: the schema is {said.get('schema')!r}, known is {SCHEMA}")
        return of(said, f"recording {path.name}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise LookError(f"{path}: no whole {SCHEMA} recording ({type(error).__name__}: {error})") from error


def of(said: Mapping[str, Any], source: str) -> Recording:
    """The recording that such data is. Raises ValueError, KeyError, TypeError or AttributeError where it is not whole."""
    shown = {"display_time_s": []} if "seconds" in said else said["frames"]
    return Recording(
        source=source,
        headset=str(said["headset"]),
        simulated=bool(said["simulated"]),
        build=str(said.get("build", "")),
        hz=None if said["hz"] is None else _finite(said["hz"]),
        first_frame_s=None if said.get("first_frame_s") is None else float(said["first_frame_s"]),
        frames=_frames(shown["display_time_s"], shown.get("phases", [[0, "steady"]])),
        seconds=[Second(_finite(fps)) for fps in said.get("seconds", [])],
        telemetry=_telemetry(said.get("telemetry", [])),
        inputs=_inputs(said.get("inputs", [])),
        bound=[str(name) for name in said.get("bound", [])],
        facts={str(name): str(value) for name, value in said.get("facts", {}).items()},
    )


def _telemetry(rows: Iterable[Sequence[Any]]) -> list[Happened]:
    return sorted((Happened(_finite(at), str(event), dict(data)) for at, event, data in rows), key=lambda told: told.at)


def _inputs(rows: Iterable[Sequence[Any]]) -> list[Input]:
    found = [
        Input(str(side), str(control), None if changed is None else _finite(changed), _finite(seen))
        for side, control, changed, seen in rows
    ]
    for entry in found:
        if entry.changed is not None and entry.seen < entry.changed:
            raise ValueError(f"{entry.side} {entry.control} was seen at {entry.seen} s, before it changed")
    return found


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no time")
    return number


def _frames(times: Iterable[Any], phases: Sequence[Sequence[Any]]) -> list[Frame]:
    starts = sorted((int(first), str(name)) for first, name in phases)
    frames, phase = [], "steady"
    for index, at in enumerate(times):
        while starts and starts[0][0] <= index:
            phase = starts.pop(0)[1]
        frames.append(Frame(_finite(at), phase=phase))
    return frames


def _presentmon(path: Path, rows: list[dict[str, str]]) -> Recording:
    who = Counter((row.get("Application", ""), row.get("SwapChainAddress", "")) for row in rows)
    (application, chain), _ = who.most_common(1)[0]
    column = "DisplayedTime" if "DisplayedTime" in rows[0] else "msBetweenDisplayChange"
    at, frames, dropped = 0.0, [Frame(0.0)], 0
    for row in rows:
        if (row.get("Application", ""), row.get("SwapChainAddress", "")) != (application, chain):
            continue
        shown = row[column].strip()
        if shown.upper() in ("NA", "") or row.get("Dropped", "0").strip() == "1":
            dropped += 1
            continue
        step = float(shown)
        if not math.isfinite(step) or step < 0:
            raise ValueError(f"{column} is {shown}")
        if step == 0:  # PresentMon's way to say that the first frame has no frame before it
            continue
        at += step / 1000
        frames.append(Frame(at))
    facts = {"application": application, "frames never shown": str(dropped)}
    if len(who) > 1:
        facts["left out"] = f"{len(who) - 1} other swap chains of the capture"
    return Recording(source=f"PresentMon {path.name}", frames=frames, facts=facts)


def _ovr_metrics(path: Path, rows: list[dict[str, str]]) -> Recording:
    told = [row for row in rows if (row.get("average_frame_rate") or "").strip()]
    olds = [(row.get("stale_frame_count") or "").strip() for row in told]
    seconds: list[Second] = []
    for row, old, lacking in zip(told, olds, _lacking([row.get("Time Stamp") or "" for row in told]), strict=True):
        seconds += [Second(0.0, None)] * lacking
        seconds.append(Second(float(row["average_frame_rate"]), float(old) if old else None))
    rates = Counter(float(row["display_refresh_rate"]) for row in told)
    if not seconds or not all(map(math.isfinite, [*rates, *(second.fps for second in seconds)])):
        raise LookError(f"{path}: no second with a frame rate in it")
    return Recording(source=f"OVR Metrics Tool {path.name}", hz=rates.most_common(1)[0][0], seconds=seconds)


def _lacking(stamps: Sequence[str]) -> list[int]:
    """How many rows of a second are missing before each, by their times (ms): nobody saw a frame then."""
    try:
        times = [_finite(stamp) for stamp in stamps]
    except ValueError:
        return [0] * len(stamps)
    gaps = [round((later - earlier) / 1000) - 1 for earlier, later in pairwise(times)]
    return [0, *(min(max(gap, 0), _LONGEST_GAP_S) for gap in gaps)][: len(stamps)]
