"""Faults of latency are caught, and look-alikes are not taken for them. The slow cases: `python -m selftest.measure faults`."""

from __future__ import annotations

import pytest

from selftest.measure.faults import CASES, Case, look


def test_every_case_has_a_name_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for case in CASES if case.quick], ids=lambda case: case.name)
def test_fault_makes_of_its_item_what_it_must(case: Case):
    judged, evidence = look(case)
    if "fell behind" in judged.reason and "ERROR" not in case.gives:  # other tests run beside it, and it says so itself
        pytest.skip(f"not shown on a busy machine, but by `python -m selftest.measure faults`: {judged.reason}")
    assert judged.status in case.gives, (judged, evidence.facts)
    assert case.says in judged.reason
