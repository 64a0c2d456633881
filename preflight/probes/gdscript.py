"""GDScript settings as gdtoolkit's parser reads them: the value that is in force once the game has started.

Godot initialises members from top to bottom, then runs `_static_init`, `_init`, `_enter_tree` and `_ready`. Whatever
these (and the functions of the same file that they call) assign replaces the declared value. An assignment inside a
branch or a loop may or may not happen: its value is kept apart, as a possible one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lark import Token, Tree
from lark.exceptions import LarkError

from preflight.errors import LookError
from preflight.probes.host import Host, read_text

_AT_START = ("_static_init", "_init", "_enter_tree", "_ready")
_BRANCHES = ("if_stmt", "while_stmt", "for_stmt", "for_stmt_typed", "match_stmt", "lambda")
_DECLARATIONS = ("class_var_stmt", "const_stmt")
_UNARY = ("neg_expr", "not_test", "asless_not_test", "actual_not_test", "asless_actual_not_test")
_CASTS = ("PackedStringArray", "Array", "bool", "int", "float", "String", "str")
_ARITHMETIC = ("mdr_expr", "arith_expr", "asless_mdr_expr", "asless_arith_expr")


@dataclass(frozen=True)
class Computed:
    """A value that only the running game knows."""

    expression: str


Value = bool | float | str | list[Any] | Computed | None


@dataclass
class Setting:
    """One variable of a script: the value in force, the line that sets it, and values that it may get besides."""

    value: Value
    line: int
    declared: int = 1
    possible: list[tuple[Value, int]] = field(default_factory=list)


class Script:
    """The settings of one GDScript file."""

    def __init__(self, path: str, settings: dict[str, Setting]) -> None:
        self.path = path
        self._settings = settings

    def find(self, name: str) -> Setting | None:
        """A setting by its name; None when no declaration has it.

        Raises LookError when its value is computed, so that no parser can tell it.
        """
        found = self._settings.get(name)
        for value in [found.value, *(value for value, _ in found.possible)] if found else []:
            if isinstance(value, Computed):
                raise LookError(f"{name} in {self.path} is computed when the game runs ({value.expression}): read it there")
        return found


def read(host: Host, path: str) -> Script:
    """The script at `path`. Raises LookError when it is missing, can't be read or does not parse."""
    if host.facts(path) is None:
        raise LookError(f"{path} is missing, so that none of its settings can be judged")
    return parse(read_text(host, path), path)


def parse(text: str, path: str = "the script") -> Script:
    """The settings of a script's text. Raises LookError when it does not parse."""
    from gdtoolkit.parser import parser

    try:
        tree = parser.parse(text.removeprefix("\ufeff").rstrip() + "\n", gather_metadata=True)
        return Script(path, _settings(tree))
    except (LarkError, RecursionError, OverflowError) as error:  # nested too deep, or a number that no float can hold
        line = getattr(error, "line", None)
        raise LookError(f"{path} does not parse{f' (line {line})' if line else ''}: no value in it is certain") from error


def _settings(tree: Tree[Token]) -> dict[str, Setting]:
    """The settings that a script's tree declares, after what runs at its start."""
    settings: dict[str, Setting] = {}
    functions: dict[str, Tree[Token]] = {}
    names = {"self"}
    for node in _members(tree):
        if node.data == "classname_stmt":
            names.add(str(node.children[0]))
        elif node.data in _DECLARATIONS:
            _declare(node, settings)
        elif node.data == "func_def":
            header = node.children[0]
            if isinstance(header, Tree):
                functions[str(header.children[0])] = node
    run = _Run(settings, functions, names)
    for name in _AT_START:
        run.call(name, certain=True)
    return settings


def _members(tree: Tree[Token]) -> Iterator[Tree[Token]]:
    """The statements of the file's own class, out of the wrappers for `static` and annotations."""
    for node in tree.children:
        if isinstance(node, Tree):
            if node.data in ("static_class_var_stmt", "static_func_def", "annotated_stmt"):
                yield from _members(node)
            else:
                yield node


def _declare(node: Tree[Token], settings: dict[str, Setting]) -> None:
    for part in node.children:
        if not isinstance(part, Tree) or not part.children:
            continue
        name = str(part.children[0])
        values = [child for child in part.children[1:] if isinstance(child, Tree) and child.data == "expr"]
        value = _value(values[0], settings) if values else None
        line = part.meta.line if not part.meta.empty else 0
        before = settings.get(name)
        settings[name] = Setting(value, line, declared=before.declared + 1 if before else 1)


