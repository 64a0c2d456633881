"""What people said, as the record keeps it: each attestation, whether it counted, and its evidence beside the record."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from preflight.checklist import Item
from preflight.people import Attestation, said, sha256

FOLDER = "evidence"


class WordUse(BaseModel):
    """An attestation and what became of it. `file`: its evidence, relative to the folder of the record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: Attestation
    counts: bool
    why_not: str
    # a record may come from anywhere: a name that leads out of its folder is no name of evidence
    file: str = Field(default="", pattern=r"^(evidence/[0-9a-f]{12}-[\w.() -]+)?$")


def word_uses(
    words: Sequence[Attestation], items: Mapping[str, Item], looked: set[str], *, build: str, at: datetime, folder: Path
) -> list[WordUse]:
    """What became of each word on an item that was looked at. `folder`: what evidence paths are relative to."""
    uses = []
    for word in words:
        if word.item not in looked:
            continue
        item = items[word.item]
        try:
            defect = said(item, [word], build, at, folder).why_not
            decides = said(item, words, build, at, folder).word
        except OSError as error:
            defect, decides = f"the evidence {word.evidence} can't be read ({error.strerror})", None
        why_not = defect or ("" if decides == word else "a newer one decides")
        file = copied_to(word) if not defect else ""
        # a path of the machine that looked says nothing to a reader, and more than it should
        kept = word.model_copy(update={"evidence": Path(word.evidence.name)}) if word.evidence else word
        uses.append(WordUse(word=kept, counts=not why_not, why_not=why_not, file=file))
    return uses


def copied_to(word: Attestation) -> str:
    """Where the evidence of a word is copied, relative to where the word is kept; empty when it has none."""
    if word.evidence is None or word.evidence_sha256 is None:
        return ""
    digest = word.evidence_sha256[:12]
    name = re.sub(r"[^\w.() -]", "_", word.evidence.name.removeprefix(f"{digest}-"))
    return f"{FOLDER}/{digest}-{name[-100:]}"


def copy_evidence(words: Sequence[Attestation], source: Path, folder: Path, wanted: set[str]) -> None:
    """Copy the evidence that the record names (`wanted`) beside it. Raises OSError."""
    for word in words:
        name = copied_to(word)
        if word.evidence is not None and name in wanted:
            copy(source / word.evidence, folder / name)


def copy(source: Path, place: Path) -> None:
    """Copy a file so that it is there whole or not at all. Raises OSError."""
    if place.exists() and sha256(place) == sha256(source):
        return
    place.parent.mkdir(exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
