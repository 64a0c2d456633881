"""Whose word counts: attestations and waivers at their edges."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from preflight.checklist import Item
from preflight.errors import UsageError
from preflight.outcome import Severity, Stage
from preflight.people import Attestation, in_force, read_attestations, read_waivers, said, sha256
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
        ({"build": "1.1"}, "the attestation is for build 1.1, this is 1.0"),
        ({"when": NOW + timedelta(minutes=6)}, "the attestation is dated in the future (2026-05-01 12:06 UTC)"),
        ({"when": NOW - timedelta(days=30, seconds=1)}, "the attestation of 2026-04-01 has expired (life 30 days)"),
        ({"role": "Developer"}, "a Developer may not attest this; it takes: QA Lead, QA tester"),
        ({"evidence": "photo.png"}, "evidence and evidence_sha256 go together"),
        ({"evidence_sha256": "0" * 64}, "evidence and evidence_sha256 go together"),
        ({"evidence": "photo.png", "evidence_sha256": "0" * 64}, "the evidence photo.png is missing"),
    ],
)
def test_a_word_that_does_not_count_says_why(tmp_path: Path, changes: dict[str, object], because: str) -> None:
    assert why(word(**changes), tmp_path) == because


def test_silence_names_the_command_that_ends_it(tmp_path: Path) -> None:
    nobody = said(ITEM, [word(item="VR-02")], "1.0", NOW, tmp_path)
    assert (nobody.word, nobody.why_not) == (None, "nobody has attested it; run: preflight attest VR-01")


def test_the_newest_defect_is_the_reason_when_no_word_counts(tmp_path: Path) -> None:
    older, newer = word(build="2.0", when=NOW - timedelta(days=2)), word(role="Developer")
    both = said(ITEM, [older, newer], "1.0", NOW, tmp_path)
    assert (both.word, both.why_not[:11]) == (None, "a Developer")


def test_times_are_kept_in_utc_and_need_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    at_noon = word(when="2026-05-01T14:00:00+02:00").when
    assert at_noon == NOW
    assert at_noon.tzinfo is UTC
    assert word(when=datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))).when.utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match=r"error, give the time with its zone \(…Z\) \["):
        word(when="2026-05-01T14:00:00")


def attested(item: str = "VR-01", when: str = "2026-05-01T12:00:00Z") -> str:
    return (
        f'[[attestation]]\nitem = "{item}"\noutcome = "yes"\nwho = "A lead"\nrole = "QA Lead"\nwhen = {when}\nbuild = "1.0 é"\n'
    )


def waived(item: str = "VR-01") -> str:
    return (
        f'[[waiver]]\nitem = "{item}"\nreason = "known and small"\napprover = "release manager"\n'
        'risk = "little"\nticket = "T-1"\nuntil = 2026-05-01T12:00:00Z\n'
    )


def refused(path: Path, sentence: str) -> object:
    return pytest.raises(UsageError, match=f"^{re.escape(f'{path}: {sentence}')}")


def test_files_are_read_whatever_editor_wrote_them_and_none_is_no_word(tmp_path: Path) -> None:
    file, items = tmp_path / "people.toml", {"VR-01": ITEM}
    assert read_attestations(file, items) == read_waivers(file, items) == ()
    file.write_bytes(b"\xef\xbb\xbf" + (attested() + attested()).encode())
    assert [entry.build for entry in read_attestations(file, items)] == ["1.0 é", "1.0 é"]
    file.write_text(waived())
    assert [entry.ticket for entry in read_waivers(file, items)] == ["T-1"]


def test_what_can_not_be_read_says_where_and_why(tmp_path: Path) -> None:
    file, items = tmp_path / "people.toml", {"VR-01": ITEM}
    file.write_text(attested("VR-02"))
    with refused(file, "an attestation names the unknown item VR-02"):
        read_attestations(file, items)
    file.write_text(attested(when="2026-05-01T12:00:00"))
    with refused(file, "attestation.0.when: give the time with its zone (…Z)"):
        read_attestations(file, items)
    file.write_text("[[attestation]")
    with refused(file, "can't be read: "):
        read_attestations(file, items)
    file.write_bytes(b"\xff")
    with refused(file, "can't be read: 'utf-8'"):
        read_attestations(file, items)
    with refused(tmp_path, "can't be read: "):
        read_attestations(tmp_path, items)


def test_a_waiver_for_nothing_or_a_red_flag_is_refused(tmp_path: Path) -> None:
    file, items = tmp_path / "people.toml", {"VR-01": ITEM}
    file.write_text(waived() + waived("VR-02"))
    with refused(file, "a waiver names the unknown item VR-02"):
        read_waivers(file, items)
    grave = ITEM.model_copy(update={"id": "VR-02", "severity": Severity.RED_FLAG})
    with refused(file, "VR-02 is a red flag and can't be waived; remove the waiver"):
        read_waivers(file, {**items, "VR-02": grave})


def test_a_waiver_is_in_force_up_to_its_last_second(tmp_path: Path) -> None:
    file = tmp_path / "people.toml"
    file.write_text(waived())
    (waiver,) = read_waivers(file, {"VR-01": ITEM})
    assert in_force(waiver, NOW)
    assert not in_force(waiver, NOW + timedelta(seconds=1))


def test_the_edges_of_a_life_count(tmp_path: Path) -> None:
    assert why(word(when=NOW - timedelta(days=30)), tmp_path) == ""
    assert why(word(when=NOW + timedelta(minutes=5)), tmp_path) == ""


def test_edited_evidence_does_not_count(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"as it was")
    given = word(evidence="photo.png", evidence_sha256=sha256(photo))
    assert why(given, tmp_path) == ""
    photo.write_bytes(b"as it was.")
    assert why(given, tmp_path) == "the evidence photo.png was changed after it was attested"
    elsewhere = word(evidence=str(photo), evidence_sha256=sha256(photo))
    assert why(elsewhere, tmp_path / "another folder") == ""


def test_a_sign_off_names_its_record(tmp_path: Path) -> None:
    item = ITEM.model_copy(update={"stage": Stage.SIGNOFF})
    assert why(word(), tmp_path, item) == "the sign-off does not name the record it was given on (record_sha256)"
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


def test_a_no_whose_photo_is_gone_is_not_outvoted_by_an_older_yes(tmp_path: Path) -> None:
    no = word(outcome="no", evidence="photo.png", evidence_sha256="0" * 64)
    answer = said(ITEM, [word(when=NOW - timedelta(hours=5)), no], "1.0", NOW, tmp_path)
    assert answer.word is None
    assert answer.why_not == "A tester said no, and the evidence photo.png is missing"


@pytest.mark.parametrize("outcomes", [("yes", "no"), ("no", "yes")])
def test_of_two_words_at_the_same_moment_no_counts(tmp_path: Path, outcomes: tuple[str, str]) -> None:
    answer = said(ITEM, [word(outcome=outcome) for outcome in outcomes], "1.0", NOW, tmp_path)
    assert answer.word == word(outcome="no")


def test_a_time_beyond_all_times_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "words.toml"
    file.write_text(
        '[[attestation]]\nitem = "VR-01"\noutcome = "yes"\nwho = "AB"\nrole = "QA"\nbuild = "1"\nwhen = 9999-12-31T23:59:59-05:00\n'
    )
    with pytest.raises(UsageError, match="out of range"):
        read_attestations(file, {"VR-01": ITEM})
