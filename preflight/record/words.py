"""What people said, as the record keeps it: each attestation, whether it counted, and its evidence beside the record."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from preflight.checklist import Item
from preflight.people import Attestation, said

FOLDER = "evidence"


class WordUse(BaseModel):
    """An attestation and what became of it. `file`: its evidence, relative to the folder of the record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: Attestation
    counts: bool
    why_not: str
    file: str = ""


def word_uses(
    words: Sequence[Attestation], items: Mapping[str, Item], looked: set[str], *, build: str, at: datetime, folder: Path
) -> list[WordUse]:
    """What became of each word on an item that was looked at. `folder`: what evidence paths are relative to."""
    uses = []
    for word in words:
        if word.item not in looked:
            continue
        item = items[word.item]
        alone = said(item, [word], build, at, folder)
        decides = said(item, words, build, at, folder).word
        why_not = alone.why_not or ("" if decides == word else "a newer one decides")
        file = copied_to(word) if not alone.why_not else ""
        # a path of the machine that looked says nothing to a reader, and more than it should
        kept = word.model_copy(update={"evidence": Path(word.evidence.name)}) if word.evidence else word
        uses.append(WordUse(word=kept, counts=not why_not, why_not=why_not, file=file))
    return uses


def copied_to(word: Attestation) -> str:
    """Where the evidence of a word is copied, relative to where the word is kept; empty when it has none."""
    if word.evidence is None or word.evidence_sha256 is None:
        return ""
    return f"{FOLDER}/{word.evidence_sha256[:12]}-{word.evidence.name.removeprefix(word.evidence_sha256[:12] + '-')}"


def copy_evidence(words: Sequence[Attestation], source: Path, folder: Path, wanted: set[str]) -> None:
    """Copy the evidence that the record names (`wanted`) beside it. Raises OSError."""
    for word in words:
        name = copied_to(word)
        if word.evidence is not None and name in wanted:
            copy(source / word.evidence, folder / name)


def copy(source: Path, place: Path) -> None:
    """Copy a file so that it is there whole or not at all. Raises OSError."""
    if place.exists():
        return
    place.parent.mkdir(exist_ok=True)
    part = place.with_name(f".{place.name}.part")
    try:
        shutil.copyfile(source, part)
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)
