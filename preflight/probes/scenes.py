"""Scenes loaded and put back: only those of the operator's list, only while nobody plays."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from preflight.errors import BadAnswer, Undecided
from preflight.outcome import Reason
from preflight.probes.api import Api
from preflight.probes.http import Answer
from preflight.redact import Secret
from preflight.target import Target

_LOADED_WITHIN = 20.0
_LOOK_EVERY = 1.0
_TAKES = 3.0
_SESSIONS = ("active_sessions", "vr_active_sessions", "sessions", "players")


def current(api: Api, token: Secret) -> str:
    """The path of the loaded scene, "" for none. Raises BadAnswer when GET /scene does not say."""
    answer = api.get("/scene", token=token)
    said = answer.object()
    path = said.get("scene_path")
    if not isinstance(path, str):
        raise BadAnswer(f"GET /scene: {answer.status_code}, without a scene_path")
    return path


def load(api: Api, token: Secret, path: str) -> Answer:
    """POST /scene for `path`."""
    return api.ask("POST", "/scene", token=token, body={"scene_path": path})


def wait_until_loaded(api: Api, token: Secret, path: str) -> bool:
    """Whether GET /scene names `path` as loaded within twenty seconds."""
    until = time.monotonic() + _LOADED_WITHIN
    while True:
        said = api.get("/scene", token=token).object()
        if said.get("scene_path") == path and str(said.get("status", "loaded")).lower() == "loaded":
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_EVERY)


def must_be_free(api: Api, token: Secret, target: Target) -> None:
    """Nobody plays, or the operator declared maintenance. Raises Undecided otherwise."""
    if target.facts.manners.maintenance:
        return
    said = api.get("/status", token=token).object()
    counts = [said[name] for name in _SESSIONS if isinstance(said.get(name), int)]
    if not counts:
        raise Undecided(
            Reason.CONSENT, "nothing says that nobody plays: set [manners] maintenance = true while scenes may change"
        )
    if any(counts):
        raise Undecided(Reason.CONSENT, f"{max(counts)} session(s) are active; scenes are changed only while nobody plays")


def another(target: Target, now: str) -> str:
    """A scene of the operator's list that is not the loaded one. Raises Undecided when there is none."""
    others = [scene for scene in target.facts.manners.scenes if scene != now]
    if not others:
        raise Undecided(Reason.OPERATOR, "no scene to load: list some in [manners] scenes")
    return others[0]


@dataclass(frozen=True)
class Change:
    """A scene that was loaded for a moment. `looks`: how often GET /scene was asked for it."""

    scene: str
    before: str
    answer: Answer
    loaded: bool
    looks: int


def change_and_restore(api: Api, token: Secret, target: Target) -> Change:
    """Load another scene of the operator's list, and the one of before again.

    Raises Undecided where scenes may not change or none is listed, BadAnswer where the old one does not come back.
    """
    must_be_free(api, token, target)
    asked = api.sent["GET /scene 200"]
    with put_back(api, token) as before:
        scene = another(target, before)
        answer = load(api, token, scene)
        loaded = wait_until_loaded(api, token, scene)
    return Change(scene, before, answer, loaded, looks=api.sent["GET /scene 200"] - asked)


_INNER = re.compile(r"(?i)\b(?:internal|debug|tests?|dev|sandbox|editor|addons)\b|_(?:internal|debug|test)\b")
_INVENTED = ("res://tests/internal_tools.tscn", "res://addons/debug_menu/debug_menu.tscn")


def not_for_players(api: Api, token: Secret, target: Target) -> list[str]:
    """Scenes that no whitelist should hold: invented ones, and up to three listed ones whose names say internal or debug."""
    listed = api.get("/scenes?dir=res://&include_addons=true", token=token).object().get("scenes")
    paths = [str(s.get("path", "")) for s in listed if isinstance(s, dict)] if isinstance(listed, list) else []
    inner = [path for path in paths if _INNER.search(path) and path not in target.facts.manners.scenes]
    return [*_INVENTED, *inner[:3]]


def failed_loads(history: Answer) -> list[str]:
    """The last ten loads of GET /scene/history that failed, by path. Raises BadAnswer when it is no JSON."""
    said = history.json()
    entries = next((v for v in said.values() if isinstance(v, list)), []) if isinstance(said, dict) else said
    failed = []
    for entry in [e for e in entries if isinstance(e, dict)][-10:] if isinstance(entries, list) else []:
        verdict = str(entry.get("status", entry.get("result", ""))).lower()
        if entry.get("success") is False or verdict in ("failed", "error", "failure"):
            failed.append(str(entry.get("scene_path") or entry.get("scene") or entry.get("path") or "a scene"))
    return failed


@contextmanager
def put_back(api: Api, token: Secret) -> Iterator[str]:
    """Whatever is loaded inside, the scene of before is loaded again afterwards."""
    before, loaded = current(api, token), _loads(api)
    try:
        yield before
    finally:
        # a load that was let in is carried out a moment later, so that the scene named now may not be the one that stays
        if before and (_settled(api, token, before) if _loads(api) > loaded else current(api, token)) != before:
            load(api, token, before)
            if not wait_until_loaded(api, token, before):
                raise BadAnswer(f"{before} could not be loaded again; load it by hand")


def _loads(api: Api) -> int:
    return sum(count for call, count in api.sent.items() if call.startswith("POST /scene 2"))


def _settled(api: Api, token: Secret, before: str) -> str:
    """The scene a few seconds after a load was let in, or as soon as it is another one than `before`."""
    until = time.monotonic() + _TAKES
    while (now := current(api, token)) == before and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
    return now
