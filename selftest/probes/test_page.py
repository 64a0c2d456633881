"""The look at a page in a real browser: pages that misbehave in ways the rehearsal's does not."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from preflight.budget import Budget
from preflight.errors import LookError, Undecided
from preflight.probes import browser, page
from preflight.probes.api import Api
from preflight.redact import Secret
from preflight.target import load

pytestmark = pytest.mark.skipif(
    browser.find() is None or find_spec("playwright") is None, reason=f"no browser at hand: {browser.HOW_TO_GET}"
)
TOKEN = "a-token-that-must-never-enter-the-browser"
BUTTONS = "".join(f"<button onclick=\"document.title='x'\">🔄 {name}</button>" for name in page.BUTTONS)


@pytest.fixture
def api_of(tmp_path: Path, serve: Callable[..., str]) -> Callable[..., Api]:
    def made(html: str, **others: bytes) -> Api:
        answers = {page.PATH: (200, {"Content-Type": "text/html; charset=utf-8"}, html.encode())}
        answers |= {f"/{name}": (200, {"Content-Type": "application/json"}, body) for name, body in others.items()}
        (tmp_path / "target.toml").write_text(
            f'name = "t"\nbuild = "1"\n[api]\nurl = "{serve(answers)}"\n[secrets]\ntoken = "env:T"\n'
        )
        return Api(load(tmp_path / "target.toml", {"T": TOKEN}), Budget(tmp_path / "budget.json", [""]), "selftest")

    return made


def test_another_host_is_not_asked_and_said(api_of: Callable[..., Api]) -> None:
    api = api_of(f'<script src="https://cdn.example.com/x.js"></script>{BUTTONS}')

    seen = page.look(api, Secret(TOKEN))

    assert [str(call) for call in seen.failed][:1] == ["GET https://cdn.example.com/x.js: another host, stopped"]
    assert set(api.sent) == {f"GET {page.PATH} 200"}


def test_a_page_that_only_loads_may_change_nothing(api_of: Callable[..., Api]) -> None:
    api = api_of(f"<script>fetch('/scene/reload', {{method: 'POST'}}).catch(() => 0)</script>{BUTTONS}")

    seen = page.look(api, Secret(TOKEN))

    assert [call for call in seen.calls if call.method == "POST" and call.stopped]
    assert not any(sent.startswith("POST") for sent in api.sent)


def test_a_page_that_never_ends_is_ended(api_of: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_LOAD_S", 2.0)
    monkeypatch.setattr(page, "_LOOK_S", 12.0)
    seen = page.look(api_of(f"{BUTTONS}<script>while (true) {{}}</script>"), Secret(TOKEN))

    assert not seen.loaded
    assert seen.document.good


def test_a_page_that_hangs_later_is_ended(api_of: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_LOOK_S", 6.0)
    html = f"{BUTTONS}<script>addEventListener('keydown', () => {{ while (true) {{}} }})</script>"

    with pytest.raises(LookError, match="stopped answering"):
        page.look(api_of(html), Secret(TOKEN))


def test_what_is_a_button_by_its_looks_only_is_seen_but_not_reached(api_of: Callable[..., Api]) -> None:
    divs = "".join(f'<div onclick="0">{name}</div>' for name in page.BUTTONS)
    seen = page.look(api_of(divs), Secret(TOKEN))

    assert all(button.visible and not button.reached for button in seen.buttons)
    assert seen.screenshot.startswith(b"\x89PNG")


def test_the_token_stays_outside_the_browser(api_of: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> None:
    script = """
      const field = () => document.getElementById("t").value;
      const ask = () => fetch("/scene", {headers: {Authorization: "Bearer " + field()}})
        .then((answer) => answer.json()).then((said) => { alert(said.scene_path + " " + field()); });
      document.querySelectorAll("button").forEach((one) => { one.onclick = ask; });"""
    scene = b'{"scene_path": "res://scenes/lobby.tscn"}'
    api = api_of(f'<label>API token<input id="t"></label>{BUTTONS}<script>{script}</script>', scene=scene)

    monkeypatch.setattr(page, "_PRESS_S", 1.2)
    presses = page.press(api, Secret(TOKEN))

    info = presses[0]
    assert info.wanted[0].answer is not None
    assert info.wanted[0].answer.sent_token
    assert info.shows("res://scenes/lobby.tscn")
    assert TOKEN not in repr(info.after)
    assert not presses[1].wanted


def test_a_token_sent_in_another_form_is_not_passed_on(api_of: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> None:
    script = "document.querySelectorAll('button')[0].onclick = () => fetch('/scene', {headers: {Authorization: 'Basic abc'}})"
    monkeypatch.setattr(page, "_PRESS_S", 1.2)
    presses = page.press(api_of(f"<body>{BUTTONS}<script>{script}</script>"), Secret(TOKEN))

    assert [call.stopped for call in presses[0].calls] == [True]


def test_without_a_browser_it_is_pending(api_of: Callable[..., Api], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(browser.VARIABLE, "")

    with pytest.raises(Undecided, match="no browser on this machine"):
        page.look(api_of(BUTTONS), Secret(TOKEN))
