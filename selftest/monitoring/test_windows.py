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
from preflight.probes.promanswers import Series
from preflight.probes.prometheus import Prometheus
from preflight.probes.spans import DAY, HOUR, Span
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
        **counters(),
        **hosts(),
        **phases(),
        **other_builds(),
    }


def other_builds() -> dict[str, Values]:
    """Jobs whose status has another name, that nobody asks for their health, and that were started at different times."""

    def growing(moment: float) -> float:
        return 10 + (moment - BEFORE) / STEP

    found: dict[str, Values] = {}
    for job, labels in (("coded", 'code="500",endpoint="/health"'), ("unchecked", 'status="200",endpoint="/scene"')):
        found[f'up{{job="{job}",instance="game:8080"}}'] = from_to(BEFORE, END, 1)
        found[f'http_requests_total{{job="{job}",instance="game:8080",{labels}}}'] = from_to(BEFORE, END, growing)
    old, own, again = BEFORE - DAY, START + 90, START + 600
    for job, starts in (
        ("deployed", {**from_to(BEFORE, own, old), **from_to(own, END, own)}),
        ("crashed", {**from_to(BEFORE, again, START - 60), **from_to(again, END, again)}),
        ("deployed and crashed", {**from_to(BEFORE, own, old), **from_to(own, again, own), **from_to(again, END, again)}),
        ("late", {**from_to(BEFORE, HALF, old), **from_to(HALF, END, HALF)}),
    ):
        found[f'up{{job="{job}",instance="game:8080"}}'] = from_to(BEFORE, END, 1)
        found[f'process_start_time_seconds{{job="{job}",instance="game:8080"}}'] = starts
    return found


PHASES = (0.0, 0.001, 7.4, 7.5, 14.998)
"""Where in its interval (s) a server scrapes: by a hash of the target, so anywhere, to some milliseconds."""


def phases() -> dict[str, Values]:
    """Jobs scraped at different moments of the interval, shaking a little; of `holes` the memory is missing at times."""

    def shaken(series: Values, phase: float) -> Values:
        return {moment + phase + (number % 3 - 1) * 0.002: value for number, (moment, value) in enumerate(series.items())}

    found: dict[str, Values] = {}
    for phase in PHASES:
        found[f'up{{job="at {phase}",instance="game:8080"}}'] = shaken(from_to(START, END - STEP, 1), phase)
        found[f'process_resident_memory_bytes{{job="at {phase}",instance="game:8080"}}'] = shaken(
            from_to(START, END - STEP, 4e8), phase
        )
    memory = from_to(START, END - STEP, 4e8)
    found['up{job="holes",instance="game:8080"}'] = from_to(START, END - STEP, 1)
    found['process_resident_memory_bytes{job="holes",instance="game:8080"}'] = {
        moment: value for moment, value in memory.items() if not HALF <= moment < HALF + 480
    }
    found['up{job="pair",instance="one:8080"}'] = shaken(from_to(START, HALF, 1), 3.0)
    found['up{job="pair",instance="two:8080"}'] = shaken(from_to(HALF, END - STEP, 1), 11.0)
    found['process_resident_memory_bytes{job="pair",instance="one:8080"}'] = shaken(from_to(START, HALF, 4e8), 3.0)
    found['process_resident_memory_bytes{job="pair",instance="two:8080"}'] = shaken(from_to(HALF, END - STEP, 4e8), 11.0)
    return found


