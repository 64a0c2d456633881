"""Statuses in colour, on a terminal that has it; apart from `terminal`, so that collecting the checklist needs no rich."""

from __future__ import annotations

from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.theme import Theme


class _Statuses(RegexHighlighter):
    """Colours a status where it begins a line, and the verdict; the word itself stays the sign."""

    highlights = (
        r"(?m)^(?P<good>PASS|WAIVED)\b",
        r"(?m)^(?P<open>WARN|PENDING)\b",
        r"(?m)^(?P<bad>FAIL|ERROR)\b",
        r"(?m)^Verdict .*: (?P<verdict>.*)$",
    )


_THEME = Theme({"good": "green", "open": "yellow", "bad": "bold red", "verdict": "bold"})


def console() -> Console:
    """Standard output, with statuses coloured where it is a terminal."""
    return Console(theme=_THEME, highlighter=_Statuses(), markup=False, emoji=False, soft_wrap=True)
