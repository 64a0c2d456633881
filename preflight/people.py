"""What only people can say: attestations and waivers, read and judged. Nothing here writes.

An attestation counts for one build, within its life, from a role that the item allows; a waiver for a mandatory or
warning item, until its date. Everything else says why it does not count.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from preflight.checklist import Item
from preflight.errors import UsageError
from preflight.outcome import Severity

M = TypeVar("M", bound=BaseModel)
_CLOCK_SKEW = timedelta(minutes=5)


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("give the time with its zone (…Z)")
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("that time is out of range") from error


When = Annotated[datetime, AfterValidator(_utc)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Attestation(BaseModel):
    """One person's word on one item."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    outcome: Literal["yes", "no"]
    who: str = Field(min_length=2)
    role: str = Field(min_length=2)
    when: When
    build: str
    note: str = ""
    evidence: Path | None = None
    evidence_sha256: Digest | None = None
    record_sha256: Digest | None = None


class Waiver(BaseModel):
    """A broken mandatory or warning limit that somebody answers for until a date."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    reason: str = Field(min_length=10)
    approver: str = Field(min_length=2)
    risk: str = Field(min_length=5)
    ticket: str = Field(min_length=1)
    until: When


class _Attestations(BaseModel):
    model_config = ConfigDict(extra="forbid")
    attestation: tuple[Attestation, ...] = ()


class _Waivers(BaseModel):
    model_config = ConfigDict(extra="forbid")
    waiver: tuple[Waiver, ...] = ()


def read_attestations(path: Path, items: Mapping[str, Item]) -> tuple[Attestation, ...]:
    """The attestations of a file; none when there is no file. Raises UsageError for what can't be read."""
    found = _read(path, _Attestations).attestation
    for entry in found:
        if entry.item not in items:
            raise UsageError(f"{path}: an attestation names the unknown item {entry.item}")
    return found


def read_waivers(path: Path, items: Mapping[str, Item]) -> tuple[Waiver, ...]:
    """The waivers of a file. Raises UsageError for one that names no item or a red flag."""
    found = _read(path, _Waivers).waiver
    for entry in found:
        item = items.get(entry.item)
        if item is None:
            raise UsageError(f"{path}: a waiver names the unknown item {entry.item}")
        if item.severity is Severity.RED_FLAG:
            raise UsageError(f"{path}: {entry.item} is a red flag and can't be waived; remove the waiver")
    return found


def _read(path: Path, model: type[M]) -> M:
    if not path.exists():
        return model()
    try:
        return model.model_validate(tomllib.loads(path.read_text("utf-8-sig")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: can't be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Said(BaseModel):
    """What the people have said of an item: the word that counts, or why none does."""

    model_config = ConfigDict(frozen=True)

    word: Attestation | None
    why_not: str


def said(item: Item, attestations: Sequence[Attestation], build: str, now: datetime, folder: Path) -> Said:
    """The newest attestation of `item` that counts for `build` at `now`.

    `folder`: what evidence paths are relative to. A word that does not count never hides an older one that does, but
    for a "no" whose evidence is gone; of two at the same moment "no" counts. When none counts, the newest one's
    defect is the reason.
    """
    mine = sorted((a for a in attestations if a.item == item.id), key=lambda a: (a.when, a.outcome == "no"), reverse=True)
    why_not = f"nobody has attested it; run: preflight attest {item.id}"
    for number, word in enumerate(mine):
        defect = _defect(word, item, build, now, folder)
        if not defect:
            return Said(word=word, why_not="")
        if number == 0:
            why_not = defect
        if word.outcome == "no" and defect.startswith("the evidence "):
            return Said(word=None, why_not=f"{word.who} said no, and {defect}")
    return Said(word=None, why_not=why_not)


def _defect(word: Attestation, item: Item, build: str, now: datetime, folder: Path) -> str:
    if word.build != build:
        return f"the attestation is for build {word.build}, this is {build}"
    if word.when > now + _CLOCK_SKEW:
        return f"the attestation is dated in the future ({word.when:%Y-%m-%d %H:%M} UTC)"
    if word.when + timedelta(days=item.life_days) < now:
        return f"the attestation of {word.when:%Y-%m-%d} has expired (life {item.life_days} days)"
    if word.role not in item.roles:
        return f"a {word.role} may not attest this; it takes: {', '.join(item.roles)}"
    if item.stage == "signoff" and word.record_sha256 is None:
        return "the sign-off does not name the record it was given on (record_sha256)"
    if (word.evidence is None) != (word.evidence_sha256 is None):
        return "evidence and evidence_sha256 go together"
    if word.evidence is not None:
        file = folder / word.evidence
        if not file.is_file():
            return f"the evidence {word.evidence} is missing"
        if sha256(file) != word.evidence_sha256:
            return f"the evidence {word.evidence} was changed after it was attested"
    return ""


class WaiverUse(BaseModel):
    """What became of a waiver in a run."""

    model_config = ConfigDict(frozen=True)

    waiver: Waiver
    counts: bool
    why_not: str


def in_force(waiver: Waiver, now: datetime) -> bool:
    """Whether the waiver has not yet expired."""
    return now <= waiver.until
