"""The web dashboard in a real browser: what it writes to the console, its three buttons, and what they do.

The page holds a token that opens nothing; the operator's takes its place on the way out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from preflight.errors import LookError
from preflight.probes import browser
from preflight.probes.api import Api
from preflight.probes.http import Answer
from preflight.probes.pagecalls import Call, Carrier, reads_only
from preflight.redact import Secret, printable

PATH = "/web/scene_manager.html"
BUTTONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Scene Info": (("GET", "/scene"), ("PUT", "/scene")),  # the answer to a validation holds the scene's figures too
    "Validate Scene": (("PUT", "/scene"),),
    "Reload Scene": (("POST", "/scene/reload"),),
}
"""The buttons by the names of the checklist, and the calls that each is there for: one of them is enough."""
LOCALES = ("en-US", "de-DE")
"""Decimals with points, and with commas."""
_LOAD_S, _PRESS_S, _SETTLE_S = 20.0, 6.0, 0.4
_LOOK_S, _PRESSES_S = 90.0, 90.0
_MOST_TABS = 80
_SHOWN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzdGFuZC1pbiJ9.stand-in-for-the-operators-token"
_MARK = "(e, name) => { e.preflightName = name; }"
_FOCUSED = "() => (document.activeElement && document.activeElement.preflightName) || ''"
_WATCH_CLICKS = """() => {
  window.preflightClicks = [];
  window.addEventListener("click", (event) => {
    for (let e = event.target; e; e = e.parentElement) {
      if (e.preflightName) { window.preflightClicks.push(e.preflightName); }
    }
    event.stopImmediatePropagation();
    event.preventDefault();
  }, true);
}"""


@dataclass(frozen=True)
class Button:
    """One of the three, as it stands on the loaded page. `pressed`: by keyboard; nothing was sent."""

    name: str
    there: bool = False
    visible: bool = False
    enabled: bool = False
    reached: bool = False
    pressed: bool = False


@dataclass(frozen=True)
class Look:
    """The page, loaded and left alone. `errors`: by locale, uncaught exceptions and what the script logged as an error."""

    loaded: bool
    calls: tuple[Call, ...]
    errors: Mapping[str, tuple[str, ...]]
    buttons: tuple[Button, ...]
    screenshot: bytes

    @property
    def document(self) -> Call:
        """The request of the page itself. Raises LookError when the browser never asked."""
        for call in self.calls:
            if call.path.startswith(PATH):
                return call
        raise LookError("the browser did not ask for the page")

    @property
    def missing(self) -> str:
        """Why there is no dashboard to look at; empty when there is one: any of its buttons tells it from other pages."""
        if not self.document.good:
            return f"the page does not load: {self.document}"
        if not self.loaded:
            return f"the page did not finish loading in {_LOAD_S:g} s"
        return "" if any(button.there for button in self.buttons) else f"{self.document}, but that is not the dashboard"

    @property
    def answers(self) -> list[Answer]:
        """Every answer that the page had."""
        return [call.answer for call in self.calls if call.answer is not None]

    @property
    def failed(self) -> list[Call]:
        """Requests without success, the browser's own for an icon aside."""
        return [call for call in self.calls if not call.good and not call.path.startswith("/favicon")]


@dataclass(frozen=True)
class Press:
    """What came of one click."""

    button: str
    calls: tuple[Call, ...]
    errors: tuple[str, ...]
    before: str
    after: str

    @property
    def wanted(self) -> list[Call]:
        """The calls that this button is there for."""
        return [call for call in self.calls if (call.method, call.path.split("?")[0]) in BUTTONS[self.button]]

    @property
    def unwanted(self) -> list[Call]:
        """Calls that were stopped: this button must not make them."""
        return [call for call in self.calls if call.stopped]

    def shows(self, scene: str) -> bool:
        """Whether the page names that scene (a `res://` path) more often than before; for "" whether it says something else."""
        name = PurePosixPath(scene).stem.lower()
        return self.after.lower().count(name) > self.before.lower().count(name) if name else self.after != self.before


@dataclass
class _Tab:
    """An open page and what it says."""

    page: Any
    errors: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    loaded: bool = False

    def text(self) -> str:
        """What the page shows, with what it said in dialogs."""
        return "\n".join([str(self.page.locator("body").inner_text(timeout=3000)), *self.spoken])


def look(api: Api, token: Secret) -> Look:
    """Load the page in each locale; nothing is pressed but by keyboard, where the press is caught before the page has it.

    Raises Undecided without a browser, LookError when it can't be steered or the suite is locked out.
    """
    errors: dict[str, tuple[str, ...]] = {}
    buttons: tuple[Button, ...] = ()
    screenshot, loaded = b"", True
    carrier = Carrier(api, token, _SHOWN)
    with _steered(_LOOK_S, carrier) as chromium:
        for locale in LOCALES:
            tab = _open(chromium, carrier, locale)
            loaded = loaded and tab.loaded
            errors[locale] = tuple(tab.errors)
            if not loaded:
                break
            if locale == LOCALES[0]:
                screenshot = tab.page.screenshot(timeout=10_000)
                buttons = _buttons(tab.page)
                # from here on the page may send nothing at all: only that it tried counts
                calls, carrier.calls = carrier.calls, []
                carrier.allowed = lambda *_: False
                buttons = _by_keyboard(tab.page, buttons, carrier)
                carrier.calls, carrier.allowed = calls, reads_only
            tab.page.context.close()
    return Look(loaded, tuple(carrier.calls), errors, buttons, screenshot)


