"""Gathered logs: what counts as the line of a request of this run, in Loki and in a file."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from preflight.errors import BadAnswer, LookError, Undecided
from preflight.probes import gathered
from preflight.probes.http import Answer
from preflight.target import Target, TargetError, load
from selftest.probes.hosts import Files

NOW = time.time()
STAMP = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(NOW + 1))
ANSWER = Answer("GET", "http://localhost/scene?run=run-1", 200, (), b"{}", 0.1, True, "", sent_at=NOW, address="127.0.0.1")
RANGE = "/loki/api/v1/query_range"


def target(folder: Path, loki: str = "") -> Target:
    (folder / "target.toml").write_text(f'name = "t"\nbuild = "1"\n[api]\nurl = "http://localhost"\n{loki}')
    return load(folder / "target.toml", {})


def said(*lines: str) -> dict[str, tuple[int, dict[str, str], bytes]]:
    values = [[f"{NOW * 1e9:.0f}", line] for line in lines]
    body = {"status": "success", "data": {"resultType": "streams", "result": [{"stream": {"job": "x"}, "values": values}]}}
    return {RANGE: (200, {}, json.dumps(body).encode())}


@pytest.fixture(autouse=True)
def in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "ARRIVES_WITHIN_S", 0.0)
    monkeypatch.setattr(gathered, "_LOOK_EVERY_S", 0.01)


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ('127.0.0.1 - - "GET /scene HTTP/1.1" 200 "spacetime-preflight/0.1.0 run-1"', True),
        ("[x] [INFO] [127.0.0.1] [GET /scene] [AUTH_SUCCESS] ok", True),
        ("[x] [INFO] [192.0.2.7] [GET /scene] [AUTH_SUCCESS] ok", False),
        ("[x] [INFO] [127.0.0.1] [GET /status] [AUTH_SUCCESS] ok", False),
        ("a line of somebody else", False),
    ],
)
def test_only_the_line_of_the_own_request_counts(tmp_path: Path, serve: Callable[..., str], line: str, own: bool) -> None:
    where = gathered.Loki(serve(said("another line", line)), "{job='x'}", "selftest")
    found = gathered.arrival(where, ANSWER, "run-1", target(tmp_path))

    assert bool(found.own) is own
    assert found.lines == 2


def test_nothing_gathered_is_told_from_lines_of_others(tmp_path: Path, serve: Callable[..., str]) -> None:
    where = gathered.Loki(serve({RANGE: (200, {}, b'{"data": {"result": []}}')}), "{job='x'}", "selftest")

    assert gathered.arrival(where, ANSWER, "run-1", target(tmp_path)) == gathered.Arrival(0, "")


@pytest.mark.parametrize("answer", [(503, {}, b"no"), (200, {}, b"<html>"), (200, {}, b'{"data": {"result": 3}}')])
def test_a_loki_that_answers_something_else_could_not_be_looked_at(serve: Callable[..., str], answer: object) -> None:
    with pytest.raises((LookError, BadAnswer)):
        list(gathered.Loki(serve({RANGE: answer}), "{job='x'}", "selftest").lines(0, 1))


@pytest.mark.parametrize("values", [[["a"]], None, 3, [["9e999", "1"]], [["0", "NaN"]], [["x", "1", "y"]]])
def test_values_of_another_shape_are_lokis_fault_and_no_bug_of_the_suite(serve: Callable[..., str], values: object) -> None:
    body = json.dumps({"data": {"result": [{"values": values}]}}).encode()
    where = gathered.Loki(serve({RANGE: (200, {}, body)}), "{job='x'}", "selftest")

    with pytest.raises(BadAnswer, match="another shape"):
        where.by_hour(0, 3600)
    if not values or not isinstance(values, list) or len(values[0]) != 2:
        with pytest.raises(BadAnswer, match="another shape"):
            list(where.lines(0, 1))


def test_an_answer_without_data_is_lokis_fault_too(serve: Callable[..., str]) -> None:
    with pytest.raises(BadAnswer):
        list(gathered.Loki(serve({RANGE: (200, {}, b'{"data": null}')}), "{job='x'}", "selftest").lines(0, 1))


def test_hours_are_counted_from_the_start_of_the_span(serve: Callable[..., str]) -> None:
    values = [[3600.0 * (1 + hour), "5"] for hour in (0, 2)]
    body = json.dumps({"data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}}).encode()

    assert gathered.Loki(serve({RANGE: (200, {}, body)}), "{job='x'}", "selftest").by_hour(0, 3 * 3600) == {0: 5, 2: 5}


def test_a_file_on_the_host_is_read_as_well(tmp_path: Path) -> None:
    text = f"[2020-01-01 00:00:00] old run-1\n[{STAMP}] new\n[{STAMP}] GET /scene run-1\n"
    made = target(tmp_path, '[loki]\nfile = "/var/log/central.log"\n[host]\nkind = "local"\n')
    where = gathered.place(made, Files({"/var/log/central.log": text}), "selftest")

    assert gathered.arrival(where, ANSWER, "run-1", made) == gathered.Arrival(2, f"[{STAMP}] GET /scene run-1")
    assert where.by_hour(NOW - 3600, NOW + 3600) == {1: 2}


def test_without_a_place_it_is_pending_and_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(Undecided, match=r"\[loki\] url"):
        gathered.place(target(tmp_path), None, "selftest")


@pytest.mark.parametrize("wrong", ["", 'url = "http://l"\nfile = "/x"', 'url = "http://l"\nselector = "job"'])
def test_a_target_names_one_place(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(TargetError):
        target(tmp_path, f"[loki]\n{wrong}\n")