def counters() -> dict[str, Values]:
    """Jobs whose counters begin at different times, for different reasons."""
    always, gone = from_to(BEFORE, END, 1), HALF + 600
    day = END - DAY - HOUR

    def steady(moment: float) -> float:
        return 10 + (moment - day) / STEP

    return {
        # labelled counters are born with their first event
        'up{job="born",instance="game:8080"}': from_to(day, END, 1),
        'intrusion_alerts_total{job="born",instance="game:8080",rule="a"}': from_to(HALF + 5 * STEP, END, 3),
        'http_requests_total{job="born",instance="game:8080",status="200"}': from_to(day, END, steady),
        'http_requests_total{job="born",instance="game:8080",status="500"}': from_to(HALF, END, 12),
        'auth_attempts_total{job="born",instance="game:8080",result="success"}': from_to(day, END, steady),
        'auth_attempts_total{job="born",instance="game:8080",result="invalid_token"}': from_to(START + STEP, END, 40),
        # another instance is first scraped within the window
        'up{job="added",instance="game:8080"}': always,
        'intrusion_alerts_total{job="added",instance="game:8080",rule="a"}': from_to(BEFORE, END, 7),
        'up{job="added",instance="spare:8080"}': from_to(HALF, END, 1),
        'intrusion_alerts_total{job="added",instance="spare:8080",rule="a"}': from_to(HALF, END, 40),
        # nothing was scraped for ten minutes
        'up{job="gap",instance="game:8080"}': {**from_to(BEFORE, HALF, 1), **from_to(gone, END, 1)},
        'intrusion_alerts_total{job="gap",instance="game:8080",rule="a"}': {**from_to(BEFORE, HALF, 7), **from_to(gone, END, 7)},
        # the game was down for ten minutes
        'up{job="outage",instance="game:8080"}': {**always, **from_to(HALF, gone, 0)},
        'intrusion_alerts_total{job="outage",instance="game:8080",rule="a"}': {
            **from_to(BEFORE, HALF, 7),
            **from_to(gone, END, 7),
        },
        # the game was started anew, and its first event is there at the next scrape or comes later
        'up{job="restarted",instance="game:8080"}': always,
        'intrusion_alerts_total{job="restarted",instance="game:8080",rule="soon"}': {
            **from_to(BEFORE, HALF, 7),
            **from_to(HALF, END, 2),
        },
        'intrusion_alerts_total{job="restarted",instance="game:8080",rule="late"}': {
            **from_to(BEFORE, HALF, 9),
            **from_to(gone, END, 4),
        },
    }


def hosts() -> dict[str, Values]:
    """A small host of the game, and a large one of its database with a fuller disk."""
    found: dict[str, Values] = {'up{job="elsewhere",instance="10.0.0.9:8080"}': from_to(BEFORE, END, 1)}
    for job in ("untold", "elsewhere"):
        found[f'process_cpu_seconds_total{{job="{job}",instance="game:8080"}}'] = from_to(
            BEFORE, END, lambda t: 3.6 * (t - BEFORE)
        )
    for host, cores in (("game", 4), ("database", 64)):
        for core in range(cores):
            found[f'node_cpu_seconds_total{{job="node",instance="{host}:9100",cpu="{core}",mode="idle"}}'] = from_to(
                END - 60, END, 1
            )
    for host, place, kind, used, fixed in (
        ("game", "/", "ext4", 41, 0),
        ("game", "/boot", "ext4", 97, 1),
        ("game", "/media/cdrom", "iso9660", 100, 0),
        ("game", "/var/lib/lxcfs", "fuse.lxcfs", 100, 0),
        ("game", "/data", "fuseblk", 42, 0),
        ("database", "/", "ext4", 95, 0),
    ):
        labels = f'{{job="node",instance="{host}:9100",device="{place}",fstype="{kind}",mountpoint="{place}"}}'
        found[f"node_filesystem_size_bytes{labels}"] = from_to(BEFORE, END, 1e6)
        found[f"node_filesystem_avail_bytes{labels}"] = from_to(BEFORE, END, 1e4 * (100 - used))
        found[f"node_filesystem_readonly{labels}"] = from_to(BEFORE, END, fixed)
    return found


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with serving(tmp_path_factory.mktemp("history"), games()) as client:
        yield client


def view(client: Any, job: str, seconds: float = HOUR, *, footprint: Span = (0.0, 0.0)) -> View:
    target: Any = SimpleNamespace(facts=SimpleNamespace(absent_metrics={}))
    return View(client, job, (END - seconds, END), interval=STEP, footprint=[footprint], target=target)


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


@pytest.mark.parametrize("seconds", [HOUR, DAY])
def test_what_a_counter_is_born_with_counts(prometheus: Prometheus, seconds: float) -> None:
    found = view(prometheus, "born", seconds)

    assert found.security_alerts().value == 3
    assert found.error_rate().value == pytest.approx(100 * 12 / (seconds / STEP + 12), rel=0.03)


