"""What the tests of performance ask for: latencies, sampled once a run, and judged as docs/measuring.md says.

numpy and scipy are imported where they are used, so that collecting the checklist stays quick.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest

from preflight import baselines
from preflight.checklist import Item, Limit
from preflight.errors import LookError, Undecided
from preflight.evidence import Evidence
from preflight.outcome import Reason, Severity
from preflight.probes import histogram
from preflight.probes.sampler import Sampler, Series, paced_by
from preflight.redact import Secret
from preflight.session import Session

if TYPE_CHECKING:
    from preflight.measure.percentile import PercentileJudgement

FAILED_MS = baselines.FAILED_MS
QUICK_S = 12.5
"""The cap an endpoint has with --quick: together about a minute."""

_QUANTILES = {"p95": 0.95, "p99": 0.99}
_LONGER = (200, 500)


@dataclass(frozen=True)
class Look:
    """One number of several that an item is judged by. `open`: neither kept nor broken beyond chance.

    `behind`: by how much the generator fell behind while it was measured, or nothing.
    """

    name: str
    value: float
    n: int
    where: str
    open: bool
    text: str
    behind: str = ""


class Latency:
    """The latencies of the target, judged for the item under test."""

    def __init__(self, sampler: Sampler, evidence: Evidence, session: Session, token: Secret, decisions: int) -> None:
        self._sampler, self._evidence = sampler, evidence
        self._session, self._token = session, token
        self._decisions = decisions

    @property
    def listed(self) -> list[str]:
        """The calls that the target file adds to the documented ones."""
        return [f"GET {path}" for path in self._session.target.facts.api.endpoints]

    def percentile(self, name: Literal["p95", "p99"], *calls: str) -> None:
        """The percentile of each endpoint is within the item's limit, proven by counting."""
        limit = self._evidence.in_force(name)
        looks, not_looked = [], []
        for call in calls:
            try:
                found = self._counted(call, _QUANTILES[name], limit)
            except (LookError, Undecided) as error:  # what the others are is said first: a definite no stays a no
                not_looked.append(error)
                continue
            series = self._keep(call, found.n)
            failed = sum(sample.failed for sample in series.samples[: found.n])
            self._evidence.fact(call, found.text + (f", {failed} failed" if failed else ""))
            undecided = found.decision == "UNDECIDED"
            looks.append(Look(name, found.value, found.n, call, undecided, f"n = {found.n}, k = {found.k}", series.behind))
        self._settle(looks, limit, not_looked)

    def no_timeouts(self, *calls: str, least: int = 90) -> None:
        """No request has timed out, of all that were sent in this run."""
        not_looked = []
        for call in calls:
            try:
                self._sampler.more(call, least, self._token)
            except LookError as error:
                not_looked.append(error)
        measured = [call for call in dict.fromkeys([*calls, *self._sampler.calls()]) if self._sampler.have(call) is not None]
        hung = {call: self._keep(call).timeouts for call in measured}
        where = ", ".join(f"{call}: {count}" for call, count in hung.items() if count)
        n = sum(len(self._keep(call).samples) for call in measured)
        self._evidence.judge("timeouts", sum(hung.values()), n=n, where=where)
        if not_looked:
            raise not_looked[0]

    def trend(self, *calls: str) -> None:
        """Latency does not rise while it is measured: by 5 % of the limit or more, and beyond chance."""
        from preflight.measure.trend import judge_trend

        limit = self._evidence.in_force("rise")
        looks = []
        for call in calls:
            for wanted in _LONGER:
                series = self._sampler.have(call)
                if series is None or len(series.longest()) < 0.9 * wanted:
                    had = len(series.samples) if series else 0
                    series = self._sampler.more(call, had + wanted, self._token)
                if series.behind:  # what the delay adds may hide a rise
                    raise LookError(f"{call}: {series.behind}")
                good = series.longest()
                if len(good) < 20:
                    raise Undecided(Reason.SAMPLES, f"{call}: {len(good)} good answers at one pace are too few to see a trend in")
                times = [round(sample.at - good[0].at, 3) for sample in good]
                found = judge_trend(times, [sample.ms for sample in good], paced_by(call))
                share = 100 * found.share_of_limit
                if found.enough and (found.rises or limit.keeps(share)):
                    break
            self._keep(call)
            self._evidence.samples[f"trend of {call}"] = [[at, sample.ms] for at, sample in zip(times, good, strict=True)]
            if not found.enough:
                text = f"{found.blocks} blocks of {found.block_length}"
                raise Undecided(Reason.SAMPLES, f"{call}: answers depend on each other too long ({text}); more time is needed")
            told = f"{found.rise:+.2f} ms [{found.low:+.2f}, {found.high:+.2f}] in {found.seconds:.0f} s, p = {found.p_value:.2g}"
            self._evidence.fact(f"trend of {call}", told)
            looks.append(Look("rise", share, len(good), call, not found.rises and not limit.keeps(share), told))
        self._settle(looks, limit)

    def against_baseline(self, name: Literal["p95_ratio", "median_ratio"], *calls: str) -> None:
        """No endpoint has become slower than its baseline allows, beyond chance."""
        from preflight.measure.change import Change, judge_change

        limit = self._evidence.in_force(name)
        before = self._baseline()
        self._evidence.fact("baseline", f"build {before.build}, saved {before.saved:%Y-%m-%d %H:%M} UTC, {before.measured}")
        through = self._sampler.where.partition(",")[0]
        if before.measured and before.measured.partition(",")[0] != through:
            raise Undecided(
                Reason.OPERATOR,
                f"the baseline was measured {before.measured.partition(',')[0]} and this run {through}: not comparable",
            )
        looks = []
        for call in (call for call in calls if call in before.latencies):
            series = self._sampler.more(call, 90, self._token)
            self._keep(call)
            now = series.milliseconds(FAILED_MS)
            if len(now) < 20:
                raise Undecided(Reason.SAMPLES, f"{call}: {len(now)} answers are too few to compare")
            self._evidence.samples[f"baseline of {call}"] = list(before.latencies[call])
            found = judge_change(before.latencies[call], now, limit.bound, 0.5 if name == "median_ratio" else 0.95)
            told = f"{found.ratio.text} times, shift {found.shift.text} ms"
            self._evidence.fact(call, told)
            open_ = found.change is Change.INCONCLUSIVE
            looks.append(Look(name, found.ratio.estimate, len(now), call, open_, told, series.behind))
        lacking = [call for call in calls if call not in before.latencies]
        missing = Undecided(
            Reason.OPERATOR,
            f"the baseline of build {before.build} holds nothing of {', '.join(lacking)}: measure and save it whole",
        )
        self._settle(looks, limit, [missing] if lacking else [])

    def witness(self, call: str, n: int = 90) -> None:
        """The server's own histogram agrees with what is measured from outside."""
        from preflight.measure.witness import judge_witness

        before = self._own_histogram(call)
        held = self._sampler.have(call)
        had = len(held.samples) if held else 0
        # these must lie between two readings of the histogram, so they are taken whatever the cap says
        series = self._sampler.more(call, had + n, self._token, capped=False)
        fresh = [sample.ms for sample in series.samples[had:]]
        after = self._own_histogram(call)
        if before is None or after is None:
            raise Undecided(Reason.OPERATOR, f"/metrics has no {histogram.NAME} for {call}; declare it under [absent_metrics]")
        found = judge_witness(after.since(before).buckets, fresh)
        self._evidence.saw("samples", len(fresh))
        self._evidence.saw("series")
        self._evidence.samples[call] = fresh
        told = f"P95 {found.outside:.2f} ms outside, {found.inside_low:g} to {found.inside_high:g} ms inside, counted {found.counted}"
        self._evidence.fact("both witnesses", told + ("" if after.by_method else " (all methods together)"))
        if not found.agrees:
            if series.behind:
                raise LookError(f"{call}: {series.behind}")
            self._evidence.warn(found.text)

    def _counted(self, call: str, quantile: float, limit: Limit) -> PercentileJudgement:
        """Sample from look to look until the limit is decided or the time for the endpoint is used up."""
        from preflight.measure.percentile import LOOKS, judge_percentile, next_look

        self._can_decide(call)
        wanted: int | None = LOOKS[quantile][0]
        while True:
            assert wanted is not None
            series = self._sampler.more(call, wanted, self._token)
            found = judge_percentile(
                series.milliseconds(FAILED_MS),
                quantile,
                limit.bound,
                inclusive=limit.at_most is not None,
                decisions_in_run=self._decisions,
            )
            wanted = next_look(len(series.samples), quantile)
            if found.decision != "UNDECIDED" or wanted is None or len(series.samples) < LOOKS[quantile][0]:
                return found
            if self._sampler.left(call) < wanted - len(series.samples):
                return found

    def _can_decide(self, call: str) -> None:
        """Raises Undecided, before anything is sent, where the cap leaves no time for as much as the item must have seen."""
        series, room = self._sampler.have(call), self._sampler.left(call)
        least = self._evidence.item.evidence.get("samples", 1)
        if (series is None or not series.samples) and room < least:
            raise Undecided(
                Reason.SAMPLES,
                f"{call}: not asked, since {self._sampler.cap_s:g} s leave time for {room} of the {least} samples that a decision needs",
            )

    def _keep(self, call: str, n: int | None = None) -> Series:
        """Put into the record what is judged, and how it was measured."""
        series = self._sampler.have(call)
        assert series is not None
        values = series.milliseconds(FAILED_MS)[:n]
        if call not in self._evidence.samples:
            self._evidence.saw("samples", len(values))
            self._evidence.saw("endpoints")
            self._evidence.samples[call] = values
        self._evidence.fact("measured", self._sampler.where)
        self._evidence.fact("measured by", baselines.machine())
        fresh = sum(sample.fresh for sample in series.samples)
        how = f"open loop, at most {series.rate:.2f}/s, in turn with others, seed {', '.join(map(str, series.seeds))}, {fresh} new connections"
        how += f", {series.repeated} times repeated since the generator fell behind" if series.repeated else ""
        if series.behind:
            how += ", latencies are too long by a delay of the generator's own"
            self._evidence.fact(f"{baselines.BEHIND} {call}", series.behind)
        how += f", warm-up: {', '.join(series.warm_up_failures)}" if series.warm_up_failures else ""
        self._evidence.fact(f"how {call}", how)
        return series

    def _settle(self, looks: Sequence[Look], limit: Limit, not_looked: Sequence[LookError | Undecided] = ()) -> None:
        """What is broken is said first; what is open is a warning inside the limit, and else waits for more samples.

        `not_looked`: why others could not be measured; an ERROR of these counts before what is open. The generator's own
        delay can only have made a latency longer: what keeps the limit in spite of it keeps it, and what does not is an ERROR.
        """
        waiting: list[str] = []
        not_looked = list(not_looked)
        least = self._evidence.item.evidence.get("samples", 1)
        for look in sorted(looks, key=lambda look: look.open or limit.keeps(look.value)):
            kept = limit.keeps(look.value)
            if look.behind and (look.open or not kept):
                not_looked.append(LookError(f"{look.where}: {look.behind}"))
                continue
            if look.open and (not kept or limit.severity is Severity.RED_FLAG or look.n < least):
                waiting.append(
                    f"{look.where}: {look.name} {look.value:.4g} {limit.unit}, limit {limit}: not decided ({look.text})"
                )
                continue
            self._evidence.judge(look.name, look.value, n=look.n, where=look.where)
            if look.open:
                self._evidence.warn(
                    f"{look.where}: {look.name} {look.value:.4g} {limit.unit} keeps {limit}, not proven ({look.text}): "
                    "more samples can, without --quick or with more [performance] cap_seconds"
                )
        for error in sorted(not_looked, key=lambda error: isinstance(error, Undecided)):
            raise error
        if waiting:
            raise Undecided(Reason.SAMPLES, "; ".join(waiting))

    def _baseline(self) -> baselines.Baseline:
        facts = self._session.target.facts
        before = baselines.of(facts.name, facts.build)
        if before is not None:
            return before
        other = " (there is one of another machine, which can't be compared)" if baselines.elsewhere(facts.name) else ""
        raise Undecided(
            Reason.OPERATOR,
            f"no baseline of {facts.name} on this machine{other}; measure the build before, then: preflight baseline save RECORD",
        )

    def _own_histogram(self, call: str) -> histogram.Histogram | None:
        answer = self._session.api.get("/metrics", token=self._token)
        if answer.status_code != 200:
            raise LookError(f"GET /metrics answers {answer.status_code}; the server's own histogram can't be read")
        return histogram.read(answer.text, call)