def press(api: Api, token: Secret) -> list[Press]:
    """Click each button once, with the token typed in; a call that its button is not there for is stopped.

    Raises as `look` does, and LookError for a page that does not load.
    """
    carrier = Carrier(api, token, _SHOWN)
    presses: list[Press] = []
    with _steered(_PRESSES_S, carrier) as chromium:
        tab = _open(chromium, carrier, LOCALES[0])
        if not tab.loaded:
            raise LookError(f"{PATH} does not load, so nothing could be pressed")
        field_ = tab.page.get_by_label(re.compile("token", re.IGNORECASE)).or_(tab.page.locator("input[type=password]"))
        if field_.count():
            field_.first.fill(_SHOWN, timeout=3000)
        for name, wanted in BUTTONS.items():
            carrier.allowed = lambda method, path, own=wanted: reads_only(method, path) or (method, path) in own  # type: ignore[misc]
            presses.append(_clicked(tab, carrier, name))
    return presses


def _clicked(tab: _Tab, carrier: Carrier, name: str) -> Press:
    from playwright.sync_api import TimeoutError as TooLong

    before, sent, failed = tab.text(), len(carrier.calls), len(tab.errors)

    def so_far() -> Press:
        return Press(name, tuple(carrier.calls[sent:]), tuple(tab.errors[failed:]), before, tab.text())

    try:
        _find(tab.page, name).click(timeout=3000)
    except TooLong:
        return Press(name, (), ("it can't be clicked",), before, before)
    for _ in range(int(_PRESS_S / _SETTLE_S)):
        tab.page.wait_for_timeout(1000 * _SETTLE_S)
        now = so_far()
        if now.wanted or now.unwanted or now.errors:
            break
    tab.page.wait_for_timeout(1000 * _SETTLE_S)
    return so_far()


def _buttons(page: Any) -> tuple[Button, ...]:
    found = []
    for name in BUTTONS:
        one = _find(page, name)
        there = one.count() > 0
        found.append(Button(name, there, there and one.is_visible(), there and one.is_enabled(timeout=3000)))
    return tuple(found)


def _find(page: Any, name: str) -> Any:
    """The button of that name; an element with the text where nothing has the role."""
    button = page.get_by_role("button", name=name, include_hidden=True)
    return (button if button.count() else page.get_by_text(name, exact=True)).first


def _by_keyboard(page: Any, buttons: tuple[Button, ...], carrier: Carrier) -> tuple[Button, ...]:
    """Go through the page with Tab and press what it asks for, with clicks caught before the page sees them."""
    reached: set[str] = set()
    pressed: set[str] = set()
    page.evaluate(_WATCH_CLICKS)
    for one in buttons:
        if one.there:
            _find(page, one.name).evaluate(_MARK, one.name, timeout=3000)
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        name = page.evaluate(_FOCUSED)
        if not name or name in reached:
            continue
        reached.add(name)
        for key in ("Enter", "Space"):
            tried = len(carrier.calls)
            page.keyboard.press(key)
            page.wait_for_timeout(50)
            if len(carrier.calls) > tried or name in page.evaluate("window.preflightClicks"):
                pressed.add(name)
                break
        if len(reached) == len(buttons):
            break
    return tuple(Button(b.name, b.there, b.visible, b.enabled, b.name in reached, b.name in pressed) for b in buttons)


def _open(chromium: Any, carrier: Carrier, locale: str) -> _Tab:
    """Load the page in a context that knows nothing of others."""
    from playwright.sync_api import Error
    from playwright.sync_api import TimeoutError as TooLong

    context = chromium.new_context(locale=locale, service_workers="block", viewport={"width": 1000, "height": 700})
    context.route("**/*", carrier)
    # a socket that is accepted and stays silent: a page that shows a stream is not looked at for it
    context.route_web_socket(re.compile(".*"), lambda _: None)
    tab = _Tab(context.new_page())
    tab.page.on("console", lambda message: _heard(tab, message))
    tab.page.on("pageerror", lambda error: tab.errors.append(printable(f"uncaught: {error}", 200)))
    tab.page.on("dialog", lambda dialog: _asked(tab, dialog))
    try:
        tab.page.goto(carrier.address(PATH), wait_until="load", timeout=1000 * _LOAD_S)
        tab.page.wait_for_timeout(1000 * _SETTLE_S)
        tab.loaded = True
    except TooLong:
        tab.errors.append(f"not loaded within {_LOAD_S:g} s")
    except Error:
        if carrier.calls and carrier.calls[-1].answer is not None:
            raise
    return tab


def _heard(tab: _Tab, message: Any) -> None:
    # a request that failed is known by itself, and the missing icon is nobody's error
    if message.type == "error" and not message.text.startswith("Failed to load resource"):
        place = message.location
        where = f" ({str(place.get('url', '')).rpartition('/')[2]}:{place.get('lineNumber', 0) + 1})"
        tab.errors.append(printable(message.text, 200) + where)


def _asked(tab: _Tab, dialog: Any) -> None:
    tab.spoken.append(dialog.message)
    dialog.accept()


@contextmanager
def _steered(seconds: float, carrier: Carrier) -> Iterator[Any]:
    """The browser under playwright. Raises LookError when it stops answering, LockedOut when the target locked us out."""
    with browser.started(seconds) as address:
        from playwright.sync_api import Error, sync_playwright

        try:
            with sync_playwright() as playwright:
                yield playwright.chromium.connect_over_cdp(address, timeout=20_000)
        except Error as error:
            raise LookError(f"the browser stopped answering at {PATH}: {printable(error.message, 160)}") from error
    if carrier.locked:
        raise carrier.locked
