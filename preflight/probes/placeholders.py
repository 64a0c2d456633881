"""Placeholders that somebody forgot to replace: `<SECURE_PASSWORD>`, `changeme`, `[Name, Phone, Email]`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from preflight.probes.host import Host, read_text

_ANGLES = re.compile(r"(?<![?\\\w(])<(?:[A-Z][A-Z0-9]*(?:[ _-][A-Z0-9]+)+|[a-z][a-z0-9]*(?:[_-][a-z0-9]+)+|[A-Z]{3,})>")
_WORDS = re.compile(r"(?i)\b(?:change_?me|replace_?me|to_?be_?(?:done|filled|replaced)|your[_-][\w-]+[_-]here|xxxx+|fixme)\b")
_COMMENT = re.compile(r"(?:^|\s)(?:#|;|//).*$")


def in_text(text: str) -> Iterator[tuple[int, str]]:
    """Line number and words of each placeholder outside comments."""
    for number, line in enumerate(text.splitlines(), 1):
        bare = line if re.match(r"\s*\w+\s*[=:]", line) and "#" not in line else _COMMENT.sub("", line)
        for found in (*_ANGLES.finditer(bare), *_WORDS.finditer(bare)):
            yield number, found[0]


def in_files(host: Host, paths: list[str]) -> tuple[list[str], int]:
    """Every placeholder in the files that are there, as "what in file line n", and how many files were read."""
    found, files = [], 0
    for path in paths:
        facts = host.facts(path)
        if facts is not None and not facts.is_folder:
            files += 1
            found += [f"{words} in {path} line {number}" for number, words in in_text(read_text(host, path))]
    return found, files
