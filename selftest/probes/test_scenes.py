"""A scene that was let in is put back, though it is loaded only a moment later."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from preflight.errors import BadAnswer
from preflight.probes import scenes
from preflight.probes.http import Answer
from preflight.redact import Secret

TOKEN = Secret("a-token-that-nobody-uses")
BEFORE, DEBUG = "res://vr_main.tscn", "res://debug.tscn"


class Game:
    """Loads a scene `takes` looks after it was asked to; `refuses` is never loaded."""

    def __init__(self, takes: int = 2, refuses: str = "") -> None:
        self.now, self.takes, self.refuses = BEFORE, takes, refuses
        self.coming: list[tuple[int, str]] = []
        self.looks = 0
        self.sent: Counter[str] = Counter()
        self.posted: list[str] = []

    def get(self, *_: object, **__: object) -> Answer:
        self.looks += 1
        for due, scene in [one for one in self.coming if one[0] <= self.looks]:
            self.now = scene
            self.coming.remove((due, scene))
        return self.answer(f'{{"scene_path": "{self.now}", "status": "loaded"}}')

    def ask(self, method: str, path: str, body: dict[str, str], **_: object) -> Answer:
        self.posted.append(body["scene_path"])
        self.sent[f"{method} {path} 200"] += 1
        if body["scene_path"] != self.refuses:
            self.coming.append((self.looks + self.takes, body["scene_path"]))
        return self.answer('{"status": "loading"}')

    @staticmethod
    def answer(body: str) -> Answer:
        return Answer("GET", "https://t/scene", 200, (), body.encode(), 0.0, sent_token=True, curl="")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting takes no time, and 20 s are 20 looks."""
    clock = iter(range(100_000))
    monkeypatch.setattr(scenes.time, "sleep", lambda _: None)
    monkeypatch.setattr(scenes.time, "monotonic", lambda: float(next(clock)))


@pytest.mark.parametrize("takes", [1, 2, 3])
def test_what_was_let_in_is_put_back(takes: int) -> None:
    game: Any = Game(takes)
    with scenes.put_back(game, TOKEN) as before:
        scenes.load(game, TOKEN, DEBUG)

    assert before == BEFORE
    assert game.posted == [DEBUG, BEFORE]
    assert game.now == BEFORE


def test_what_was_refused_leaves_nothing_to_put_back() -> None:
    game: Any = Game()
    with scenes.put_back(game, TOKEN):
        game.sent["POST /scene 403"] += 1

    assert game.posted == []
    assert game.looks == 2


def test_a_scene_that_does_not_come_back_is_said() -> None:
    game: Any = Game(refuses=BEFORE)
    with pytest.raises(BadAnswer, match="load it by hand"), scenes.put_back(game, TOKEN):
        scenes.load(game, TOKEN, DEBUG)
