"""Injected delays are the ones asked for: shares exactly, stalls for everybody, nothing on the side."""

from __future__ import annotations

import asyncio

import pytest

from preflight.rehearsal.behaviour import DelayModel
from preflight.rehearsal.pace import Pace, fails


async def took_ms(model: DelayModel, number: int, *, polls: float = 0.0) -> float:
    pace = Pace({"GET /x": model}, polls)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await pace.wait(model, number, began)
    return (loop.time() - began) * 1000


@pytest.mark.parametrize("share", [0.02, 0.05, 0.08, 0.0025, 0.2])
def test_a_share_is_exact(share: float) -> None:
    model = DelayModel(error_share=share)

    assert sum(fails(model, number) for number in range(1, 2001)) == round(2000 * share)


def test_slow_requests_are_slow_and_others_are_not() -> None:
    model = DelayModel(ms=1, slow_ms=40, slow_share=0.5)

    assert asyncio.run(took_ms(model, 1)) < 20
    assert asyncio.run(took_ms(model, 2)) >= 40


def test_warm_up_ends() -> None:
    model = DelayModel(warm_up_ms=40, warm_up_requests=3)

    assert asyncio.run(took_ms(model, 3)) >= 40
    assert asyncio.run(took_ms(model, 4)) < 20


def test_a_stall_holds_everybody_until_its_end() -> None:
    model = DelayModel(ms=60, stall_every_s=0.1, stall_s=0.05)

    assert 99 <= asyncio.run(took_ms(model, 1)) < 125


def test_answers_leave_with_a_poll() -> None:
    assert 49 <= asyncio.run(took_ms(DelayModel(ms=30), 1, polls=20)) < 75
    assert asyncio.run(took_ms(DelayModel(ms=1, quantised=False), 1, polls=20)) < 20
