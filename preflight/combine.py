"""`preflight combine`: the records of several runs of one build and target become one deployment record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from preflight.checklist import Checklist, Item, load
from preflight.errors import UsageError, writing
from preflight.outcome import Reason, Status, VerdictStage, exit_status
from preflight.people import in_force
from preflight.record import html, seal, write
from preflight.record.compare import previous
from preflight.record.read import folder_of, read
from preflight.record.tree import Record, coverage, score, stale, waiver_uses
from preflight.record.words import WordUse, copy
from preflight.redact import Redactor
from preflight.run import ItemResult, fold, later, summarise
from preflight.terminal import ending, show

_NO_LOOK = (Status.PENDING,)


def combine(paths: Sequence[Path], out: Path | None, oldest_hours: float) -> int:
    """Write the combined record; its exit status is the verdict's. What is no record (of `reports/*`) is left out, and named.

    Raises UsageError when the records are not of one build and target, mix a rehearsal with a real run, or are not as
    their runs wrote them.
    """
    parts = _records(paths)
    if out is not None and out.resolve() in parts:
        raise UsageError(f"{out} is one of the records that are combined; name another folder")
    records = [read(part) for part in parts]
    joined = join(records, datetime.now(UTC), timedelta(hours=oldest_hours))
    folder = out or parts[0].parent / f"{'REHEARSAL-' if joined.rehearsal else ''}{joined.target.name}-{joined.run_id}"
    since = previous(folder.resolve(), joined.target.name, joined.items, rehearsal=joined.rehearsal, without=parts)
    joined = joined.model_copy(update={"since": since})
    with writing(f"{folder}:"):
        folder.mkdir(parents=True, exist_ok=out is not None)
        redact = Redactor()
        write.atomic(folder / "record.json", write.record_json(joined, redact))
        write.atomic(folder / "junit.xml", write.junit_xml(joined, redact))
        write.atomic(folder / "record.html", html.page(joined, redact))
        for part in parts:
            _copy_evidence(part, folder, joined)
        seal.seal(folder)
    show(ending(joined, folder))
    return joined.exit_status


def _records(paths: Sequence[Path]) -> list[Path]:
    """The folders of the records, each once, and each as its run wrote it."""
    parts = []
    for path in paths:
        folder = folder_of(path).resolve()
        if (path.is_file() and path.name != "record.json") or not (folder / "record.json").is_file():
            show(f"left out: {path} (no record)")
        elif folder not in parts:
            parts.append(folder)
    if not parts:
        raise UsageError("none of these is a record of a run: give folders with a record.json in them")
    for part in parts:
        read(part)
        wrong = next(seal.problems(part, load()), None)
        if wrong:
            raise UsageError(f"{part} is not as its run wrote it and can't be combined: {wrong}")
    return parts


def join(records: Sequence[Record], at: datetime, oldest: timedelta) -> Record:
    """One record of several. The newest look at each item counts; a look older than `oldest` is PENDING.

    A PENDING never replaces a look; an older FAIL or ERROR that a newer PASS replaced stays visible in the item.
    """
    _same("target", {r.target.name for r in records})
    _same("address", {r.target.url for r in records} if not any(r.rehearsal for r in records) else set())
    _same("build", {r.target.build for r in records})
    _same("deployment time", {str(r.target.deployed_at) for r in records if r.target.deployed_at})
    _same("rollback time", {str(r.target.rolled_back_at) for r in records if r.target.rolled_back_at})
    _same("set of overridden limit", {str(sorted(r.target.overridden_limits.items())) for r in records})
    _same("checklist", {r.suite.checklist for r in records} | {load().version})
    if len({r.rehearsal for r in records}) > 1:
        raise UsageError("a rehearsal can't be combined with a run against a deployment")
    newest = max(records, key=lambda r: r.finished)
    records = list({(r.run_id, r.finished): r for r in records}.values())
    looks: dict[str, list[tuple[datetime, ItemResult]]] = {}
    for record in records:
        for item in record.items:
            looks.setdefault(item.id, []).append((_looked(item, record.finished), item))
    by_item = {name: [look for _, look in sorted(some, key=lambda pair: pair[0])] for name, some in looks.items()}
    checklist = load()
    results = [_newest(entry, by_item[entry.id], at, oldest) for entry in checklist.item if entry.id in by_item]
    words = _words(records, checklist, at)
    yes = {use.word.item for use in words if use.counts and use.word.outcome == "yes"}
    results = [
        _outlived(i) if i.status is Status.PASS and i.evidence.get("attestations") and i.id not in yes else i for i in results
    ]
    waived = {w.item for r in records for use in r.waivers for w in [use.waiver] if in_force(w, at)}
    results = [_lapsed(i) if i.status is Status.WAIVED and i.id not in waived else i for i in results]
    waivers = list({w.model_dump_json(): w for r in records for use in r.waivers for w in [use.waiver]}.values())
    uses = waiver_uses(waivers, results, at)
    stage = max((r.stage for r in records), key=list(VerdictStage).index)
    summary = summarise(results, checklist.item, stage, stale_waiver=stale(uses, results), interrupted=False)
    requests: dict[str, int] = {}
    for record in records:
        for call, count in record.footprint.requests.items():
            requests[call] = requests.get(call, 0) + count
    return newest.model_copy(
        update={
            "verdict": summary.verdict,
            "stage": stage,
            "exit_status": exit_status(summary.verdict, pytest_status=0, rehearsal=newest.rehearsal),
            "partial": summary.partial,
            "judged": summary.judged,
            "required": summary.required,
            "interrupted": False,
            "run_id": f"combined-{at:%Y%m%dT%H%M%SZ}",
            "started": min(r.started for r in records),
            "finished": at,
            "waivers": uses,
            "attestations": words,
            "score": score(results),
            "coverage": coverage(results),
            "stages": [
                s for s in (summarise(results, checklist.item, r) for r in dict.fromkeys(r.stage for r in records)) if s.judged
            ],
            "items": results,
            "since": None,
            "footprint": newest.footprint.model_copy(
                update={
                    "started": min(r.footprint.started for r in records),
                    "finished": max(r.footprint.finished for r in records),
                    "user_agent": ", ".join(dict.fromkeys(r.footprint.user_agent for r in records)),
                    "addresses": sorted({a for r in records for a in r.footprint.addresses}),
                    "requests": requests,
                }
            ),
        }
    )


def _words(records: Sequence[Record], checklist: Checklist, at: datetime) -> list[WordUse]:
    """Every word of the records once; one that was outlived since then no longer counts."""
    uses = {}
    for record in sorted(records, key=lambda r: r.finished):
        for use in record.attestations:
            item = checklist.by_id.get(use.word.item)
            outlived = item is not None and use.word.when + timedelta(days=item.life_days) < at
            kept = use.model_copy(update={"counts": False, "why_not": "has expired since"}) if use.counts and outlived else use
            uses[use.word.model_dump_json()] = kept
    return list(uses.values())


def _copy_evidence(source: Path, folder: Path, joined: Record) -> None:
    for use in joined.attestations:
        if use.file and (source / use.file).is_file():
            copy(source / use.file, folder / use.file)


def _same(what: str, values: set[str]) -> None:
    if len(values) > 1:
        raise UsageError(f"the records are of different {what}s ({', '.join(sorted(values))}) and can't be one")


def _newest(entry: Item, looks: Sequence[ItemResult], at: datetime, oldest: timedelta) -> ItemResult:
    # one target file may say that a part is absent which another one's run has looked at: then it is there
    there = [look for look in looks if look.status is not Status.NOT_APPLICABLE] or list(looks)
    real = [look for look in there if look.status not in _NO_LOOK] or [look for look in there if not later(look)] or there
    chosen = _whole(entry, real)
    facts: Mapping[str, str] = chosen.facts
    if len(there) < len(looks):
        absent = next(look for look in looks if look.status is Status.NOT_APPLICABLE)
        facts = {**facts, "declared absent in another record": absent.reason}
    if chosen.status in (Status.PASS, Status.WARN, Status.WAIVED, Status.NOT_APPLICABLE):
        replaced = [look for look in real[:-1] if look.status in (Status.FAIL, Status.ERROR)]
        if replaced:
            then = replaced[-1]
            facts = {
                **facts,
                "superseded": f"{then.status} of {then.looked_at} ({then.reason}) by {chosen.status} of {chosen.looked_at}",
            }
    looked = min((datetime.fromisoformat(o.at) for o in chosen.outcomes if o.at), default=_looked(chosen, at))
    if at - looked > oldest and chosen.status not in (*_NO_LOOK, Status.NOT_APPLICABLE):
        chosen = _pending(chosen, f"looked at {chosen.looked_at}, which is too long ago ({chosen.status} then); run it again")
    return chosen.model_copy(update={"facts": facts})


def _outlived(item: ItemResult) -> ItemResult:
    return _pending(item, f"what was said of it has expired since; run: preflight attest {item.id}")


def _pending(item: ItemResult, reason: str) -> ItemResult:
    return item.model_copy(update={"status": Status.PENDING, "code": str(Reason.STALE), "reason": reason})


def _looked(item: ItemResult, otherwise: datetime) -> datetime:
    return datetime.fromisoformat(item.looked_at) if item.looked_at else otherwise


def _whole(entry: Item, looks: Sequence[ItemResult]) -> ItemResult:
    """The newest look; tests of the item that it left out count as they were last seen."""
    newest = looks[-1]
    outcomes = {outcome.node: outcome for look in looks for outcome in look.outcomes}
    if newest.status is Status.NOT_APPLICABLE or not newest.outcomes or outcomes.keys() == set(newest.tests):
        return newest
    (again,) = fold([entry], dict.fromkeys(outcomes, entry.id), outcomes.values())
    return again


def _lapsed(item: ItemResult) -> ItemResult:
    return _pending(item, f"its waiver has expired since ({item.reason}); run it again")
