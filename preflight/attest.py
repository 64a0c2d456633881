"""`preflight attest` and `preflight waive`: what people say, refused where the rules refuse it, shown before it is kept."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel, ValidationError

from preflight.checklist import Item, load
from preflight.errors import UsageError, writing
from preflight.outcome import Verdict
from preflight.people import Attestation, Waiver, read_attestations, read_waivers, said, sha256
from preflight.record.read import folder_of
from preflight.record.read import read as read_record
from preflight.record.words import copied_to, copy
from preflight.record.write import atomic
from preflight.target import Target
from preflight.target import load as load_target

M = TypeVar("M", bound=BaseModel)


def attest(
    target_file: Path, item_id: str | None, source: Path | None, given: dict[str, str | None], ask: Callable[[str], str]
) -> int:
    """Add attestations: from a file of many, or one asked for question by question.

    Raises UsageError for an unknown item, one that nobody attests, and everything that would not count.
    """
    target = load_target(target_file)
    items = load().by_id
    file = target.beside(target.facts.people.attestations)
    if source is not None:
        if not source.is_file():
            raise UsageError(f"{source}: is not there")
        words = read_attestations(source, items)
        if not words:
            raise UsageError(f"{source}: holds no [[attestation]]")
    else:
        words = (_one(target, _manual(items, item_id), given, ask),)
    places = [file.parent] if source is None else [source.parent, file.parent]
    words = tuple(_hashed(word, places) for word in words)
    for word in words:
        item = _manual(items, word.item)
        answer = said(item, [word], target.facts.build, datetime.now(UTC), file.parent)
        if answer.word is None:
            raise UsageError(f"{word.item}: this would not count: {answer.why_not}")
    # a photo on somebody's stick is gone in a year: evidence is copied beside the attestations
    evidence = {file.parent / copied_to(word): word.evidence for word in words if word.evidence is not None}
    kept = [word.model_copy(update={"evidence": Path(copied_to(word))}) if word.evidence else word for word in words]
    sure = ask if given.get("yes") is None else _sure
    return _keep(file, "attestation", [*read_attestations(file, items), *kept], kept, sure, evidence=evidence)


def _hashed(word: Attestation, places: Sequence[Path]) -> Attestation:
    """The word with the hash and the whole path of its evidence; what is missing is refused by the rules, in their words."""
    found = next((place / word.evidence for place in places if word.evidence and (place / word.evidence).is_file()), None)
    if found is None:
        return word
    digest = sha256(found)
    if word.evidence_sha256 not in (None, digest):
        raise UsageError(f"{word.item}: {word.evidence} is not the file whose SHA-256 is given: it was changed")
    return word.model_copy(update={"evidence_sha256": digest, "evidence": found.absolute()})


def _manual(items: dict[str, Item], item_id: str | None) -> Item:
    if item_id is None or item_id not in items:
        raise UsageError(f"there is no item {item_id}; `pytest --checklist` lists them")
    item = items[item_id]
    if not item.manual:
        raise UsageError(f"{item_id} is looked at by the suite; nobody can attest it")
    return item


def _one(target: Target, item: Item, given: dict[str, str | None], ask: Callable[[str], str]) -> Attestation:
    print(f"{item.id}  {item.title}\nRoles that may say so: {', '.join(item.roles)}")
    outcome = given.get("outcome") or ask("Does it hold? (yes/no) ")
    role = given.get("role") or (item.roles[0] if len(item.roles) == 1 else ask("Your role: "))
    fields: dict[str, Any] = {
        "item": item.id,
        "outcome": outcome.strip().lower(),
        "who": given.get("who") or ask("Your name: "),
        "role": role.strip(),
        "when": datetime.now(UTC).replace(microsecond=0),
        "build": target.facts.build,
        "note": given["note"] if given.get("note") is not None else ask("A note, if any: "),
    }
    guided = given.get("note") is None
    shown = given.get("evidence") or (ask("A photo, film or paper that shows it, if any: ").strip() if guided else "")
    if shown:
        evidence = Path(shown)
        if not evidence.is_file():
            raise UsageError(f"{evidence}: the evidence is not there")
        fields |= {"evidence": evidence.absolute(), "evidence_sha256": sha256(evidence)}
    read = given.get("record") or (
        ask("The record you have read (its folder): ").strip() if guided and item.stage == "signoff" else ""
    )
    if read:
        fields["record_sha256"] = _record(Path(read), target, fields["outcome"])
    return _made(Attestation, fields)


def _record(path: Path, target: Target, outcome: str) -> str:
    """The SHA-256 of a record that a sign-off may be given on: of this target and build, of no rehearsal, and signable."""
    told = read_record(path)
    of = (told.target.name, told.target.build)
    if told.rehearsal or of != (target.facts.name, target.facts.build):
        kind = "a rehearsal" if told.rehearsal else f"{of[0]}, build {of[1]}"
        raise UsageError(f"{path} is a record of {kind}, not of {target.facts.name}, build {target.facts.build}")
    if outcome == "yes" and told.verdict in (Verdict.NO_GO, Verdict.INVALID):
        raise UsageError(f"{path} says {told.verdict}: mend what blocks it, and sign on a new record")
    return sha256(folder_of(path) / "record.json")


def waive(target_file: Path, item_id: str, given: dict[str, str | None], ask: Callable[[str], str]) -> int:
    """Add a waiver. Raises UsageError for a red flag, an unknown item, and a date that has passed."""
    target = load_target(target_file)
    items = load().by_id
    if item_id not in items:
        raise UsageError(f"there is no item {item_id}; `pytest --checklist` lists them")
    if items[item_id].severity == "red_flag":
        raise UsageError(f"{item_id} is a red flag and can't be waived")
    fields = {
        name: given.get(name) or ask(f"{name.capitalize()}: ") for name in ("reason", "approver", "risk", "ticket", "until")
    }
    try:
        until = datetime.fromisoformat(fields["until"])
    except ValueError as error:
        raise UsageError(f"until: {fields['until']!r} is no date (2026-01-31 or 2026-01-31T12:00:00Z)") from error
    waiver = _made(Waiver, {**fields, "item": item_id, "until": until if until.tzinfo else until.replace(tzinfo=UTC)})
    if waiver.until <= datetime.now(UTC):
        raise UsageError(f"until: {fields['until']} has passed; such a waiver does not count")
    file = target.beside(target.facts.people.waivers)
    return _keep(file, "waiver", [*read_waivers(file, items), waiver], [waiver], ask if given.get("yes") is None else _sure)


def _made(model: type[M], fields: dict[str, Any]) -> M:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}") from error


def _keep(
    file: Path,
    name: str,
    every: Sequence[BaseModel],
    new: Sequence[BaseModel],
    ask: Callable[[str], str],
    *,
    evidence: Mapping[Path, Path] = MappingProxyType({}),
) -> int:
    shown = tomli_w.dumps({name: [_plain(entry) for entry in new]})
    print(f"This is what will be added to {file}:\n\n{shown}")
    for place, source in evidence.items():
        print(f"{source} will be copied to {place}")
    if ask("Write it? (yes/no) ").strip().lower() not in ("y", "yes"):
        print("Nothing was written.")
        return 1
    text = tomli_w.dumps({name: [_plain(entry) for entry in every]})
    tomllib.loads(text)
    with writing(file):
        for place, source in evidence.items():
            copy(source, place)
        atomic(file.absolute(), text)
    return 0


def _sure(question: str) -> str:  # noqa: ARG001 - the operator said yes beforehand
    return "yes"


def _plain(entry: BaseModel) -> dict[str, Any]:
    return {
        key: str(value) if isinstance(value, Path) else value
        for key, value in entry.model_dump(exclude_none=True).items()
        if value != ""
    }


def at_the_terminal(question: str) -> str:
    """An answer typed by a person. Raises UsageError where there is nobody to type one."""
    if not sys.stdin.isatty():
        raise UsageError(f"{question.strip()} Nobody is at the terminal to answer; give it as an option (see --help)")
    return input(question)
