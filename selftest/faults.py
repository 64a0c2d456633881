"""The matrix: what the suite says of every fault and every look-alike of the rehearsal, against what it must say.

python -m selftest.faults                      everything, thirteen at a time: a run waits for most of its time
python -m selftest.faults --only NAME ...      these
python -m selftest.faults --shard 1/4          a quarter
python -m selftest.faults --observe NAME ...   print the vector of a fault in the form of selftest/expected/

When a case is exact is told in selftest/vectors.py. Results are kept in a folder, so that an interrupted matrix goes on where it was.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import shutil
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from preflight import programs
from preflight.checklist import ROOT
from preflight.openxr import monado
from preflight.probes import browser
from preflight.record import detection
from preflight.rehearsal import nginxfront
from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.faults import FAULTS, LOOK_ALIKES
from selftest import warm
from selftest.vectors import CLEAN, Case, Vector, expectations, judge, observed, report, unclean

_SECONDS = 240
_NEEDS = {
    "headset": "headset",  # all VR items are run for these two, those that measure frames included
    "vr telemetry": "headset",
    "monitoring": "monitoring",
    "web page": "browser",
}
"""What shows the faults of a theme, where that is more than the rehearsal's own processes behind nginx."""

_SETTINGS = ("plain", "nginx", *dict.fromkeys(_NEEDS.values()))

_ELSEWHERE = ("latency",)
"""Themes whose items measure: `python -m selftest.measure faults` runs them."""

_ALONE = ("headset_slow_frames",)
"""Faults that only a quiet machine shows: frames of the live session are not judged on a busy one."""

_MEMORY = Path("/dev/shm")
_MEMORY_NEEDED = 2**30

_PLUGINS_UNUSED = (
    *("cacheprovider", "logging", "unraisableexception", "threadexception"),
    *("html", "metadata", "benchmark", "xdist", "xdist.looponfail", "hypothesispytest"),
)

_MEASURING = {"telemetry_drops": "not measuring or health"}
"""Faults that a measuring item shows, and what is run for them: everything else, and the measuring items of a section."""

_STATIONS = 3
"""Headset sessions at a time: they draw in software, and more of them would say how slow this machine is."""

T = TypeVar("T")


def setting(name: str) -> str:
    """What has to be at hand for a fault to show: "headset", "monitoring" (their programs), "browser", "nginx", or "plain".

    nginx is the real front, and answers for a fifth less of a run's work than the rehearsal's own, which stands in where
    nginx can't be told the fault, and in half of the clean runs that are counted.
    """
    known = {**FAULTS, **LOOK_ALIKES}
    kind = name.removeprefix(f"{CLEAN}-")
    if kind in _SETTINGS:
        return kind
    if kind.isdigit():
        return ("nginx", "plain")[int(kind) % 2]
    if name not in known:
        return "plain"
    front = "nginx" if nginxfront.can_be(known[name].change(Deployment()).front) else "plain"
    return "browser" if name == "no_favicon" else _NEEDS.get(known[name].theme, front)


