"""The front's access log: which requests must have left an audit entry, and when the log can't say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preflight.probes import accesslog
from preflight.target import load
from selftest.probes.hosts import Files

START = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
END = START + timedelta(minutes=30)
LOG = "/var/log/nginx/access.log"


def line(minutes: float, request: str = "GET /scene HTTP/1.1", status: int = 200) -> str:
    at = START + timedelta(minutes=minutes)
    return f'192.0.2.4 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{request}" {status} 5 "-" "x"\n'


BEFORE = line(-60, "GET /health HTTP/1.1")


def count(*lines: str, rotated: str | None = None, paths: frozenset[str] = accesslog.PROTECTED_PATHS) -> accesslog.Requests:
    files = {LOG: "".join(lines)} | ({} if rotated is None else {f"{LOG}.1": rotated})
    return accesslog.protected_requests(Files(files), LOG, START, END, paths)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /scene HTTP/1.1", 301),
        ("GET /scene HTTP/2.0", 502),
        ("GET /wp-login.php HTTP/1.1", 404),
        ("GET /debug/profile HTTP/1.1", 404),
        ("GET /metrics HTTP/1.1", 403),
        ("GET /admin/config HTTP/1.1", 403),
        ("GET /scene HTTP/1.1", 429),
        ("GET /scene.php HTTP/1.1", 404),
        ("GET /health HTTP/1.1", 200),
        ("HEAD /scene HTTP/1.1", 200),
        ("\\x16\\x03\\x01", 400),
        ("", 400),
    ],
)
def test_a_quiet_night_has_redirects_and_scanners_in_it(request_line: str, status: int) -> None:
    assert count(BEFORE, line(10, request_line, status)) == accesslog.Requests(0, whole=True)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /scene HTTP/1.1", 200),
        ("GET /scenes?dir=res:// HTTP/2.0", 200),
        ("POST /scene HTTP/1.1", 401),
        ("POST /scene HTTP/1.1", 403),
    ],
)
def test_what_the_game_answered_counts(request_line: str, status: int) -> None:
    assert count(BEFORE, line(10, request_line, status), line(31, request_line, status)) == accesslog.Requests(1, whole=True)


def test_the_log_before_the_rotation_is_read_where_this_one_begins_later() -> None:
    assert count(line(60), rotated=BEFORE + line(10)) == accesslog.Requests(1, whole=True)
    assert count("", rotated=BEFORE + line(10)) == accesslog.Requests(1, whole=True)
    assert count(line(60), rotated=BEFORE) == accesslog.Requests(0, whole=True)
    assert count(BEFORE, line(60), rotated="") == accesslog.Requests(0, whole=True)


def test_a_request_counts_although_the_log_does_not_reach_back() -> None:
    assert count(line(10)) == accesslog.Requests(1, whole=False)


@pytest.mark.parametrize(
    ("now", "rotated"),
    [
        ("", None),
        (line(60), None),
        (line(60), line(40)),
        (line(60), ""),
        ('{"time":"2026-07-01T02:10:00+00:00","request":"GET /scene HTTP/1.1","status":200}\n', None),
    ],
)
def test_a_log_that_does_not_say_how_far_it_reaches_decides_nothing(now: str, rotated: str | None) -> None:
    assert count(now, rotated=rotated) == accesslog.Requests(0, whole=False)


def test_the_target_files_own_paths_count_and_stand_below_the_apis_address(tmp_path: Path) -> None:
    path = tmp_path / "target.toml"
    path.write_text('name = "t"\nbuild = "1"\n[api]\nurl = "https://localhost:1/game/"\nprotected = ["/mine"]\n')
    paths = accesslog.protected_paths(load(path))

    assert count(
        BEFORE, line(1, "GET /game/mine HTTP/1.1"), line(2, "PUT /game/scene HTTP/1.1"), paths=paths
    ) == accesslog.Requests(2, whole=True)
    assert count(BEFORE, line(1, "GET /mine HTTP/1.1"), line(2, "PUT /scene HTTP/1.1"), paths=paths) == accesslog.Requests(
        0, whole=True
    )