@pytest.fixture(scope="session")
def planned(request: pytest.FixtureRequest, session: Session) -> list[Item]:
    """The items that this run will look at."""
    names = [m.args[0] for test in request.session.items if (m := test.get_closest_marker("item")) and m.args]
    return [session.items[name] for name in dict.fromkeys(names) if name in session.items]


@pytest.fixture(scope="session")
def sampler(session: Session, planned: list[Item], pytestconfig: pytest.Config) -> Sampler:
    """The latencies of this run, sampled once."""
    cap = session.target.facts.performance.cap_seconds
    if pytestconfig.getoption("quick", default=False):
        cap = min(cap, QUICK_S)
    wishes: dict[str, int] = {}
    for entry in planned:
        for call, n in entry.sends_to(session.target.facts.api.endpoints).items():
            if entry.measuring and not entry.intrusive and entry.stage in session.stages:
                wishes[call] = max(n, wishes.get(call, 0))
    return Sampler(
        session.target,
        session.api,
        session.budget,
        user_agent=session.user_agent,
        cap_s=cap,
        wishes=wishes,
        expect=session.waiting.expect,
    )


@pytest.fixture(scope="session")
def decisions(session: Session, planned: list[Item]) -> int:
    """How many percentiles this run decides: the error of FAIL is shared by them."""
    deciding = [entry for entry in planned if any(limit.name in _QUANTILES for limit in entry.limits)]
    listed = len(session.target.facts.api.endpoints)
    return max(1, sum(entry.evidence.get("endpoints", 1) + listed * entry.every_endpoint for entry in deciding))


@pytest.fixture
def latency(sampler: Sampler, evidence: Evidence, session: Session, token: Secret, decisions: int) -> Latency:
    """The latencies of the target, judged for this item."""
    return Latency(sampler, evidence, session, token, decisions)


@pytest.fixture
def capacity(session: Session, sampler: Sampler, evidence: Evidence, token: Secret) -> Callable[[], None]:
    """Puts the deployment under the configured load and judges what it carried."""
    from preflight.probes import capacity as probe

    def carry() -> None:
        carried = probe.load(
            session.target, session.api, token, user_agent=session.user_agent, folder=session.folder, cap_s=sampler.cap_s
        )
        evidence.saw("samples", carried.requests)
        evidence.saw("handshakes", carried.streams)
        for name, text in carried.facts.items():
            evidence.fact(name, text)
        evidence.samples["steps"] = carried.steps
        if carried.aborted:
            evidence.warn(carried.aborted)
        evidence.judge("failed", carried.failed_percent, n=carried.requests, where=carried.where)

    return carry
