"""The lattice: any order and grouping give the same verdict; worse input never a better one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from preflight.outcome import EXIT_STATUS, Status, Verdict, exit_status, verdict, worst

ORDER = [Status.PASS, Status.WAIVED, Status.WARN, Status.PENDING, Status.ERROR, Status.FAIL]
VERDICTS = [Verdict.GO, Verdict.GO_WITH_WARNINGS, Verdict.HOLD, Verdict.INVALID, Verdict.NO_GO]
looked = st.sampled_from(ORDER)
anything = st.sampled_from(list(Status))


def rank(status: Status) -> int:
    return ORDER.index(status)


@given(st.lists(anything, min_size=1), st.randoms())
def test_order_does_not_matter(statuses: list[Status], random: object) -> None:
    shuffled = list(statuses)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert worst(shuffled) == worst(statuses)
    assert verdict(shuffled) == verdict(statuses)


@given(st.lists(looked, min_size=1), st.data())
def test_grouping_does_not_matter(statuses: list[Status], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(statuses)))
    groups = [group for group in (statuses[:cut], statuses[cut:]) if group]
    assert worst([worst(group) for group in groups]) == worst(statuses)


@given(st.lists(looked, min_size=1), anything)
def test_more_of_it_never_improves_an_item(statuses: list[Status], more: Status) -> None:
    assert rank(worst([*statuses, more])) >= rank(worst(statuses))


@given(st.lists(anything, min_size=1), st.data())
def test_a_worse_item_never_gives_a_better_verdict(statuses: list[Status], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(statuses) - 1))
    if statuses[index] is Status.NOT_APPLICABLE:
        return
    worse = data.draw(st.sampled_from(ORDER[rank(statuses[index]) :]))
    changed = [*statuses[:index], worse, *statuses[index + 1 :]]
    assert VERDICTS.index(verdict(changed)) >= VERDICTS.index(verdict(statuses))


@given(st.lists(anything, min_size=1), st.booleans())
def test_an_interrupted_run_is_never_go(statuses: list[Status], stale: bool) -> None:
    assert verdict(statuses, interrupted=True, stale_waiver=stale) in (Verdict.INVALID, Verdict.NO_GO)


def test_silence_is_no_go() -> None:
    assert verdict([]) is Verdict.INVALID
    assert worst([]) is Status.ERROR


def test_not_applicable_is_all_or_nothing() -> None:
    assert worst([Status.NOT_APPLICABLE]) is Status.NOT_APPLICABLE
    assert worst([Status.NOT_APPLICABLE, Status.PASS]) is Status.ERROR
    assert worst([Status.NOT_APPLICABLE, Status.FAIL]) is Status.FAIL
    assert verdict([Status.NOT_APPLICABLE]) is Verdict.GO


def test_the_table_of_verdicts() -> None:
    assert verdict([Status.PASS, Status.WAIVED, Status.NOT_APPLICABLE]) is Verdict.GO
    assert verdict([Status.PASS, Status.WARN]) is Verdict.GO_WITH_WARNINGS
    assert verdict([Status.PASS], stale_waiver=True) is Verdict.GO_WITH_WARNINGS
    assert verdict([Status.WARN, Status.PENDING]) is Verdict.HOLD
    assert verdict([Status.PENDING, Status.ERROR]) is Verdict.INVALID
    assert verdict([Status.ERROR, Status.FAIL]) is Verdict.NO_GO


@given(st.sampled_from(list(Verdict)), st.integers(0, 5), st.booleans())
def test_exit_statuses(said: Verdict, pytest_status: int, rehearsal: bool) -> None:
    status = exit_status(said, pytest_status=pytest_status, rehearsal=rehearsal)
    if pytest_status > 1:
        assert status == pytest_status
    elif rehearsal and said is Verdict.HOLD:
        assert status == 0
    else:
        assert status == EXIT_STATUS[said]
        assert (status == 0) == (said in (Verdict.GO, Verdict.GO_WITH_WARNINGS))