class _Run:
    """What the functions that run at the start assign."""

    def __init__(self, settings: dict[str, Setting], functions: dict[str, Tree[Token]], names: set[str]) -> None:
        self._settings, self._functions, self._names = settings, functions, names
        self._running: list[str] = []

    def call(self, name: str, *, certain: bool) -> None:
        """Follow a function of the file; recursion is followed once."""
        if name in self._functions and name not in self._running:
            self._running.append(name)
            body = self._functions[name]
            header = body.children[0]
            hidden = {str(part) for part in header.scan_values(lambda _: True)} if isinstance(header, Tree) else set()
            self._follow(body.children[1:], certain=certain, local=hidden - {name})
            self._running.pop()

    def _follow(self, nodes: list[Any], *, certain: bool, local: set[str]) -> None:
        for node in nodes:
            if not isinstance(node, Tree):
                continue
            if node.data == "func_var_stmt":
                local |= {str(part.children[0]) for part in node.children if isinstance(part, Tree) and part.children}
            elif node.data == "assnmnt_expr":
                self._assign(node, certain=certain, local=local)
            elif node.data in ("standalone_call", "getattr_call"):
                self._called(node, certain=certain)
            else:
                inner = certain and node.data not in _BRANCHES
                self._follow(node.children, certain=inner, local=set(local) if not inner else local)

    def _assign(self, node: Tree[Token], *, certain: bool, local: set[str]) -> None:
        target, sign, *right = node.children
        name = self._named(target)
        if name is None or (name in local and not isinstance(target, Tree)) or name not in self._settings:
            return
        value = _value(right[0], self._settings) if str(sign) == "=" and right else Computed(f"{name} {sign} …")
        self._set(name, value, node, certain=certain)

    def _set(self, name: str, value: Value, node: Tree[Token], *, certain: bool) -> None:
        before = self._settings[name]
        line = node.meta.line if not node.meta.empty else before.line
        if certain:
            self._settings[name] = Setting(value, line, before.declared)
        else:
            before.possible.append((value, line))

    def _called(self, node: Tree[Token], *, certain: bool) -> None:
        name = self._named(node.children[0])
        arguments = [child for child in node.children[1:] if not isinstance(child, Token) or child.type != "COMMA"]
        if name in ("set", "set_deferred") and len(arguments) == 2:
            wanted = _value(arguments[0], self._settings)
            if isinstance(wanted, str) and wanted in self._settings:
                self._set(wanted, _value(arguments[1], self._settings), node, certain=certain)
        elif name is not None:
            self.call(name, certain=certain)
        else:
            self._changed_in_place(node, certain=certain)

    def _changed_in_place(self, node: Tree[Token], *, certain: bool) -> None:
        """`name.append(…)` and its like: what the list holds afterwards is not followed."""
        parts = [str(part) for part in node.children[0].scan_values(lambda _: True)] if isinstance(node.children[0], Tree) else []
        parts = parts[2:] if parts and parts[0] in self._names else parts
        changing = ("append", "push_back", "push_front", "append_array", "insert", "erase", "clear", "assign", "remove_at")
        if len(parts) == 3 and parts[0] in self._settings and parts[2] in changing:
            self._set(parts[0], Computed(f"{parts[0]}.{parts[2]}(…)"), node, certain=certain)

    def _named(self, target: Any) -> str | None:
        """The member that `name`, `self.name` or `ClassName.name` means."""
        if isinstance(target, Tree) and target.data == "getattr" and len(target.children) == 3:
            owner, _, name = target.children
            return str(name) if str(owner) in self._names else None
        return str(target) if isinstance(target, Token) else None


def _value(node: Any, settings: dict[str, Setting]) -> Value:  # noqa: PLR0911  # one line a kind of expression
    """What an expression comes to: literals, lists, simple arithmetic, names of the same file; else Computed."""
    if isinstance(node, Token):
        return _literal(str(node), settings)
    parts = [child for child in node.children if not (isinstance(child, Tree) and child.data == "trailing_comma")]
    if node.data in ("expr", "par_expr", "string_name", "node_path") and len(parts) == 1:
        return _value(parts[0], settings)
    if node.data in ("string", "rstring") and parts:
        return _text(str(parts[0]))
    if node.data == "array":
        values = [_value(part, settings) for part in parts if not (isinstance(part, Token) and part.type == "COMMA")]
        unknown = next((value for value in values if isinstance(value, Computed)), None)
        return unknown or values
    if node.data == "standalone_call" and str(parts[0]) in _CASTS:
        return _value(parts[1], settings) if len(parts) == 2 else [] if len(parts) == 1 else _computed(node)
    if node.data in _UNARY and len(parts) == 2:
        inner = _value(parts[1], settings)
        if str(parts[0]) in ("not", "!") and isinstance(inner, bool):
            return not inner
        return -inner if str(parts[0]) == "-" and isinstance(inner, int | float) else _computed(node)
    if node.data in _ARITHMETIC and len(parts) == 3:
        result = _arithmetic(parts, settings)
        return _computed(node) if result is None else result
    if node.data == "actual_type_cast" and parts:
        return _value(parts[0], settings)
    return _computed(node)


def _arithmetic(parts: list[Any], settings: dict[str, Setting]) -> Value:
    left, right = _value(parts[0], settings), _value(parts[2], settings)
    if isinstance(left, bool | Computed | list) or isinstance(right, bool | Computed | list) or left is None or right is None:
        return None
    sign = str(parts[1])
    if isinstance(left, str) or isinstance(right, str):
        return left + right if sign == "+" and isinstance(left, str) and isinstance(right, str) else None
    if sign == "/" and right:
        whole = isinstance(left, int) and isinstance(right, int)
        return int(left / right) if whole else left / right
    return {"+": left + right, "-": left - right, "*": left * right}.get(sign)


def _literal(word: str, settings: dict[str, Setting]) -> Value:
    if word in ("true", "false"):
        return word == "true"
    if word == "null":
        return None
    if word[:1] in "\"'&^":
        return _text(word.lstrip("&^"))
    number = word.replace("_", "").lower()
    if re.fullmatch(r"[+-]?\d{1,40}", number):
        return int(number)
    if re.fullmatch(r"[+-]?0[xb][0-9a-f]+", number):
        return int(number, 0)
    if re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", number):  # integers of over 40 digits too
        return float(number)
    return settings[word].value if word in settings else Computed(word[:60])


def _text(quoted: str) -> str:
    try:
        value = ast.literal_eval(quoted)
    except (SyntaxError, ValueError):
        return quoted.strip("\"'")
    return value if isinstance(value, str) else quoted.strip("\"'")


def _computed(node: Tree[Token]) -> Computed:
    return Computed(" ".join(str(part) for part in node.scan_values(lambda _: True))[:60])
