"""The web dashboard and its three new buttons.

Checklist lines 169-174, 1372.
"""

from preflight.fixtures import item
from preflight.probes import scenes


@item("HLT-WEB-01")
def test_page_loads_without_errors(dashboard):
    """The web dashboard loads without errors: the page and all that it asks for."""
    assert not dashboard.missing, dashboard.missing
    assert not dashboard.failed, f"requests of the page failed: {'; '.join(map(str, dashboard.failed[:5]))}"


@item("HLT-WEB-02")
def test_page_writes_no_console_errors(dashboard, evidence):
    """The web dashboard writes no JavaScript errors to the console, whatever the browser's language."""
    assert not dashboard.missing, dashboard.missing

    for locale, errors in dashboard.errors.items():
        evidence.judge("console_errors", len(errors), where=f"{locale}: {'; '.join(errors[:3])}" if errors else locale)


@item("HLT-WEB-03")
def test_three_buttons_are_visible(dashboard, evidence):
    """The web dashboard shows its three new buttons."""
    assert not dashboard.missing, dashboard.missing
    broken = {
        button.name: "is not there" if not button.there else "can't be seen" if not button.visible else "is disabled"
        for button in dashboard.buttons
        if not (button.there and button.visible and button.enabled)
    }

    evidence.fact("buttons", ", ".join(button.name for button in dashboard.buttons if button.visible))
    assert not broken, "; ".join(f"{name} {what}" for name, what in broken.items())


@item("HLT-WEB-04")
def test_buttons_do_what_they_say(api, token, dashboard, evidence, request):
    """Each of the three buttons does what it says: the call it is there for, and Scene Info shows the scene."""
    assert not dashboard.missing, dashboard.missing
    scene = scenes.current(api, token)
    wrong = []
    for press in request.getfixturevalue("presses"):
        for call in press.calls:
            if call.answer is not None:
                evidence.request(call.answer)
        evidence.fact(press.button, "; ".join(map(str, press.calls)) or "sent nothing")
        if press.unwanted:
            wrong.append(f"{press.button} sends {press.unwanted[0]}")
        elif press.errors:
            wrong.append(f"{press.button}: {press.errors[0]}")
        elif not press.wanted:
            wrong.append(f"{press.button} does nothing")
        elif not press.wanted[0].good:
            wrong.append(f"{press.button} fails: {press.wanted[0]}")
        elif press.button == "Scene Info" and not press.shows(scene):
            wrong.append(f"{press.button} shows nothing of {scene or 'the answer'}")

    assert not wrong, "; ".join(wrong)


@item("HLT-WEB-05")
def test_buttons_work_by_keyboard(dashboard):
    """The three buttons can be reached and pressed by keyboard."""
    assert not dashboard.missing, dashboard.missing

    for button in dashboard.buttons:
        assert button.reached, f"{button.name} can't be reached with the Tab key"
        assert button.pressed, f"{button.name} does not answer to Enter or Space"
