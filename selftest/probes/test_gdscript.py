"""GDScript settings: the value that is in force once the game has started."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.errors import LookError
from preflight.probes import gdscript

HEAD = "class_name Config\nextends RefCounted\n"


def value(text: str, name: str = "on") -> Any:
    found = gdscript.parse(HEAD + text).find(name)
    return None if found is None else found.value


@pytest.mark.parametrize(
    "text",
    [
        "static var on = true\n",
        "static var on: bool = true\n",
        "static var on := true\n",
        "const on = true\n",
        "@export var on = true\n",
        "@export\nvar on: bool = true\n",
        "var on = true  # on = false\n",
        "# static var on = false\nstatic var on = true\n",
        "var on = not false\n",
        "const YES = true\nvar on = YES\n",
        "var on = (true)\n",
        "var on = true;\n",
        "var on = false\nfunc _ready():\n\ton = true\n",
        "var on = false\nfunc _ready():\n\t_apply()\nfunc _apply():\n\tself.on = true\n",
        "static var on = false\nstatic func _static_init() -> void:\n\tConfig.on = true\n",
        'var on = false\nfunc _init():\n\tset("on", true)\n',
        "var on = true\nfunc _process(_delta):\n\ton = false\n",
        "var on = true\nfunc _ready():\n\tvar on = false\n\ton = false\n",
        "var on = true\nfunc _init(on = false):\n\ton = false\n",
        "var on = true\nclass Inner:\n\tvar on = false\n\tfunc _ready():\n\t\ton = false\n",
        "var on = true\nfunc _ready():\n\tother.on = false\n",
        'var text = """\nvar on = false\n"""\nvar on = true\n',
        "var on = true:\n\tset(new):\n\t\ton = false\n",
    ],
)
def test_value_in_force_is_true(text: str) -> None:
    assert value(text) is True
    assert value(text.replace("\n", "\r\n")) is True


@pytest.mark.parametrize(
    "text",
    [
        "static var on = false\n# static var on = true\n",
        "static var on = true\nstatic func _static_init():\n\ton = false\n",
        "var on = true\nfunc _ready():\n\ta()\nfunc a():\n\tb()\nfunc b():\n\ton = false\n",
        "var on = true\nfunc _enter_tree():\n\tself.set('on', false)\n",
        "var on = false\nfunc _process(_delta):\n\ton = true\n",
    ],
)
def test_value_in_force_is_false(text: str) -> None:
    assert value(text) is False


def test_a_branch_makes_a_value_possible_not_certain() -> None:
    found = gdscript.parse(HEAD + "var on = false\nfunc _ready():\n\tif OS.is_debug_build():\n\t\ton = true\n").find("on")

    assert found is not None
    assert found.value is False
    assert [(possible, line) for possible, line in found.possible] == [(True, 6)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("var on = 60 * 2\n", 120),
        ("var on = 1_000\n", 1000),
        ("var on = -5\n", -5),
        ("var on = 0x1F\n", 31),
        ("var on = 5 - 5\n", 0),
        ("var on = 7 / 2\n", 3),
        ("var on: float = 60.0\n", 60.0),
        ('var on = "127.0.0.1"\n', "127.0.0.1"),
        ("var on = '127.0.0.1'\n", "127.0.0.1"),
        ('var on = &"name"\n', "name"),
        ('var on = "https://" + "a.example"\n', "https://a.example"),
        ('var on: Array[String] = [\n\t"b",  # first\n\t"a",\n]\n', ["b", "a"]),
        ('var on = PackedStringArray(["a"])\n', ["a"]),
        ("var on = []\n", []),
        ("var on\n", None),
    ],
)
def test_values_are_worked_out(text: str, wanted: object) -> None:
    assert value(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        'var on = OS.get_environment("ON") == "1"\n',
        "var on = true if Engine.is_editor_hint() else false\n",
        "var on = 1\nfunc _ready():\n\ton += 1\n",
        'var on = ["a"]\nfunc _ready():\n\ton.append("*")\n',
    ],
)
def test_what_only_the_game_knows_is_not_guessed(text: str) -> None:
    with pytest.raises(LookError, match="computed"):
        value(text)


def test_declared_twice_is_noticed() -> None:
    found = gdscript.parse("var on = true\nvar on = false\n").find("on")

    assert found is not None
    assert found.declared == 2


def test_what_does_not_parse_is_said_to_be_so() -> None:
    with pytest.raises(LookError, match=r"does not parse \(line 3\)"):
        gdscript.parse("var on = true\n\nstatic var = true (\n")


@given(st.integers(0, 10**9), st.booleans())
def test_any_number_and_switch_is_read_back(number: int, on: bool) -> None:
    text = f"var number: int = {number}\nvar on := {str(on).lower()}\n"

    assert value(text, "number") == number
    assert value(text) is on
