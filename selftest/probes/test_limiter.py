"""What a refusal says of its end, whichever way it says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.budget import Budget
from preflight.errors import LookError, Undecided
from preflight.probes import limiter
from preflight.probes.api import counted, retry_after
from preflight.probes.http import Answer
from preflight.redact import Secret


def refusal(body: str = "", status: int = 429, **headers: str) -> Answer:
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer("GET", "https://t/status", status, named, body.encode(), 0.0, sent_token=True, curl="")


def in_an_hour(form: str) -> str:
    at = datetime.now(UTC) + timedelta(hours=1)
    return {
        "iso": at.isoformat(),
        "zulu": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "plain": f"{at:%Y-%m-%d %H:%M:%S}",
        "epoch": str(int(at.timestamp())),
        "milliseconds": str(int(at.timestamp() * 1000)),
        "http": format_datetime(at, usegmt=True),
    }[form]


@pytest.mark.parametrize("form", ["iso", "zulu", "plain", "epoch", "milliseconds"])
def test_a_moment_in_the_body_counts_before_other_numbers(form: str) -> None:
    said = f'{{"message": "5 failed logins in 60 s", "banned_until": "{in_an_hour(form)}"}}'

    assert limiter.announced_end(refusal(said, X_RateLimit_Reset="12")) == pytest.approx(3600, abs=3)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ('{"retry_after": 3600}', 3600),
        ('{"details": "5 failed logins in 60 s", "retry_after_seconds": "1800"}', 1800),
        ('{"message": "banned for 60 minutes"}', 3600),
        ('{"message": "5 failed logins in 60 s: banned for 1 hour"}', 3600),
        ('{"message": "try again in 42 seconds"}', 42),
        ('{"message": "banned until 2001-01-01T00:00:00."}', None),
        ('{"banned_until": "2026-13-45T00:00:00"}', None),
        ('{"message": "banned"}', None),
    ],
)
def test_a_span_in_the_body_is_read(body: str, seconds: float | None) -> None:
    assert limiter.announced_end(refusal(body)) == seconds


def test_a_number_without_measure_is_no_end_of_the_world() -> None:
    end = limiter.announced_end(refusal('{"message": "999999999 hours"}'))

    assert end is not None
    assert datetime.now(UTC) + timedelta(seconds=end)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "<http>"}, 3600),
        ({"Retry_After": "999999999"}, 7 * 86400),
        ({"Retry_After": "soon", "X_RateLimit_Reset": "9"}, 9),
        ({"X_RateLimit_Reset": "<epoch>"}, 3600),
        ({"X_RateLimit_Reset": "<milliseconds>"}, 3600),
        ({}, 60),
    ],
)
def test_a_refusal_says_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    # moments are made when the test runs, which may be long after it was collected
    said = {name: in_an_hour(value[1:-1]) if value[0] == "<" else value for name, value in headers.items()}

    assert retry_after(refusal(**said)) == pytest.approx(seconds, abs=3)


@pytest.mark.parametrize(("status", "banned"), [(429, True), (403, True), (401, False), (404, False), (500, False), (200, False)])
def test_only_a_refusal_is_a_ban(status: int, banned: bool) -> None:
    assert limiter.Ban("127.0.0.9", [], refusal(status=status)).banned is banned


@pytest.mark.parametrize(
    ("text", "number"),
    [("100", 100), (" 30 ", 30), ("100;w=60", 100), ("30, 30;w=60", 30), ("many", None), ("", None), ("1e9", None), ("²", None)],
)
def test_a_header_that_is_no_number_is_none(text: str, number: float | None) -> None:
    assert counted(refusal(X_RateLimit_Limit=text), "X-RateLimit-Limit") == number


def test_a_moment_counts_from_when_the_answer_came() -> None:
    """However late it is read: a busy machine does not shorten a ban."""
    came = datetime.now(UTC) - timedelta(seconds=100)
    said = f'{{"banned_until": "{came + timedelta(seconds=60):%Y-%m-%dT%H:%M:%S.%fZ}"}}'
    answer = replace(refusal(said), sent_at=came.timestamp())

    assert limiter.announced_end(answer) == pytest.approx(60, abs=0.01)
    reset = replace(refusal(X_RateLimit_Reset=str(came.timestamp() + 60)), sent_at=came.timestamp())
    assert retry_after(reset) == pytest.approx(60, abs=0.01)


def test_a_lock_out_of_this_machine_is_no_refusal_by_the_limiter() -> None:
    refusal = Answer("GET", "https://t/scene", 429, (), b"", 0.0, sent_token=True, curl="")
    with pytest.raises(LookError, match="locked out before"):
        _ = limiter.Burst("", 0, 0.1, refusal, refusal).refused
    assert limiter.Burst("", 30, 0.1, refusal, refusal).refused is refusal
    assert limiter.Burst("127.0.0.9", 0, 0.1, refusal, refusal).refused is refusal, "SEC-RATE-04 judges that"


@pytest.mark.parametrize("provoke", [limiter.by_bad_logins, limiter.by_injection])
def test_an_address_that_was_never_served_is_not_banned(tmp_path: Path, provoke: Callable[..., object]) -> None:
    asked = []

    def get(path: str, **_options: object) -> Answer:
        asked.append(path)
        return refusal(status=403)

    with pytest.raises(LookError, match=r"answers 127\.0\.0\.7 with 403 before anything was provoked"):
        provoke(SimpleNamespace(get=get), Budget(tmp_path / "b.json", ["", "127.0.0.7"]), Secret("a.b.c"))
    assert asked == ["/status"]


@pytest.mark.parametrize(
    ("told", "banned", "waited"),
    [
        ([refusal(status=200), refusal(), refusal()], True, [2.0]),
        ([refusal(status=200), refusal(), refusal(status=200)], False, [2.0]),
        ([refusal(status=200), refusal(Retry_After="1"), refusal(status=200)], True, []),
        ([refusal(status=200), refusal(status=200)], False, []),
    ],
    ids=["a ban without an end", "a front's own limit", "a short ban", "no ban"],
)
def test_a_front_that_takes_so_many_a_second_has_banned_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[Answer], waited: list[float], *, banned: bool
) -> None:
    left, slept = list(told), list[float]()
    monkeypatch.setattr(limiter.time, "sleep", slept.append)
    api: Any = SimpleNamespace(get=lambda path, **_: left.pop(0) if path == "/status" else refusal(status=401))

    ban = limiter.by_bad_logins(api, Budget(tmp_path / "b.json", ["", "127.0.0.7"]), Secret("a.b.c"))
    assert (ban.banned, slept) == (banned, waited)


def test_a_second_run_within_ten_minutes_does_not_get_the_operator_banned(tmp_path: Path) -> None:
    pace = Budget(tmp_path / "b.json", [""])
    limiter.must_not_ban(pace, "")
    pace.provoked("")

    with pytest.raises(Undecided, match="5 refusals within ten minutes ban: run this again after"):
        limiter.must_not_ban(pace, "")
