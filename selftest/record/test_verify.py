"""What does not follow is named, even by somebody who makes new hashes: values, statuses, words of people, waivers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from preflight.checklist import Item
from preflight.outcome import Status
from preflight.people import Attestation, Waiver, WaiverUse, sha256
from preflight.record import html, write
from preflight.record.read import ReadError
from preflight.record.seal import problems, seal
from preflight.record.tree import Record
from preflight.record.words import copied_to, word_uses
from preflight.redact import Redactor
from selftest.record.conftest import AT, EVERY, looked

LATENCY, WORD, WAIVED = "PERF-LAT-01", "VR-COMF-07", "SEC-AUTH-04"
SAMPLES = [5.0 + 0.1 * i for i in range(90)]


def p95(value: float, *, kept: bool = True) -> dict[str, Any]:
    return {"name": "p95", "value": value, "unit": "ms", "limit": "< 18 ms", "severity": "mandatory", "kept": kept, "n": 90, "where": "GET /health"}  # fmt: skip


def of(name: str) -> Item:
    return EVERY.by_id[name]


@pytest.fixture
def folder(tmp_path: Path, record: Callable[..., Record]) -> Path:
    """A record with latencies, an attestation with a photo, and a waiver."""
    place = tmp_path / "run"
    (place / "evidence").mkdir(parents=True)
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"a photo of somebody who does not feel sick")
    word = Attestation(item=WORD, outcome="yes", who="A tester", role=of(WORD).roles[0], when=AT, build="1.0", evidence=photo, evidence_sha256=sha256(photo))  # fmt: skip
    shutil.copy(photo, place / copied_to(word))
    waiver = Waiver(
        item=WAIVED, reason="known and small", approver="a manager", risk="little", ticket="T-1", until=AT + timedelta(days=3)
    )
    made = record(
        [
            looked(of(WAIVED), Status.WAIVED),
            looked(of(LATENCY), samples={"GET /health": SAMPLES}, judgements=[p95(13.5)]),
            looked(of(WORD)),
        ],
        waivers=[WaiverUse(waiver=waiver, counts=True, why_not="")],
        attestations=word_uses([word], EVERY.by_id, {WORD}, build="1.0", at=AT, folder=tmp_path),
    )
    write.atomic(place / "record.json", write.record_json(made, Redactor()))
    write.atomic(place / "record.html", html.page(made, Redactor()))
    seal(place)
    return place


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """What is said of the record after a change and with new hashes."""
    told = json.loads((folder / "record.json").read_text())
    change(told)
    (folder / "record.json").write_text(json.dumps(told))
    seal(folder)
    return list(problems(folder, EVERY))


def outcome(told: dict[str, Any], name: str = LATENCY) -> dict[str, Any]:
    (item,) = (i for i in told["items"] if i["id"] == name)
    found: dict[str, Any] = item["outcomes"][0]
    return found


def test_it_is_as_it_was_written(folder: Path) -> None:
    assert list(problems(folder, EVERY)) == []
    told = json.loads((folder / "record.json").read_text())
    assert told["attestations"][0]["file"].endswith("-photo.png")
    assert "/" not in told["attestations"][0]["word"]["evidence"], "no path of the machine that looked"


def test_every_byte_of_the_evidence_counts(folder: Path) -> None:
    (photo,) = (folder / "evidence").iterdir()
    data = photo.read_bytes()
    for place in range(len(data)):
        photo.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert any(photo.name in sentence for sentence in problems(folder, EVERY)), place
    photo.unlink()
    assert any("missing" in sentence for sentence in problems(folder, EVERY))


def test_changed_evidence_is_named_with_new_hashes_too(folder: Path) -> None:
    (photo,) = (folder / "evidence").iterdir()
    photo.write_bytes(b"another photo")
    seal(folder)
    assert any("changed after it was attested" in sentence for sentence in problems(folder, EVERY))


def test_a_value_that_its_samples_do_not_give(folder: Path) -> None:
    def faster(told: dict[str, Any]) -> None:
        outcome(told)["judgements"][0]["value"] = 9.0

    assert any("its samples give 13.5" in sentence for sentence in edit(folder, faster))


def test_a_sample_that_was_edited(folder: Path) -> None:
    def slow(told: dict[str, Any]) -> None:
        outcome(told)["samples"]["GET /health"][85:] = [30.0] * 5

    assert any("its samples give 30" in sentence for sentence in edit(folder, slow))


@pytest.mark.parametrize("change", [{"limit": "< 99 ms"}, {"kept": False}, {"value": 20.0}, {"severity": "warning"}])
def test_a_limit_that_is_not_the_checklists(folder: Path, change: dict[str, Any]) -> None:
    assert any(LATENCY in sentence for sentence in edit(folder, lambda told: outcome(told)["judgements"][0].update(change)))


@pytest.mark.parametrize("name", ["../../secret", "evidence/../x", "/etc/passwd", "evidence/0123456789ab-a/b", "evidence/x"])
def test_evidence_leads_nowhere_else(folder: Path, name: str) -> None:
    with pytest.raises(ReadError):
        edit(folder, lambda told: told["attestations"][0].update(file=name))


def test_a_word_that_did_not_live_then(folder: Path) -> None:
    def old(told: dict[str, Any]) -> None:
        told["attestations"][0]["word"]["when"] = "2025-01-01T00:00:00Z"

    assert any("has expired" in sentence for sentence in edit(folder, old))


def test_a_word_for_another_build_or_by_nobody(folder: Path) -> None:
    assert any("for build 2.0" in s for s in edit(folder, lambda told: told["attestations"][0]["word"].update(build="2.0")))
    assert any("nobody's yes" in s for s in edit(folder, lambda told: told.update(attestations=[])))


def test_a_waiver_that_had_expired_then(folder: Path) -> None:
    said = edit(folder, lambda told: told["waivers"][0]["waiver"].update(until="2026-04-30T00:00:00Z"))
    assert any("is said to count: expired" in sentence for sentence in said)
    assert any("no waiver in the record was in force" in sentence for sentence in said)


@pytest.mark.parametrize("change", [{"verdict": "NO-GO"}, {"judged": 500}, {"partial": False}, {"exit_status": 7}])
def test_a_verdict_that_its_items_do_not_give(folder: Path, change: dict[str, Any]) -> None:
    assert edit(folder, lambda told: told.update(change))


def _no_test(told: dict[str, Any]) -> None:
    for item in told["items"]:
        if item["id"] == LATENCY:
            item |= {"outcomes": [], "tests": []}


def _twice(told: dict[str, Any]) -> None:
    told["items"].append(told["items"][0])


def _other_stage(told: dict[str, Any]) -> None:
    told["items"][0]["stage"] = "long"


def _too_old(told: dict[str, Any]) -> None:
    told["items"][1] |= {"status": "PENDING", "code": "look too old"}


def _test_of_another(told: dict[str, Any]) -> None:
    outcome(told)["item"] = WORD


def _not_a_number(told: dict[str, Any]) -> None:
    outcome(told)["judgements"][0]["value"] = float("nan")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_no_test, "holds no test"),
        (_twice, "stands in the record 2 times"),
        (_other_stage, "another stage or severity"),
        (_too_old, "says PENDING"),
        (_test_of_another, "other tests than it names"),
        (_not_a_number, "is said to"),
    ],
)
def test_what_the_run_did_not_see_is_named(folder: Path, change: Callable[[dict[str, Any]], None], words: str) -> None:
    assert any(words in said for said in edit(folder, change))
