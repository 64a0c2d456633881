"""`preflight attest` and `waive`: what the rules refuse is refused, and what is written is shown first."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.cli import main
from preflight.outcome import Verdict
from selftest.record.conftest import EVERY, kept, looked, made

NOT_SICK = "VR-COMF-07"
READ = [looked(EVERY.item[0])]


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "target.toml"
    file.write_text('name = "x"\nbuild = "1.0"\n[api]\nurl = "https://example.com"\n')
    return file


def words(target: Path) -> str:
    file = target.parent / "attestations.toml"
    return file.read_text() if file.exists() else ""


def role_of(item: str) -> str:
    from preflight.checklist import load

    return load().by_id[item].roles[0]


def test_a_word_is_written_and_counts(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "attest",
        NOT_SICK,
        "--target",
        str(target),
        "--outcome",
        "yes",
        "--who",
        "A tester",
        "--role",
        role_of(NOT_SICK),
    ]
    assert main([*arguments, "--note", "twenty minutes", "--yes"]) == 0
    assert 'build = "1.0"' in words(target)
    assert "will be added" in capsys.readouterr().out
    assert main([*arguments, "--note", "again", "--yes"]) == 0
    assert words(target).count("[[attestation]]") == 2


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        (["SEC-AUTH-01"], "looked at by the suite"),
        (["NO-SUCH-01"], "there is no item"),
        ([NOT_SICK, "--role", "Passer-by"], "may not attest"),
        ([NOT_SICK, "--evidence", "not-there.png"], "not there"),
    ],
)
def test_what_would_not_count_is_refused(
    target: Path, capsys: pytest.CaptureFixture[str], changes: list[str], because: str
) -> None:
    arguments = ["attest", "--target", str(target), "--outcome", "yes", "--who", "A tester", "--note", "", "--yes"]
    if "--role" not in changes:
        arguments += ["--role", role_of(NOT_SICK)]
    assert main([*arguments, *changes]) == 4
    assert because in capsys.readouterr().err
    assert words(target) == ""


def test_a_guided_word_is_asked_for_all_that_counts(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-")
    answers = {
        "hold": "yes",
        "name": "A lead",
        "note": "",
        "photo": str(tmp_path / "paper.pdf"),
        "read": str(kept(tmp_path / "read", READ)),
        "Write": "yes",
    }
    monkeypatch.setattr(
        "preflight.attest.at_the_terminal", lambda question: next(said for word, said in answers.items() if word in question)
    )
    assert main(["attest", "APP-TECH-01", "--target", str(target)]) == 0
    assert "will be copied to" in capsys.readouterr().out
    assert "record_sha256" in words(target)
    assert 'evidence = "evidence/' in words(target)


def test_without_a_terminal_it_says_so(target: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert main(["attest", NOT_SICK, "--target", str(target)]) == 4
    assert "Nobody is at the terminal" in capsys.readouterr().err


def test_a_sign_off_names_the_record(target: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of this target and build, and of no rehearsal."""

    arguments = [
        "attest",
        "APP-TECH-01",
        "--target",
        str(target),
        "--outcome",
        "yes",
        "--who",
        "A lead",
        "--role",
        role_of("APP-TECH-01"),
    ]
    assert main([*arguments, "--note", "", "--yes"]) == 4
    assert "does not name the record" in capsys.readouterr().err
    (tmp_path / "empty.json").write_text("{}")
    refused = {
        str(tmp_path / "empty.json"): "is no record.json",
        str(tmp_path / "nowhere"): "there is no such record",
        str(kept(tmp_path / "rehearsed", READ, rehearsal=True)): "is a record of a rehearsal",
        str(
            kept(tmp_path / "older", READ, target=made([]).target.model_copy(update={"build": "0.9"}))
        ): "is a record of x, build 0.9",
        str(kept(tmp_path / "stopped", READ, verdict=Verdict.NO_GO)): "says NO-GO: mend what blocks it",
        str(kept(tmp_path / "blind", READ, verdict=Verdict.INVALID)): "says INVALID: mend what blocks it",
    }
    for place, because in refused.items():
        assert main([*arguments, "--note", "", "--yes", "--record", place]) == 4
        assert because in capsys.readouterr().err
    assert words(target) == ""
    assert main([*arguments, "--note", "", "--yes", "--record", str(kept(tmp_path / "read", READ))]) == 0
    assert "record_sha256" in words(target)


def test_waivers(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def waive(item: str, until: str) -> int:
        given = [
            "--reason",
            "known and small",
            "--approver",
            "release manager",
            "--risk",
            "little",
            "--ticket",
            "T-1",
            "--until",
            until,
        ]
        return main(["waive", item, "--target", str(target), *given, "--yes"])

    assert waive("SEC-AUTH-01", "2999-01-01") == 4
    assert waive("SEC-AUTH-04", "2020-01-01") == 4
    assert waive("SEC-AUTH-04", "soon") == 4
    assert not (target.parent / "waivers.toml").exists()
    assert waive("SEC-AUTH-04", "2999-01-01") == 0
    assert "SEC-AUTH-04" in (target.parent / "waivers.toml").read_text()
    said = capsys.readouterr().err
    assert "red flag" in said
    assert "has passed" in said
    assert "is no date" in said
