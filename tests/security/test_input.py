"""Whatever is sent, the API answers properly and does nothing it should not.

Checklist lines 1203.
"""

from preflight.fixtures import item, not_built


@item("SEC-INPUT-01")
def test_scene_path_cannot_climb_out_of_the_project():
    """A scene path can't climb out of the project, however it is encoded."""
    not_built()


@item("SEC-INPUT-02")
def test_scene_outside_the_whitelist_is_refused():
    """A scene outside the whitelist is refused and not loaded."""
    not_built()


@item("SEC-INPUT-03")
def test_oversize_body_is_refused():
    """A body over the size limit is refused."""
    not_built()


@item("SEC-INPUT-04")
def test_broken_json_is_refused():
    """Broken JSON and a wrong content type are refused with 400."""
    not_built()


@item("SEC-INPUT-05")
def test_odd_input_upsets_nothing():
    """Odd input (NUL bytes, deep nesting, invalid UTF-8) brings neither a 5xx nor a dropped connection."""
    not_built()


@item("SEC-INPUT-06")
def test_unknown_method_is_refused_promptly():
    """Methods that the API does not know are refused promptly."""
    not_built()


@item("SEC-INPUT-07")
def test_input_is_never_run_as_a_script():
    """What a client sends is not run as a script by the web page or by an error answer."""
    not_built()


@item("SEC-INPUT-08")
def test_random_input_brings_nothing_down():
    """Random input never brings down an endpoint or makes it hang."""
    not_built()
