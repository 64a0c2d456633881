"""logrotate's rules: for how many days at least rotated logs of a folder are kept."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from preflight.errors import LookError
from preflight.probes.host import Host, read_text
from preflight.redact import printable

FOLDER = "/etc/logrotate.d"
CONF = "/etc/logrotate.conf"
_PERIOD_DAYS = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 28.0, "yearly": 365.0, "size": 1.0}
"""Days a rotation stands for, at least: logrotate itself runs once a day, so `size` rotates once a day at most."""


@dataclass(frozen=True)
class Rule:
    """One block: the paths it is for, and the days its files are kept at least."""

    file: str
    patterns: tuple[str, ...]
    days: float


def rules_for(host: Host, folder: str) -> list[Rule]:
    """The rules that rotate files of a folder; none when the host has no logrotate. Raises LookError for a broken file."""
    if host.facts(FOLDER) is None:
        return []
    probe = f"{folder.rstrip('/')}/audit.log"
    main = read_text(host, CONF) if host.facts(CONF) is not None else ""
    found: list[Rule] = []
    for name in host.listing(FOLDER):
        path = f"{FOLDER}/{name}"
        facts = host.facts(path)
        if facts is not None and not facts.is_folder:
            try:
                rules = parse(read_text(host, path), path, main)
            except ValueError as error:
                raise LookError(f"{path} can't be read as rules of logrotate: {printable(str(error), 80)}") from error
            found += [rule for rule in rules if any(_for(p, probe) for p in rule.patterns)]
    return found


def _for(pattern: str, path: str) -> bool:
    return fnmatch.fnmatchcase(path, pattern) or pattern.rpartition("/")[0] == path.rpartition("/")[0]


def parse(text: str, path: str = "", main: str = "") -> list[Rule]:
    """The rules of one file; what a block does not say itself it has from outside the blocks, of the file or of `main`.

    Scripts inside a block are left out; of two directives that exclude each other the last counts.
    Raises ValueError for a quotation that is not closed, or a number that is none.
    """
    around = _outside(_BLOCK.sub(r"\1\n", _bare(main)))
    rules = []
    for before, body in _BLOCK.findall(_bare(text)):
        around += _outside(before)
        paths = shlex.split(" ".join(line for line in before.splitlines() if _PATHS.match(line)))
        rules.append(Rule(path, tuple(paths), _days([*around, *body.splitlines()])))
    return rules


_BLOCK = re.compile(r"([^{}]*)\{([^{}]*)\}")
_PATHS = re.compile(r"\s*[\"']?/")


def _outside(text: str) -> list[str]:
    return [line for line in text.splitlines() if not _PATHS.match(line)]


def _bare(text: str) -> str:
    text = re.sub(r"(?m)^\s*#.*$", "", text)
    return re.sub(r"(?ms)^\s*(?:pre|post|first|last)(?:rotate|action|remove)\b.*?^\s*endscript\s*$", "", text)


def _days(lines: Sequence[str]) -> float:
    keep, period, oldest = 0.0, "daily", float("inf")
    for line in lines:
        words = line.replace("=", " ").split()
        if words and words[0] in _PERIOD_DAYS:
            period = words[0]
        elif len(words) > 1 and words[0] == "rotate":
            keep = float("inf") if words[1] == "-1" else float(words[1])
        elif len(words) > 1 and words[0] == "maxage":
            oldest = float(words[1])
    return min(keep * _PERIOD_DAYS[period], oldest)
