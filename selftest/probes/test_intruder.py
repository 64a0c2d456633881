"""A refusal counts as the answer to an attack only where others are served meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from preflight.errors import LookError, Undecided
from preflight.probes.intruder import Intruder
from preflight.redact import Secret


class Server:
    """Answers with what `status` says of an address, of how often that has attacked before, and of whether it attacks now."""

    def __init__(self, status: Callable[[str, int, bool], int]) -> None:
        self._status = status
        self.attacks: dict[str, int] = {}
        self.asked: list[str] = []

    def ask(self, _method: str, path: str, *, address: str, **_: Any) -> SimpleNamespace:
        self.asked.append(address)
        attack = path != "/scene"
        status = self._status(address, self.attacks.get(address, 0), attack)
        self.attacks[address] = self.attacks.get(address, 0) + attack
        return SimpleNamespace(status_code=status)

    def get(self, path: str, **options: Any) -> SimpleNamespace:
        return self.ask("GET", path, **options)


def intruder(server: Server, addresses: int = 9) -> Intruder:
    left = [f"127.0.0.{n}" for n in range(10, 10 + addresses)]
    budget: Any = SimpleNamespace(fresh=lambda: [left.pop(0)] if left else [])
    api: Any = server
    return Intruder(api, budget, Secret("a-token-that-nobody-uses"))


def statuses(client: Intruder, times: int) -> list[int]:
    return [client.ask("GET", "/../secret").status_code for _ in range(times)]


def test_an_address_that_nobody_bans_is_kept() -> None:
    server = Server(lambda *_: 400)
    assert statuses(intruder(server), 3) == [400] * 3
    assert server.asked == ["127.0.0.10"] * 3


@pytest.mark.parametrize("banned", [429, 503])
def test_a_ban_for_what_was_sent_before_is_no_answer(banned: int) -> None:
    server = Server(lambda _, before, __: banned if before else 400)
    assert statuses(intruder(server), 3) == [400] * 3
    assert server.asked == [f"127.0.0.{n}" for n in (10, 10, 11, 11, 12)]


def test_a_refusal_of_the_attack_itself_is_one() -> None:
    server = Server(lambda _, before, attack: 429 if attack or before else 200)
    assert statuses(intruder(server), 3) == [429] * 3
    assert server.asked == [f"127.0.0.{n}" for n in (10, 11, 11, 12, 12, 13)], "an address for each, and one more"


def test_an_attack_that_brings_the_server_down_is_not_taken_for_a_ban() -> None:
    assert statuses(intruder(Server(lambda _, __, attack: 503 if attack else 200)), 2) == [503] * 2


def test_a_refusal_that_everybody_gets_is_none() -> None:
    with pytest.raises(LookError, match=r"127\.0\.0\.11 is refused \(429\) at its first request"):
        statuses(intruder(Server(lambda *_: 429)), 1)


def test_without_another_address_nobody_can_tell() -> None:
    with pytest.raises(Undecided, match="address"):
        statuses(intruder(Server(lambda _, __, attack: 429 if attack else 200), addresses=1), 1)
