"""The web dashboard and its three new buttons.

Checklist lines 169-174, 1372.
"""

from preflight.fixtures import item, not_built


@item("HLT-WEB-01")
def test_page_loads_without_errors():
    """The web dashboard loads without errors."""
    not_built()


@item("HLT-WEB-02")
def test_page_writes_no_console_errors():
    """The web dashboard writes no JavaScript errors to the console."""
    not_built()


@item("HLT-WEB-03")
def test_three_buttons_are_visible():
    """The web dashboard shows its three new buttons."""
    not_built()


@item("HLT-WEB-04")
def test_buttons_do_what_they_say():
    """Each of the three buttons does what it says."""
    not_built()


@item("HLT-WEB-05")
def test_buttons_work_by_keyboard():
    """The three buttons can be reached and pressed by keyboard."""
    not_built()
