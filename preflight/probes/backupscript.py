"""The backup script: what it deletes after how many days, and whether it copies backups to another place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from preflight.errors import LookError
from preflight.probes.host import FileFacts, Host, read_text


@dataclass(frozen=True)
class Script:
    """The backup script: its text without comments, its variables."""

    path: str
    facts: FileFacts
    statements: tuple[str, ...]
    variables: dict[str, str]

    @property
    def executable(self) -> bool:
        """Whether its owner may execute it."""
        return bool(self.facts.mode & 0o100)

    def deletions(self) -> Iterator[tuple[str, float | None]]:
        """Statements that delete by age, each with the days it keeps at least (None where that can't be told)."""
        for statement in self.statements:
            if re.search(r"\bfind\b", statement) and re.search(r"-delete\b|\brm\b", statement):
                age = re.search(r"-(mtime|mmin)\s+[\"']?\+(\S+)", statement)
                days = self._number(age[2]) if age else None
                yield statement, days / 1440 if days is not None and age and age[1] == "mmin" else days

    def keeps_days(self) -> float | None:
        """The days that archives are kept at least; None where the script deletes nothing by age."""
        kept = [days for statement, days in self.deletions() if re.search(r"tar|\*|godot|audit", statement)]
        known = [days for days in kept if days is not None]
        return min(known) if known else None

    def deletes_configuration(self) -> bool:
        """Whether old copies of the environment file are deleted too."""
        named = (statement for statement, _ in self.deletions())
        return any(re.search(r"env|\.backup|-name\s+[\"']?\*[\"']?(?:\s|$)", s) or "-name" not in s for s in named)

    def copies_elsewhere(self) -> str:
        """The command that copies backups to another place, "" when there is none."""
        tools = r"\b(rclone|rsync|scp|sftp|restic|borg|duplicity|aws\s+s3|gsutil|az\s+storage|s3cmd|b2|mc\s+cp)\b"
        found = next((match for s in self.statements if "command -v" not in s and (match := re.search(tools, s))), None)
        return found[1] if found else ""

    def _number(self, word: str) -> float | None:
        word = word.strip("\"'")
        name = re.fullmatch(r"\$\{?(\w+)(?::-(\d+))?\}?", word.replace('"', "").replace("'", ""))
        if name:
            word = self.variables.get(name[1], name[2] or "")
        return float(word) if re.fullmatch(r"\d+(?:\.\d+)?", word) else None


def read(host: Host, path: str) -> Script:
    """The backup script. Raises LookError when it is missing or can't be read."""
    facts = host.facts(path)
    if facts is None:
        raise LookError(f"{path} is missing, so that what it does can't be judged")
    return parse(read_text(host, path), path, facts)


_DECLARES = ("export", "readonly", "local", "declare")
_ASSIGNS = r"(?:(?:export|readonly|local|declare\s+-\w+)\s+)?"


def parse(text: str, path: str, facts: FileFacts) -> Script:
    """A shell script's statements: continued lines joined, comments left out; plain assignments as variables.

    `NAME=${OTHER:-30}` is 30 where the script sets no OTHER: what it does when nobody says otherwise.
    """
    joined = text.replace("\\\n", " ")
    statements: list[str] = []
    variables: dict[str, str] = {}
    for line in joined.splitlines():
        bare = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not bare:
            continue
        statements.append(bare)
        for part in re.split(r"(?<!\\);|&&", bare):
            for one in _assignments(part.strip()):
                _assign(one, variables)
    return Script(path, facts, tuple(statements), variables)


def _assignments(part: str) -> list[str]:
    """The assignments of a statement that holds several (`readonly a=1 b="2"`); otherwise the statement as it stands."""
    words = re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", part)
    first = next((n for n, word in enumerate(words) if word not in _DECLARES and not word.startswith("-")), len(words))
    several = words[first:]
    return several if len(several) > 1 and all(re.match(r"\w+=", word) for word in several) else [part]


def _assign(part: str, variables: dict[str, str]) -> None:
    """Take an assignment in; what a command says stays as it stands, and is no number."""
    plain = re.fullmatch(rf"{_ASSIGNS}(\w+)=[\"']?([^\"'$`]*)[\"']?", part)
    default = re.fullmatch(rf"{_ASSIGNS}(\w+)=\"?\$\{{(\w+):?[-=](\d+)\}}\"?", part)
    unless = re.fullmatch(r":\s+\"?\$\{((\w+)):?=(\d+)\}\"?", part)
    said = re.match(rf"{_ASSIGNS}(\w+)=(\"?(?:\$\(|`).*)", part)
    if plain:
        variables[plain[1]] = plain[2].strip()
    elif found := default or unless:
        variables[found[1]] = variables.get(found[2]) or found[3]
    elif said:
        variables[said[1]] = said[2]
