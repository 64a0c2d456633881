"""The latencies of a run: sampled once an endpoint, at a guest's pace, and shared by every item that asks."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from preflight.budget import Budget
from preflight.errors import LockedOut, LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.probes import histogram, load
from preflight.probes.api import PROTECTED, Api
from preflight.probes.load import Sample
from preflight.redact import Secret, printable
from preflight.target import Target

if TYPE_CHECKING:
    from preflight.probes.load_process import Order

PACED_BY = {
    "GET /health": 18.0,
    "GET /status": 12.0,
    "GET /scene": 68.0,
    "POST /scene": 245.0,
    "GET /scenes": 55.0,
    "GET /performance": 55.0,
}
"""The limit (ms) that sets the pace: a request within it has been answered before the next one leaves.

/performance has no P95 of its own; it gets the pace of the others, and queues behind itself only when it is slower.
"""


def paced_by(call: str) -> float:
    """The same for any call: one that only the target file names gets the pace of /scenes."""
    return PACED_BY.get(call, PACED_BY["GET /scenes"])


FASTEST = 50.0
MARGIN = 3  # requests a minute left to others who share the address
_MOST_PER_SECOND = 1.5  # 45 in 30 s: intrusion detection takes 50 to one endpoint for abuse
_QUIET_S = 30.0
_ADDRESSES = 4
_TRIES = 3
_PAUSE_S = 10.0
"""How long a machine that fell behind is left alone before the next try, and twice that before the last."""


@dataclass
class Series:
    """What was measured at one endpoint so far. `rate` is in requests a second, `spent` in seconds.

    `repeated`: how often samples were thrown away since the generator fell behind, `in_a_row`: how often without any
    kept between, `behind`: by how much it did in samples that are kept, since waiting did not help.
    """

    call: str
    rate: float
    sources: tuple[str, ...]
    samples: list[Sample] = field(default_factory=list)
    warm_up_failures: list[str] = field(default_factory=list)
    thrown_away: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    repeated: int = 0
    in_a_row: int = 0
    behind: str = ""
    spent: float = 0.0
    refusal: LookError | None = None

    @property
    def timeouts(self) -> int:
        """Requests without an answer in time, those of the warm-up and of what was thrown away included."""
        lost = [*self.warm_up_failures, *self.thrown_away]
        return sum(sample.what == "timeout" for sample in self.samples) + lost.count("timeout")

    def longest(self) -> list[Sample]:
        """The good answers of the longest batch: one pace throughout, since another pace is another load."""
        if not self.seeds:
            return []
        batches = {seed: [s for s in self.samples if s.batch == seed and not s.failed] for seed in self.seeds}
        return max(batches.values(), key=len)

    def milliseconds(self, failed: float) -> list[float]:
        """Latencies in ms in the order sent, rounded to 0.01; one without a good answer counts as `failed`."""
        return [failed if sample.failed else sample.ms for sample in self.samples]


class Sampler:
    """Latencies of one target in one run.

    `cap_s` bounds the time spent on one endpoint. `wishes`: how many samples the items of this run will ask for, by call;
    what is wished for is measured together, the endpoints in turn. `expect` is told how many seconds a measurement will take.
    """

    def __init__(
        self,
        target: Target,
        api: Api,
        budget: Budget,
        *,
        user_agent: str,
        cap_s: float,
        wishes: Mapping[str, int],
        expect: Callable[[float], object] = lambda _: None,
    ) -> None:
        self._expect = expect
        self._target, self._api, self._budget = target, api, budget
        self._user_agent = user_agent
        self.cap_s = cap_s
        measured = {*PACED_BY, *(f"GET {path}" for path in target.facts.api.endpoints)}
        self._wishes = {call: n for call, n in wishes.items() if call.startswith("GET ") and call in measured}
        self._series: dict[str, Series] = {}
        self._others: tuple[str, ...] | None = None
        self._admitted = False

    @property
    def exempt(self) -> str | None:
        """The address that the operator takes out of limiting, if there is one."""
        return self._target.facts.performance.exempt_address

    @property
    def where(self) -> str:
        """From where, and through what, is measured."""
        through = "at the game itself" if self._api.reaches_game else "through the front, network time included"
        return f"{through}, from {self.exempt or 'this machine'}"

    def have(self, call: str) -> Series | None:
        """What was measured at `call` ("GET /health") so far, or None."""
        return self._series.get(call)

    def calls(self) -> Sequence[str]:
        """What was measured so far."""
        return [call for call, series in self._series.items() if series.samples]

    def more(self, call: str, n: int, token: Secret, *, capped: bool = True) -> Series:
        """The series of `call` with `n` samples, or as many as the cap leaves time for (`capped`).

        A machine that can't keep the schedule is left alone for a while twice; what it measures then is kept, and the
        series says how far it fell `behind`.
        Raises Undecided for scenes that must not be loaded, Unreachable when nobody answers, LockedOut, and LookError
        when the answers are no answers of the endpoint.
        """
        series = self._of(call)
        self._let_in(token)
        while True:
            if series.refusal is not None:
                raise series.refusal
            missing = n - len(series.samples)
            if capped:
                missing = min(missing, self.left(call))
            if missing <= 0:
                return series
            if series.in_a_row:
                time.sleep(_PAUSE_S * series.in_a_row)
            if call == "POST /scene":
                self._loading_scenes(series, missing, token)
            elif capped:
                self._together(series, missing, n, token)
            else:
                self._measure([series], missing, token, ())

    def _let_in(self, token: Secret) -> None:
        """Ask once whether the token opens anything: refused again and again it would ban the address."""
        if not self._admitted:
            status = self._api.get(PROTECTED, token=token, **self._unlimited).status_code
            if status in (401, 403):
                raise LookError(f"the token is refused ({status}) on {PROTECTED}, so nothing is measured with it")
            self._admitted = True

    def left(self, call: str) -> int:
        """How many more samples of `call` the cap leaves time for."""
        series = self._of(call)
        return int((self.cap_s - series.spent) * series.rate + 1e-6)

    def rate(self, call: str) -> float:
        """Requests a second: at most 0.5/limit, so that our own don't queue, and below the limiter where it counts us."""
        pace = min(FASTEST, 0.5 / (paced_by(call) / 1000))
        if self.exempt:
            return pace
        per_minute = self._budget.per_minute(call.split(" ", 1)[1])
        return min(pace, len(self._sources()) * min((per_minute - MARGIN) / 60, _MOST_PER_SECOND))

    def _of(self, call: str) -> Series:
        if call not in self._series:
            self._series[call] = Series(call, self.rate(call), self._sources())
        return self._series[call]

    def _sources(self) -> tuple[str, ...]:
        if self.exempt:
            return (self.exempt,)
        if self._others is None:
            # half of them stay free for items that need an address nobody knows yet
            share = min(_ADDRESSES, len(self._target.facts.manners.addresses) // 2)
            self._others = tuple(self._budget.fresh(share)) if share else ()
        return ("", *self._others)

    def _together(self, asked: Series, missing: int, n: int, token: Secret) -> None:
        """Measure what was asked for, and in turn with it what other items will ask for up to the same number."""
        group, rounds = [asked], missing
        for call, wish in self._wishes.items():
            other = self._of(call)
            lacking = min(min(n, wish) - len(other.samples), self.left(call))
            if other is not asked and other.refusal is None and lacking > 0:
                group.append(other)
                rounds = min(rounds, lacking)
        self._measure(group, rounds, token, ())

    def _measure(self, group: Sequence[Series], rounds: int, token: Secret, bodies: tuple[str, ...]) -> None:
        from preflight.probes.load_process import Lane, Order

        first = any(not series.samples for series in group)
        slots = [min(1 / series.rate, max(1 / FASTEST, 0.002 * paced_by(series.call))) for series in group]
        period = max(sum(slots), *(1 / series.rate for series in group))
        lanes = []
        for series, slot in zip(group, slots, strict=True):
            method, _, path = series.call.partition(" ")
            lanes.append(Lane(method, self._api.url(path, "game"), slot, bodies))
        headers = {"Authorization": f"Bearer {token.reveal()}", "User-Agent": self._user_agent, "Accept": "*/*"}
        self._reserve(group, rounds, period)
        order = Order(
            lanes=tuple(lanes),
            rounds=rounds,
            period_s=period,
            headers=headers | ({"Content-Type": "application/json"} if bodies else {}),
            sources=group[0].sources,
            ca_file=str(self._target.facts.api.ca_file) if self._target.facts.api.ca_file else None,
            warm_up=(10 if first else 3) if self.exempt and not bodies else 2,
            seed=secrets.randbits(32),
        )
        self._carry_out(order, group)

    def _carry_out(self, order: Order, group: Sequence[Series]) -> None:
        """Send an order and keep what came, but for the endpoints whose times the generator can't vouch for."""
        self._expect((order.rounds + order.warm_up) * order.period_s)
        try:
            batches = load.send(order, [series.call for series in group])
        except LookError as error:
            self._refuse(group, error)
            return
        for series, batch in zip(group, batches, strict=True):
            series.warm_up_failures += batch.warm_up_failures
            for what, count in batch.sent.items():
                self._api.sent[f"{series.call} {what if what.isdigit() else 'no answer'}"] += count
        self._api.addresses.update(source or "this machine's own" for source in order.sources)
        self._enter(group, order)
        if not any(batch.samples for batch in batches):
            nobody = Unreachable(f"{group[0].call}: none of the first {order.warm_up} requests was answered")
            self._refuse(group, next((batch.refusal for batch in batches if batch.refusal), nobody))
            return
        for series, batch in zip(group, batches, strict=True):
            if batch.refusal is not None:
                self._refuse([series], batch.refusal)
                continue
            behind = load.fell_behind(batch.samples, paced_by(series.call))
            if behind and not series.behind and series.in_a_row < _TRIES - 1:
                # what is thrown away is chosen by the generator's own delay alone, never by what the target did
                series.repeated, series.in_a_row = series.repeated + 1, series.in_a_row + 1
                # a request without an answer for ten seconds was not slowed down by the generator
                series.thrown_away += [sample.what for sample in batch.samples if sample.what == "timeout"]
            else:
                series.in_a_row, series.behind = 0, behind or series.behind
                series.spent += order.rounds / series.rate
                series.samples += batch.samples
                series.seeds.append(batch.seed)

    def _refuse(self, group: Sequence[Series], error: LookError) -> None:
        """Remember why these endpoints can't be measured, so that no other item tries again."""
        for series in group:
            series.refusal = error
            if isinstance(error, LockedOut):
                self._budget.refused(series.call.split(" ", 1)[1], 60.0)
                for source in series.sources:
                    self._budget.close(source, 60.0)

    def _reserve(self, group: Sequence[Series], rounds: int, period: float) -> None:
        """Wait until the pace has room for half a minute of requests, and keep others off the addresses meanwhile."""
        if self.exempt:
            return
        sources = group[0].sources
        for source in sources[1:]:
            self._budget.close(source, rounds * period + 60.0)
        for _ in range(min(rounds, math.ceil(_QUIET_S / period / len(sources)))):
            for series in group:
                self._budget.take(series.call.split(" ", 1)[1], address="")

    def _enter(self, group: Sequence[Series], order: Order) -> None:
        """Tell the budget of the last minute's requests, so that whoever comes next keeps below the limits too."""
        if self.exempt:
            return
        each = min(order.rounds, math.ceil(60.0 / order.period_s)) // len(order.sources)
        for source in order.sources:
            for series in group:
                for _ in range(each):
                    self._budget.enter(series.call.split(" ", 1)[1], source)

    def _loading_scenes(self, series: Series, n: int, token: Secret) -> None:
        """Load scenes of the operator's list in turn, and put back the one that was there."""
        scenes = self._target.facts.manners.scenes
        if not scenes:
            raise Undecided(Reason.OPERATOR, "name scenes that may be loaded: [manners] scenes")
        self._nobody_plays(token)
        found = self._api.get("/scene", token=token, **self._unlimited).object().get("scene_path")
        if found not in scenes:
            raise Undecided(
                Reason.OPERATOR, f"the scene {printable(str(found), 80)} could not be put back: it is not in [manners] scenes"
            )
        try:
            self._measure([series], n, token, tuple(json.dumps({"scene_path": scene}) for scene in scenes))
        finally:
            self._put_back(str(found), token)

    def _put_back(self, scene: str, token: Secret) -> None:
        answer = self._api.ask("POST", "/scene", token=token, body={"scene_path": scene}, **self._unlimited)
        if answer.status_code != 200:
            raise LookError(f"the scene {scene} could not be put back ({answer.status_code}); load it by hand")

    @property
    def _unlimited(self) -> dict[str, Any]:
        """Options of a request that leaves at once from the exempt address, where there is one."""
        return {"address": self.exempt, "paced": False} if self.exempt else {}

    def _nobody_plays(self, token: Secret) -> None:
        if self._target.facts.manners.maintenance:
            return
        playing = histogram.gauge(self._api.get("/metrics", token=token).text, "vr_active_sessions")
        if playing != 0:
            who = "nobody can say whether anybody plays" if playing is None else f"{playing:g} sessions are active"
            raise Undecided(
                Reason.CONSENT, f"{who}; scenes are loaded only while nobody plays or with [manners] maintenance = true"
            )