@cache
def _memory() -> Path | None:
    """Where files are kept in memory, if there is room: a run writes some hundred, and they go with it."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED else None


@cache
def _shaders() -> str:
    """Where drivers keep what they have compiled, as they do for a user: each run has a cache folder of its own."""
    folder = tempfile.TemporaryDirectory(prefix="preflight-shaders-")
    atexit.register(folder.cleanup)
    return folder.name


def look(name: str, extra: Sequence[str] = ()) -> Vector:
    """Run the suite against the rehearsal with that fault; status and reason of every item.

    Only what the fault needs is at hand, whatever this machine happens to have. Raises RuntimeError when that is
    not installed, or when the run left no record.
    """
    with tempfile.TemporaryDirectory(prefix="preflight-matrix-", dir=_memory()) as place:
        words = ["--rehearse", "-q", "--tb=line", "--capture=sys", *(f"-pno:{plugin}" for plugin in _PLUGINS_UNUSED)]
        options = {"record": place, "fault": [] if name.startswith(CLEAN) else [name]}
        environment = {**os.environ, "TMPDIR": place, "XDG_CACHE_HOME": place, "PREFLIGHT_PROGRAMS": str(Path(place) / "none")}
        environment.pop("PREFLIGHT_HEADSET_DIR", None)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # some 500 runs of the same modules
        environment["OPENBLAS_NUM_THREADS"] = "1"
        environment[browser.VARIABLE] = ""
        kind = setting(name)
        if kind not in ("plain", "monitoring"):
            nginx = programs.find("nginx")
            if nginx is None:
                raise RuntimeError(f"{name} needs nginx; run: {programs.HOW_TO_GET}")
            (Path(place) / "none").mkdir()
            (Path(place) / "none" / "nginx").symlink_to(nginx)
        match kind:
            case "headset":
                environment["PREFLIGHT_HEADSET_DIR"] = str(monado.place())
                environment["MESA_SHADER_CACHE_DIR"] = _shaders()
                extra = extra or ["-m", "vr"]
            case "browser":
                if not browser.find():
                    raise RuntimeError(f"{name} needs a browser: {browser.HOW_TO_GET}")
                environment.pop(browser.VARIABLE)
            case "monitoring":
                if lacking := programs.missing(programs.MONITORING):
                    raise RuntimeError(f"{name} needs {', '.join(lacking)}; run: {programs.HOW_TO_GET}")
                environment["PREFLIGHT_PROGRAMS"] = str(programs.folder())
        words += extra or ["-m", _MEASURING.get(name, "not measuring")]
        done = warm.run(words, options, environment, Path(place) / "said.txt", _SECONDS)
        record = Path(place) / "latest" / "record.json"
        if not record.exists():
            raise RuntimeError(f"{name}: no record; pytest ended with {done.returncode}: {done.output[-500:]}")
        if "ended by itself with status" in done.output:
            raise RuntimeError(f"{name}: the stand-in did not last: {done.output[-500:]}")
        items = json.loads(record.read_text("utf-8"))["items"]
        return {item["id"]: (item["status"], item["reason"]) for item in items}


def looked(name: str, folder: Path) -> Vector:
    """The vector of a fault: the one that an earlier run kept in the folder, else looked for and kept."""
    kept = folder / f"{name}.json"
    if kept.exists():
        return {item: (status, reason) for item, (status, reason) in json.loads(kept.read_text("utf-8")).items()}
    vector = look(name)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(vector), "utf-8")
    return vector


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the matrix; 0 when every case that was listed ran and was exact."""
    parser = argparse.ArgumentParser(prog="python -m selftest.faults", description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="extend", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--theme", action="extend", nargs="+", default=[], metavar="THEME")
    parser.add_argument("--shard", default="1/1", metavar="I/N")
    parser.add_argument("--observe", action="extend", nargs="+", default=[], metavar="NAME")
    parser.add_argument(
        "--workers", type=int, default=13, help="runs at a time, up to three of them with a headset; most of a run is waiting"
    )
    parser.add_argument("--clean", type=int, default=10, metavar="N", help="clean runs to look for false alarms in")
    parser.add_argument("--results", type=Path, default=ROOT / "reports" / "matrix", help="where cases are kept")
    parser.add_argument("--afresh", action="store_true", help="forget what was kept")
    chosen = parser.parse_args(arguments)
    if chosen.afresh:
        shutil.rmtree(chosen.results, ignore_errors=True)
    cleans: dict[str, Vector] = {}
    guards = {kind: threading.Lock() for kind in _SETTINGS}

    def clean_of(name: str) -> Vector:
        kind = setting(name)
        with guards[kind]:
            for _ in range(2):  # all cases of the kind are held against it: of a busy machine it is asked once more
                if kind in cleans:
                    break
                vector = looked(f"{CLEAN}-{kind}", chosen.results)
                if wrong := unclean(vector):
                    (chosen.results / f"{CLEAN}-{kind}.json").unlink()
                else:
                    cleans[kind] = vector
            if kind not in cleans:
                raise RuntimeError(f"the clean run to compare with is none: {'; '.join(wrong[:5])}")
            return cleans[kind]

    if chosen.observe:
        for text in _all(
            lambda name: observed(name, looked(name, chosen.results), clean_of(name)), chosen.observe, chosen.workers
        ):
            print(text, flush=True)
        return 0
    expected = expectations()
    listed = chosen.only or [
        name for name, fault in FAULTS.items() if fault.theme not in _ELSEWHERE and fault.theme in (chosen.theme or [fault.theme])
    ]
    if not chosen.only and not chosen.theme:
        listed += [*LOOK_ALIKES, *(f"{CLEAN}-{n}" for n in range(1, chosen.clean + 1))]
    index, count = map(int, chosen.shard.split("/"))
    mine = listed[index - 1 :: count]

    def run(name: str) -> Case:
        try:
            case = judge(name, looked(name, chosen.results), clean_of(name), expected.get(name))
        except (RuntimeError, TimeoutError) as error:
            case = Case(name, "look-alike" if name not in FAULTS else "fault", "not run", (str(error),))
        print(f"{case.outcome:<15} {name}", *(f"\n    {line}" for line in case.said), flush=True)
        return case

    cases = _all(run, mine, chosen.workers)
    untouched = sum(len(clean_of(c.name)) - len(expected.get(c.name, {})) for c in cases if c.outcome != "not run")
    whole = not chosen.only and not chosen.theme and count == 1
    return report(cases, untouched, [ROOT / "reports" / "detection.json", *([detection.FILE] if whole else [])])


def _all(do: Callable[[str], T], names: Sequence[str], workers: int) -> list[T]:
    """`do` for every name, `workers` at a time, those of `_ALONE` at last; results in the order of the names.

    `_STATIONS` of the workers take headsets as long as there are any, and the others none.
    """
    results: dict[str, T] = {}
    headsets = deque(name for name in names if name not in _ALONE and setting(name) == "headset")
    plain = deque(_spread([name for name in names if name not in _ALONE and setting(name) != "headset"]))

    def work(*queues: deque[str]) -> None:
        for queue in queues:
            while True:
                try:
                    name = queue.popleft()
                except IndexError:
                    break
                results[name] = do(name)

    with ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(work, *((headsets, plain) if number < _STATIONS else (plain,))) for number in range(workers)]
        for job in jobs:
            job.result()
    results |= {name: do(name) for name in names if name in _ALONE}
    return [results[name] for name in names]


def _spread(names: Sequence[str]) -> list[str]:
    """The same names, those of every setting evenly over the whole: some compute, others wait, which goes well together.

    Runs with monitoring last twice as long, so that none of them is begun near the end.
    """
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(setting(name), []).append(name)
    places = {
        name: place / len(alike) * (0.9 if kind == "monitoring" else 1.0)
        for kind, alike in kinds.items()
        for place, name in enumerate(alike)
    }
    return sorted(names, key=places.__getitem__)


if __name__ == "__main__":
    sys.exit(main())
