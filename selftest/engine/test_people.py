"""Whose word counts: attestations and waivers at their edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from preflight.checklist import Item
from preflight.outcome import Severity, Stage
from preflight.people import Attestation, said, sha256
from selftest.conftest import Project, entry

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ITEM = Item(
    id="VR-01",
    title="Nobody felt sick",
    section="vr",
    stage=Stage.PREDEPLOY,
    severity=Severity.MANDATORY,
    evidence={"attestations": 1},
    remedy="Lower the speed of movement.",
    roles=("QA Lead", "QA tester"),
    life_days=30,
)


def word(**changes: object) -> Attestation:
    fields = {"item": "VR-01", "outcome": "yes", "who": "A tester", "role": "QA tester", "when": NOW, "build": "1.0", **changes}
    return Attestation.model_validate(fields)


def why(entry_: Attestation, tmp_path: Path, item: Item = ITEM) -> str:
    return said(item, [entry_], "1.0", NOW, tmp_path).why_not


def test_a_good_word_counts(tmp_path: Path) -> None:
    assert said(ITEM, [word()], "1.0", NOW, tmp_path).word == word()


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"build": "1.1"}, "for build 1.1"),
        ({"when": NOW + timedelta(minutes=6)}, "future"),
        ({"when": NOW - timedelta(days=30, seconds=1)}, "expired"),
        ({"role": "Developer"}, "may not attest"),
        ({"evidence": "photo.png"}, "go together"),
        ({"evidence": "photo.png", "evidence_sha256": "0" * 64}, "missing"),
    ],
)
def test_a_word_that_does_not_count_says_why(tmp_path: Path, changes: dict[str, object], because: str) -> None:
    assert because in why(word(**changes), tmp_path)


def test_the_edges_of_a_life_count(tmp_path: Path) -> None:
    assert why(word(when=NOW - timedelta(days=30)), tmp_path) == ""
    assert why(word(when=NOW + timedelta(minutes=5)), tmp_path) == ""


def test_edited_evidence_does_not_count(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"as it was")
    given = word(evidence="photo.png", evidence_sha256=sha256(photo))
    assert why(given, tmp_path) == ""
    photo.write_bytes(b"as it was.")
    assert "changed after" in why(given, tmp_path)


def test_a_sign_off_names_its_record(tmp_path: Path) -> None:
    item = ITEM.model_copy(update={"stage": Stage.SIGNOFF})
    assert "does not name the record" in why(word(), tmp_path, item)
    assert why(word(record_sha256="a" * 64), tmp_path, item) == ""


def test_a_defective_newer_word_does_not_hide_a_good_older_one(tmp_path: Path) -> None:
    good, bad = word(when=NOW - timedelta(days=1)), word(build="2.0")
    assert said(ITEM, [bad, good], "1.0", NOW, tmp_path).word == good


def test_the_newest_word_decides(tmp_path: Path) -> None:
    no = word(outcome="no")
    assert said(ITEM, [word(when=NOW - timedelta(hours=1)), no], "1.0", NOW, tmp_path).word == no


def test_no_is_a_fail_and_silence_is_pending(project: Project) -> None:
    project.checklist(*(entry(f"VR-0{n}", roles=["QA Lead"], evidence={"attestations": 1}) for n in (1, 2, 3)))
    project.tests("".join(f'@item("VR-0{n}")\ndef test_{n}(people):\n    people.attested()\n' for n in (1, 2, 3)))
    stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    (project.path / "attestations.toml").write_text(
        "\n".join(
            f'[[attestation]]\nitem = "VR-0{n}"\noutcome = "{out}"\nwho = "A lead"\nrole = "QA Lead"\nwhen = {stamp}\nbuild = "1.0"'
            for n, out in ((1, "yes"), (2, "no"))
        )
    )
    assert project.run().ret == 1
    assert project.statuses() == {"VR-01": "PASS", "VR-02": "FAIL", "VR-03": "PENDING"}


def test_a_waiver_counts_until_its_date_and_only_while_its_item_fails(project: Project) -> None:
    def waive(item: str, until: str) -> str:
        return (
            f'[[waiver]]\nitem = "{item}"\nreason = "known and small"\napprover = "release manager"\n'
            f'risk = "little"\nticket = "T-1"\nuntil = {until}\n'
        )

    look = '    evidence.request(api.get("/health"))\n'
    project.checklist(*(entry(f"SEC-0{n}") for n in (1, 2, 3)))
    project.tests("".join(f'@item("SEC-0{n}")\ndef test_{n}(api, evidence):\n{look}    assert {n} == 3\n' for n in (1, 2, 3)))
    file = project.path / "waivers.toml"

    file.write_text(waive("SEC-01", "2999-01-01T00:00:00Z") + waive("SEC-02", "2999-01-01T00:00:00Z"))
    assert project.run().ret == 0
    assert (project.record()["verdict"], project.statuses()["SEC-01"]) == ("GO", "WAIVED")

    file.write_text(file.read_text() + waive("SEC-03", "2999-01-01T00:00:00Z"))
    assert project.run().ret == 0
    assert project.record()["verdict"] == "GO WITH WARNINGS"

    file.write_text(waive("SEC-01", "2020-01-01T00:00:00Z") + waive("SEC-02", "2999-01-01T00:00:00Z"))
    assert project.run().ret == 1
    assert project.statuses()["SEC-01"] == "FAIL"
