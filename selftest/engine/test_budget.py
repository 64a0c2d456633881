"""Nothing that is sent comes near a limit, whoever asks and from how many processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from preflight.budget import DOCUMENTED_PER_MINUTE, Budget, endpoint_of
from preflight.errors import LockedOut, LookError


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0.001)


def budget(path: Path, clock: Clock, *addresses: str) -> Budget:
    return Budget(path / "budget.json", ["", *addresses], clock, clock.sleep)


def most_within(times: list[float], seconds: float) -> int:
    return max((sum(1 for other in times if at <= other < at + seconds) for at in times), default=0)


calls = st.tuples(st.sampled_from(["/scene", "/scenes", "/health", "/status?x=1", "/scene/"]), st.booleans(), st.floats(0, 2))


@settings(max_examples=25, deadline=None)
@given(wanted=st.lists(calls, min_size=1, max_size=140))
def test_every_window_stays_below_every_documented_limit(tmp_path_factory, wanted) -> None:  # type: ignore[no-untyped-def]
    clock = Clock()
    pace = budget(tmp_path_factory.mktemp("budget"), clock)
    sent: list[tuple[float, str, bool]] = []
    for path, bad, pause in wanted:
        clock.now += pause
        pace.take(path, bad_login=bad)
        sent.append((clock.now, endpoint_of(path), bad))
    for endpoint, per_minute in {**DOCUMENTED_PER_MINUTE, "/health": 100, "/status": 100}.items():
        here = [at for at, where, _ in sent if where == endpoint]
        assert most_within(here, 60) < per_minute
        assert most_within(here, 30) <= 49
    assert most_within([at for at, _, _ in sent], 10) <= 99
    assert most_within([at for at, _, bad in sent if bad], 60) <= 4


def test_windows_hold_where_the_requests_arrive_though_one_is_slower_than_another(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock)
    arrivals = []
    for n in range(12):
        pace.take("/scene", bad_login=True)
        arrivals.append(clock.now + (1.5 if n % 4 == 0 and n < 4 else 0.0))
    assert most_within(arrivals, 60) <= 4, "the fifth failed login within a minute bans"


def test_two_processes_share_one_budget(tmp_path: Path) -> None:
    clock = Clock()
    one, two = budget(tmp_path, clock), budget(tmp_path, clock)
    for n in range(28):
        (one if n % 2 else two).take("/scene")
    before = clock.now
    one.take("/scene")
    assert clock.now - before > 50


def test_other_addresses_are_used_when_the_first_is_spent(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock, *(f"127.0.0.{n}" for n in range(10, 14)))
    used = [pace.take("/scene") for _ in range(60)]
    assert clock.now == 1000.0
    assert used.count("") == 28
    assert used.count("127.0.0.10") == 28
    assert used.count("127.0.0.11") == 4


def test_half_of_the_addresses_are_kept_back_for_looks_that_need_a_fresh_one(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock, "127.0.0.10", "127.0.0.11")
    used = {pace.take("/scene") for _ in range(100)}
    assert used == {"", "127.0.0.10"}
    assert pace.fresh(2) == ["127.0.0.11"]


def test_a_refusal_that_nobody_planned_holds_for_every_address(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock, "127.0.0.10", "127.0.0.11")
    pace.refused("/scene?x=1", 30)
    assert pace.locked_until("/scene") == clock.now + 30
    assert pace.locked_until("/health") == 0
    pace.refused("/scenes", 10)
    assert pace.locked_until("/health") == clock.now + 30
    clock.now += 31
    assert pace.locked_until("/health") == 0
    pace.refused("/jobs", 1)
    assert pace.locked_until("/health") == 1600, "three within ten minutes are enough"
    clock.now = 1601
    assert pace.locked_until("/health") == 0


def test_a_lower_limit_that_is_announced_is_kept(tmp_path: Path) -> None:
    clock = Clock()
    pace, other = budget(tmp_path, clock), budget(tmp_path, clock)
    pace.announced("/scene?x=1", 15)
    for limit, per_minute in (("/scene", 15), ("/scenes", 60), ("/nowhere", 100)):
        assert other.per_minute(limit) == per_minute
    sent = []
    for _ in range(40):
        other.take("/scene")
        sent.append(clock.now)
    assert most_within(sent, 60) == 13, "the documented 30 are not used, and two are left as always"
    assert Budget(tmp_path / "budget.json", [""], clock, clock.sleep).per_minute("/scene") == 15
    clock.now += 600
    assert other.per_minute("/scene") == 30, "nobody has said it for ten minutes"


@pytest.mark.parametrize(("announced", "believed"), [(0, 7.5), (1, 7.5), (29.5, 29.5), (30, 30), (3000, 30)])
def test_an_announcement_neither_ends_the_looks_nor_raises_a_limit(tmp_path: Path, announced: float, believed: float) -> None:
    pace = budget(tmp_path, Clock())
    pace.announced("/scene", announced)
    assert pace.per_minute("/scene") == believed


def test_a_closed_address_is_left_alone(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock, "127.0.0.10", "127.0.0.11")
    pace.close("", 30)
    assert pace.take("/health") == "127.0.0.10"


def test_a_fresh_address_is_given_once(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock, "127.0.0.10", "127.0.0.11")
    assert sorted(pace.fresh() + pace.fresh() + pace.fresh()) == ["127.0.0.10", "127.0.0.11"]


def test_a_bucket_is_full_again_a_minute_after_the_last_request(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock, "127.0.0.10")
    pace.rest("/scene", "")
    assert clock.now == 1000.0, "nothing was sent, so nothing is waited for"
    pace.take("/scene", address="")
    clock.now = 1020.0
    pace.take("/health", address="")
    pace.take("/scene", address="127.0.0.10")
    pace.rest("/scene?x=1", "")
    assert clock.now == 1060.0


def test_a_broken_budget_file_is_started_anew(tmp_path: Path) -> None:
    (tmp_path / "budget.json").write_text('["sent", "", 10')
    clock = Clock()
    for _ in range(49):
        assert budget(tmp_path, clock).take("/health") == ""
    began = clock.now
    budget(tmp_path, clock).take("/health")
    assert clock.now > began + 20, "what came after the half line counts"


def test_a_long_log_begins_anew_and_forgets_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("preflight.budget._LONGEST_LOG", 2000)
    clock = Clock()
    one, other = budget(tmp_path, clock), budget(tmp_path, clock)
    one.close("127.0.0.9", 3600)
    one.refused("/jobs", 600)
    one.announced("/scenes", 20)
    for number in range(200):
        (one, other)[number % 2].take(f"/health/{number}")
    assert (tmp_path / "budget.json").stat().st_size < 20_000
    new = budget(tmp_path, clock)
    assert new.locked_until("/jobs") > clock.now
    assert new.per_minute("/scenes") == 20
    for each in (new, one, other):
        state = each._read()
        assert "127.0.0.9" in state["closed"]
        assert sum(map(len, state["sent"].values())) == sum(map(len, new._read()["sent"].values())) > 100


def test_a_lock_of_an_hour_outlasts_ten_minutes(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock)
    pace.refused("/jobs", 3600)
    clock.now += 1800
    assert pace.locked_until("/jobs") > clock.now
    assert pace.locked_until("/scene") == 0
    clock.now += 1801
    assert pace.locked_until("/jobs") == 0


def test_a_closed_address_is_not_used_however_long_one_waits(tmp_path: Path) -> None:
    clock = Clock()
    pace = budget(tmp_path, clock)
    pace.close("", 3600)
    began = clock.now
    with pytest.raises(LockedOut, match="closed until"):
        pace.take("/health")
    assert clock.now == began
    clock.now += 3590
    assert pace.take("/health") == ""
    assert clock.now >= began + 3600


def test_a_file_of_another_user_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "budget.json").write_text("")
    monkeypatch.setattr("preflight.budget.os.access", lambda *_: False)
    with pytest.raises(LookError, match=r"budget\.json.* can't be written"):
        budget(tmp_path, Clock())


def test_refusals_that_were_provoked_are_remembered_by_the_next_run(tmp_path: Path) -> None:
    """The target counts five within ten minutes, whichever run they were of."""
    clock = Clock()
    pace = budget(tmp_path, clock, "127.0.0.2", "127.0.0.3", "127.0.0.4")
    assert pace.provoked_until("", 4) == 0.0
    pace.provoked("")
    clock.now += 60
    pace.provoked("")
    pace.provoked("127.0.0.4")

    again = budget(tmp_path, clock, "127.0.0.2", "127.0.0.3", "127.0.0.4")
    assert again.provoked_until("", 2) == 0.0
    assert again.provoked_until("", 3) == 1600.0, "when the first of two is forgotten"
    assert again.provoked_until("", 4) == 1660.0
    clock.now += 130
    assert again.fresh(3) == ["127.0.0.3", "127.0.0.2"], "an address that was refused is no fresh one"
    clock.now += 600
    assert again.provoked_until("", 4) == 0.0
