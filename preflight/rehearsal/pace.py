"""When answers leave: work per endpoint, waits for the game's next poll, stalls that hold everybody up."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

from preflight.rehearsal.behaviour import DelayModel

_HANG_S = 60.0


class Pace:
    """The delays of one game process; time is the event loop's."""

    def __init__(self, models: dict[str, DelayModel], polls_per_second: float) -> None:
        self._models, self._polls = models, polls_per_second
        self._started = asyncio.get_running_loop().time()
        self._asked: Counter[str] = Counter()
        self.in_flight = 0

    def count(self, endpoint: str) -> tuple[DelayModel, int]:
        """The endpoint's model, and which request to it this is (from 1)."""
        self._asked[endpoint] += 1
        return self._models.get(endpoint) or self._models.get("*") or DelayModel(), self._asked[endpoint]

    async def wait(self, model: DelayModel, number: int, received: float, *, refused: bool = False) -> None:
        """Return when the answer to request `number`, received at `received`, would leave the game.

        What is `refused` is not worked on, and leaves at the next poll.
        """
        if _chosen(model.hang_share, number):
            await asyncio.sleep(_HANG_S)
        leaves = received + (0.0 if refused else self._work_s(model, number, received))
        if model.stall_every_s:
            into = (leaves - self._started) % model.stall_every_s
            # The stall stands at the end of each period, so that the first seconds are ordinary ones.
            if into > model.stall_every_s - model.stall_s:
                leaves += model.stall_every_s - into
        if self._polls and model.quantised:
            leaves = self._started + math.ceil((leaves - self._started) * self._polls) / self._polls
        loop = asyncio.get_running_loop()
        if leaves > loop.time():
            await asyncio.sleep(leaves - loop.time())

    def _work_s(self, model: DelayModel, number: int, received: float) -> float:
        work = model.slow_ms if _chosen(model.slow_share, number) else model.ms
        if number <= model.warm_up_requests:
            work += model.warm_up_ms
        work += model.per_waiting_ms * max(0, self.in_flight - 1)
        return work * (1 + model.drift_per_s * (received - self._started)) / 1000


def fails(model: DelayModel, number: int) -> bool:
    """Whether request `number` is one of those answered with an error at once."""
    return _chosen(model.error_share, number)


def _chosen(share: float, number: int) -> bool:
    """Exactly `share` of all numbers, evenly spread, so that a measured share is the injected one."""
    return math.floor(number * share) > math.floor((number - 1) * share)
