"""Sampling keeps a guest's manners, is done once, and gives up in time."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import pytest

from preflight.budget import Budget
from preflight.errors import LockedOut, LookError, Undecided, Unreachable
from preflight.probes import load, sampler
from preflight.probes.load import Batch, Sample
from preflight.probes.sampler import Sampler
from preflight.redact import Secret

TOKEN = Secret("a-token-that-nobody-uses")


class World:
    """A target that is never asked: orders are answered at once, and time passes by sleeping."""

    def __init__(
        self,
        tmp_path,
        *,
        exempt=None,
        addresses=(),
        cap=300.0,
        wishes=None,
        maintenance=True,
        scenes=("res://a.tscn",),
        endpoints=(),
    ):
        self.orders = []
        self.lag = 0.01
        self.lags = []
        self.statuses = {}
        self.clock = 1000.0
        self.posted = []
        self.status = 200
        manners = SimpleNamespace(addresses=addresses, maintenance=maintenance, scenes=scenes)
        facts = SimpleNamespace(
            performance=SimpleNamespace(exempt_address=exempt),
            manners=manners,
            api=SimpleNamespace(ca_file=None, endpoints=endpoints),
        )
        self.api = SimpleNamespace(
            sent=Counter(),
            addresses=set(),
            reaches_game=True,
            url=lambda path, _via: f"http://t{path}",
            get=self.get,
            ask=self.ask,
        )
        budget = Budget(tmp_path / "budget.json", ["", *addresses], clock=lambda: self.clock, sleep=self.sleep)
        self.budget = budget
        self.sampler = Sampler(SimpleNamespace(facts=facts), self.api, budget, user_agent="test", cap_s=cap, wishes=wishes or {})

    def sleep(self, seconds):
        self.clock += seconds

    def get(self, path, **_options):
        text = "vr_active_sessions 2\n" if path == "/metrics" else ""
        return SimpleNamespace(object=lambda: {"scene_path": "res://a.tscn"}, text=text, status_code=self.status)

    def ask(self, *_call, body, **_options):
        self.posted.append(body["scene_path"])
        return SimpleNamespace(status_code=200)

    def send(self, order, calls):
        self.orders.append((order, list(calls)))
        self.clock += order.rounds * order.period_s
        batches = []
        lag = self.lags.pop(0) if self.lags else self.lag
        for call in calls:
            what = self.statuses.get(call, "200")
            if what == "nobody":
                batches.append(Batch((), ("connection",), {"connection": 2}, order.seed))
                continue
            refusal = LockedOut("429") if what == "429" else LookError("401") if what == "401" else None
            samples = tuple(Sample(float(i), 5.0, what, fresh=False, lag=lag, batch=order.seed) for i in range(order.rounds))
            batches.append(Batch(samples, (), {what: order.rounds}, order.seed, refusal))
        return batches


@pytest.fixture
def world(tmp_path, monkeypatch):
    def make(**options):
        made = World(tmp_path, **options)
        monkeypatch.setattr(sampler.load, "send", made.send)
        monkeypatch.setattr(sampler.time, "sleep", made.sleep)
        return made

    return make


def test_samples_are_taken_once(world):
    here = world(exempt="127.0.0.9")
    assert len(here.sampler.more("GET /health", 90, TOKEN).samples) == 90
    assert len(here.sampler.more("GET /health", 60, TOKEN).samples) == 90
    assert len(here.sampler.more("GET /health", 200, TOKEN).samples) == 200
    assert [order.rounds for order, _ in here.orders] == [90, 110]
    assert here.api.sent["GET /health 200"] == 200


def test_what_the_run_will_ask_for_is_asked_in_turn(world):
    here = world(exempt="127.0.0.9", wishes={"GET /health": 460, "GET /scene": 90, "POST /scene": 90})
    here.sampler.more("GET /health", 90, TOKEN)
    here.sampler.more("GET /health", 460, TOKEN)
    assert [calls for _, calls in here.orders] == [["GET /health", "GET /scene"], ["GET /health"]]
    order, _ = here.orders[0]
    assert order.period_s == pytest.approx(2 * 0.018 + 2 * 0.068), "a request within its limit never meets the next"


@pytest.mark.parametrize(("call", "rate"), [("GET /health", 27.78), ("GET /status", 41.67), ("POST /scene", 2.04)])
def test_pace_leaves_room_for_an_answer_within_the_limit(world, call, rate):
    assert world(exempt="127.0.0.9").sampler.rate(call) == pytest.approx(rate, abs=0.01)


@pytest.mark.parametrize(("call", "rate"), [("GET /scene", 27 / 60), ("GET /scenes", 57 / 60), ("GET /health", 1.5)])
def test_pace_stays_below_the_limiter(world, call, rate):
    here = world()
    assert here.sampler.rate(call) == pytest.approx(rate)
    here.sampler.more(call, 30, TOKEN)
    assert here.orders[0][0].sources == ("",)


def test_half_of_the_addresses_share_the_work(world):
    here = world(addresses=tuple(f"127.0.0.{i}" for i in range(10, 16)))
    assert here.sampler.rate("GET /scene") == pytest.approx(4 * 27 / 60)
    assert len(here.sampler.more("GET /scene", 90, TOKEN).sources) == 4
    assert len(here.budget.fresh(10)) == 3


def test_the_budget_knows_of_the_requests(world):
    here = world()
    before = here.clock
    for _ in range(20):
        here.budget.take("/scene")
    here.sampler.more("GET /scene", 20, TOKEN)
    waited = here.clock - before - here.orders[0][0].rounds * here.orders[0][0].period_s
    assert waited > 20, "the minute before was full"
    then = here.clock
    for _ in range(10):
        here.budget.take("/scene")
    assert here.clock - then > 10


def test_the_cap_is_kept(world):
    here = world(cap=60.0)
    assert len(here.sampler.more("GET /scene", 90, TOKEN).samples) == 27
    assert len(here.sampler.more("GET /scene", 90, TOKEN).samples) == 27
    assert len(here.sampler.more("GET /scene", 90, TOKEN, capped=False).samples) == 90


def test_a_generator_that_fell_behind_tries_again_and_then_says_so(world):
    here = world(exempt="127.0.0.9")
    here.lag = 5.0
    series = here.sampler.more("GET /health", 90, TOKEN)
    assert (len(series.samples), series.repeated, len(here.orders)) == (90, 2, 3)
    assert "P99 5.00 ms, 0.90 ms are allowed" in series.behind
    here.sampler.more("GET /health", 200, TOKEN)
    assert (len(here.orders), len(series.samples)) == (4, 200), "waiting did not help before"
    here.lag = 0.01
    assert here.sampler.more("GET /health", 500, TOKEN).behind, "late ones are among them still"


def test_a_busy_spell_is_waited_out(world):
    here = world(exempt="127.0.0.9")
    here.lags = [5.0, 5.0]
    then = here.clock
    assert len(here.sampler.more("GET /health", 90, TOKEN).samples) == 90
    measured = sum(order.rounds * order.period_s for order, _ in here.orders)
    assert here.clock - then - measured == pytest.approx(30), "10 s, then 20 s"
    here.lags = [5.0, 0.01]
    series = here.sampler.more("GET /health", 200, TOKEN)
    assert (len(series.samples), series.repeated) == (200, 3), "two lost before count no longer once samples were kept"


def test_a_delay_of_the_generator_costs_only_what_it_is_too_much_for(world):
    here = world(exempt="127.0.0.9", wishes={"GET /status": 90, "GET /scene": 90})
    here.sampler.more("GET /status", 30, TOKEN)
    here.lag = 0.7  # 5 % of 12 ms are 0.6, of 68 ms 3.4
    assert len(here.sampler.more("GET /scene", 90, TOKEN).samples) == 90
    assert not here.sampler.have("GET /scene").behind
    held, before = here.sampler.have("GET /status"), here.sampler.left("GET /status")
    assert (len(held.samples), held.in_a_row) == (30, 1), "what was measured in time still counts"
    assert before > 12_000, "what was thrown away does not count against the cap"
    assert here.sampler.more("GET /status", 90, TOKEN).behind


def test_one_endpoint_that_refuses_does_not_spoil_the_others(world):
    here = world(exempt="127.0.0.9", wishes={"GET /scene": 90, "GET /health": 90})
    here.statuses["GET /scene"] = "401"
    assert len(here.sampler.more("GET /health", 90, TOKEN).samples) == 90
    with pytest.raises(LookError, match="401"):
        here.sampler.more("GET /scene", 90, TOKEN)


def test_a_refusal_closes_the_address(world):
    here = world()
    here.statuses["GET /health"] = "429"
    with pytest.raises(LockedOut):
        here.sampler.more("GET /health", 90, TOKEN)
    then = here.clock
    here.budget.take("/status")
    assert here.clock - then > 50


def test_nobody_there(world):
    here = world(exempt="127.0.0.9")
    here.statuses["GET /health"] = "nobody"
    with pytest.raises(Unreachable, match="none of the first"):
        here.sampler.more("GET /health", 90, TOKEN)


def test_the_scene_is_put_back(world):
    here = world(exempt="127.0.0.9", scenes=("res://a.tscn", "res://b.tscn"))
    here.sampler.more("POST /scene", 10, TOKEN)
    assert len(here.orders[0][0].lanes[0].bodies) == 2
    assert here.posted == ["res://a.tscn"]


def test_scenes_are_not_loaded_while_somebody_plays(world):
    with pytest.raises(Undecided, match="2 sessions are active"):
        world(exempt="127.0.0.9", maintenance=False).sampler.more("POST /scene", 10, TOKEN)


def test_a_scene_that_could_not_be_put_back_is_left_alone(world):
    here = world(exempt="127.0.0.9", scenes=("res://b.tscn",))
    with pytest.raises(Undecided, match="could not be put back"):
        here.sampler.more("POST /scene", 10, TOKEN)
    assert not here.orders


def test_orders_say_how_long_they_take(world):
    here = world(exempt="127.0.0.9")
    here.sampler.more("GET /health", 90, TOKEN)
    assert load.seconds_of(here.orders[0][0]) == pytest.approx(100 * 0.036 + 0.6)


def test_a_refused_token_is_not_sent_again_and_again(world):
    here = world(exempt="127.0.0.9")
    here.status = 401
    with pytest.raises(LookError, match=r"the token is refused \(401\) on /scene, so nothing is measured"):
        here.sampler.more("GET /health", 90, TOKEN)
    assert not here.orders


def test_endpoints_of_the_target_file_are_measured_along(tmp_path, monkeypatch):
    world = World(tmp_path, wishes={"GET /mine": 90, "GET /metrics": 2, "GET /health": 90}, endpoints=("/mine",))
    monkeypatch.setattr(load, "send", world.send)
    world.sampler.more("GET /health", 20, TOKEN)

    assert world.orders[0][1] == ["GET /health", "GET /mine"]
    assert sampler.paced_by("GET /mine") == sampler.paced_by("GET /scenes")


def test_a_timeout_counts_though_its_batch_is_thrown_away(world):
    """Ten seconds without an answer are not the generator's doing."""
    here = world(exempt="127.0.0.9")
    here.lag, here.statuses["GET /health"] = 40.0, "timeout"
    series = here.sampler.more("GET /health", 90, TOKEN)

    assert series.repeated == 2
    assert series.timeouts == sum(order.rounds for order, _ in here.orders) > 0
