"""Backups: what lies in their folder, archives read as a stream to their end, what the last run said."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from preflight.errors import LookError
from preflight.probes.host import FileFacts, Host, read_text, walk
from preflight.redact import printable
from preflight.target import Target

LARGEST = 8 * 1024**3
"""Archives over 8 GiB are not read through: that would take longer than a run may."""

_DAMAGE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError)
_ARCHIVE = re.compile(r"\.(?:tar(?:\.\w+)?|tgz|txz|tbz2?)$")


@dataclass(frozen=True)
class File:
    """One file of the backup folder."""

    path: str
    facts: FileFacts

    @property
    def name(self) -> str:
        """Its name without the folder."""
        return self.path.rpartition("/")[2]

    def age_hours(self, now: float) -> float:
        """Hours since it was written."""
        return (now - self.facts.modified) / 3600


@dataclass(frozen=True)
class Folder:
    """The backup folder, subfolders included; each list has the newest first."""

    project: tuple[File, ...]
    audit: tuple[File, ...]
    configuration: tuple[File, ...]
    incremental: tuple[File, ...]
    other: tuple[File, ...]


def folder(host: Host, target: Target) -> Folder:
    """What lies in the backup folder. Raises LookError when there is none."""
    place = target.facts.paths.backups
    if host.facts(place) is None:
        raise LookError(f"{place} is missing, so that no backup can be judged")
    kinds: dict[str, list[File]] = {name: [] for name in ("project", "audit", "configuration", "incremental", "other")}
    for path, facts in walk(host, place, depth=2):
        kinds[_kind(path.rpartition("/")[2])].append(File(path, facts))
    newest = {name: tuple(sorted(found, key=lambda file: -file.facts.modified)) for name, found in kinds.items()}
    return Folder(**newest)


def _kind(name: str) -> str:
    if re.search(r"(?i)\bincr|hourly", name):
        return "incremental"
    if name.startswith("env-") or name.endswith(".backup"):
        return "configuration"
    if _ARCHIVE.search(name):
        return "project" if name.startswith("godot") else "audit" if name.startswith("audit") else "other"
    return "other"


@dataclass(frozen=True)
class Archive:
    """What an archive holds: the names of its files; `broken` says why it could not be read to its end."""

    names: tuple[str, ...]
    broken: str = ""

    def holds(self, ending: str) -> bool:
        """Whether a file's path ends so."""
        return any(f"/{name}".endswith(ending) for name in self.names)


def read_archive(host: Host, file: File) -> Archive:
    """Read an archive as a stream to its end. Raises LookError when it can't be opened or is over 8 GiB."""
    if file.facts.size > LARGEST:
        raise LookError(f"{file.path} has {file.facts.size / 1024**3:.0f} GiB: too much to be read through")
    names: list[str] = []
    if not file.facts.size:
        return Archive((), "an empty file")
    with host.open(file.path) as raw:
        try:
            with _plain(raw) as plain:
                with tarfile.open(fileobj=plain, mode="r|") as archive:
                    names += [entry.name for entry in archive if entry.isfile()]
                # tarfile stops at the end mark; the checksum of the compression stands behind it
                while plain.read(1 << 20):
                    pass
        except _DAMAGE as error:
            return Archive(tuple(names), printable(f"{type(error).__name__}: {error}", 80))
    return Archive(tuple(names))


@contextmanager
def _plain(raw: IO[bytes]) -> Iterator[Any]:
    """The tar stream inside gzip, bzip2, xz or nothing, told by its first bytes."""
    magic = raw.read(6)
    raw.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=raw) as plain:
            yield plain
    elif magic.startswith(b"BZh"):
        with bz2.BZ2File(raw) as plain:
            yield plain
    elif magic.startswith(b"\xfd7zXZ"):
        with lzma.LZMAFile(raw) as plain:
            yield plain
    else:
        yield raw


def version_in(host: Host, file: File) -> str:
    """The text of the file VERSION in an archive, "" when it has none. Raises LookError when the archive is broken."""
    if not file.facts.size:
        raise LookError(f"{file.path} is an empty file")
    with host.open(file.path) as raw:
        try:
            with _plain(raw) as plain, tarfile.open(fileobj=plain, mode="r|") as archive:
                found = ""
                for entry in archive:
                    if entry.isfile() and f"/{entry.name}".endswith("/VERSION") and entry.name.count("/") <= 2:
                        content = archive.extractfile(entry)
                        found = content.read(200).decode("utf-8", "replace").strip() if content else ""
                return found
        except _DAMAGE as error:
            raise LookError(f"{file.path} can't be read to its end ({type(error).__name__})") from error


def days_of_installation(host: Host, target: Target, now: float) -> float:
    """For how many days at least the deployment has been there: the age of its oldest audit log."""
    place = target.facts.paths.audit_log.rstrip("/")
    if host.facts(place) is None:
        return 0.0
    ages = [now - facts.modified for _, facts in walk(host, place, depth=1)]
    return max(ages, default=0.0) / 86400


def log_path(target: Target) -> str:
    """Where the scheduled run writes what it says: beside the game log (checklist.md line 953)."""
    return f"{target.facts.paths.game_log.rpartition('/')[0]}/backup.log"


def last_words(host: Host, target: Target) -> list[str]:
    """The last lines of the backup log, the newest last; one empty line for an empty log. Raises LookError when there is none."""
    path = log_path(target)
    if host.facts(path) is None:
        raise LookError(f"{path} is missing: nothing says how the last backup ended")
    return [line.strip() for line in read_text(host, path).splitlines() if line.strip()][-20:] or [""]


def disk_used(host: Host, path: str) -> float:
    """How full the disk is that a folder lies on, in %. Raises LookError when `df` does not say."""
    said = host.run("disk", ".", folder=path)
    found = re.search(r"\s(\d+)%\s", said.output)
    if said.status != 0 or not found:
        raise LookError(f"df says nothing of {path}: {printable(said.output, 120)}")
    return float(found[1])


def previous_version(host: Host, kept: Folder, build: str, deployed_at: datetime | None) -> tuple[str, list[str]]:
    """An archive with an earlier version than `build`, with what it is, and the archives that could not be read.

    Releases kept apart are looked at first, then the newest backups from before the deployment, six archives at most.
    """
    moment = deployed_at.timestamp() if deployed_at else time.time()
    releases = [file for file in kept.other if _ARCHIVE.search(file.name)]
    before = [file for file in kept.project if file.facts.modified < moment]
    broken: list[str] = []
    for file in [*releases[:4], *before[:2]]:
        try:
            version = version_in(host, file)
        except LookError as error:
            broken.append(str(error))
            continue
        if version and version.lstrip("v") != build.lstrip("v"):
            return f"{version} in {file.path}", broken
    return "", broken