def test_what_a_counter_is_born_with_counts_at_its_moment(prometheus: Prometheus) -> None:
    found = view(prometheus, "born")

    assert found.failed_logins().value == pytest.approx(40 / 5, rel=0.1)
    assert found.worst_error_rate(300).value == pytest.approx(100 * 12 / (300 / STEP + 12), rel=0.1)


@pytest.mark.parametrize(("job", "alerts"), [("added", 0), ("gap", 0), ("outage", 0), ("restarted", 2 + 4)])
def test_what_was_counted_before_it_was_seen_does_not(prometheus: Prometheus, job: str, alerts: int) -> None:
    assert view(prometheus, job).security_alerts().value == alerts


def test_what_the_suite_caused_does_not_count_when_it_is_born(prometheus: Prometheus) -> None:
    found = view(prometheus, "born", footprint=(HALF, HALF + 600))

    assert found.security_alerts().value == 0


def test_cores_are_those_of_the_games_host(prometheus: Prometheus) -> None:
    found = view(prometheus, "untold").cpu()

    assert found.value == pytest.approx(90, rel=0.01)
    assert found.facts["cores"] == "4"


def test_cores_that_can_not_be_told_are_asked_for(prometheus: Prometheus) -> None:
    with pytest.raises(Undecided, match=r"none is called as the game's \(10\.0\.0\.9\)"):
        view(prometheus, "elsewhere").cpu()


def test_without_node_exporter_nobody_knows_the_cores() -> None:
    with pytest.raises(Undecided, match="no node_cpu_seconds_total"):
        view(SimpleNamespace(query=lambda _: []), "untold").cpu()


def test_one_count_of_cores_is_enough_whatever_the_hosts_name() -> None:
    one = Series({"instance": "10.0.0.1:9100"}, (END,), (8.0,))

    assert view(SimpleNamespace(query=lambda asked: [] if "up{" in asked else [one]), "untold")._cores() == 8


@pytest.mark.parametrize(("job", "used"), [("untold", 42), ("elsewhere", 95)])
def test_disk_is_the_games_and_can_be_written_to(prometheus: Prometheus, job: str, used: float) -> None:
    assert view(prometheus, job).disk().values.max() == pytest.approx(used)


@pytest.mark.parametrize("job", [*(f"at {phase}" for phase in PHASES), "pair"])
def test_window_is_whole_wherever_in_its_interval_the_server_scrapes(prometheus: Prometheus, job: str) -> None:
    found = view(prometheus, job).complete("process_resident_memory_bytes")

    assert found.expected == 240
    assert found.scrapes >= 236
    assert found.up - found.values <= 2


def test_missing_values_are_missed_though_every_scrape_is_there(prometheus: Prometheus) -> None:
    looked = view(prometheus, "holes")

    assert looked.complete().scrapes >= 238
    with pytest.raises(LookError, match=r"values for 2\d\d of 2\d\d scrapes"):
        looked.complete("process_resident_memory_bytes")


def test_without_a_status_nobody_knows_what_failed(prometheus: Prometheus) -> None:
    for look in (lambda made: made.error_rate(), lambda made: made.worst_error_rate(300)):
        with pytest.raises(LookError, match="has series without a status, so failures can't be told"):
            look(view(prometheus, "coded"))


def test_without_a_health_check_nobody_knows_the_health(prometheus: Prometheus) -> None:
    with pytest.raises(Undecided, match="no health check is counted"):
        view(prometheus, "unchecked").healthy()


@pytest.mark.parametrize(("job", "restarts"), [("deployed", 0), ("crashed", 1), ("deployed and crashed", 1), ("late", 1)])
def test_deployments_own_start_is_no_restart(prometheus: Prometheus, job: str, restarts: int) -> None:
    assert view(prometheus, job).restarts().value == restarts


def test_memory_of_the_host_is_the_games(prometheus: Prometheus) -> None:
    def client(*told: tuple[str, float]) -> Any:
        def query(asked: str) -> list[Series]:
            if "up{" in asked:
                return [Series({"instance": "game:8080"}, (END,), (1.0,))]
            return [Series({"instance": instance}, (END,), (value,)) for instance, value in told]

        return SimpleNamespace(query=query)

    assert view(client(("game:9100", 2**30), ("other:9100", 2**20)), "x").host_memory() == 1024
    assert view(client(("other:9100", 2**20)), "x").host_memory() is None
