"""Frozen dataclasses to plain JSON data and back, by their type hints; unknown keys are errors."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """The dataclass `value` as dicts, lists and scalars that JSON can hold."""
    return dataclasses.asdict(value)


def from_plain(kind: type[T], data: dict[str, Any]) -> T:
    """The dataclass of type `kind` that `to_plain` gave `data` for. Raises TypeError for unknown keys."""
    hints = typing.get_type_hints(kind)
    unknown = data.keys() - hints.keys()
    if unknown:
        raise TypeError(f"{kind.__name__} knows no {', '.join(sorted(unknown))}")
    return kind(**{name: _read(hints[name], value) for name, value in data.items()})


def _read(hint: Any, value: Any) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _read(next(a for a in args if a is not type(None)), value)
    if origin is tuple:
        return tuple(_read(args[0], part) for part in value)
    if origin is dict:
        return {key: _read(args[1], part) for key, part in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_plain(hint, value)
    return value
