"""A record that was edited is named as edited: one byte anywhere, or a verdict that does not follow."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from preflight.checklist import Checklist, load
from preflight.record.read import ReadError, folder_of, read
from preflight.record.seal import problems, seal
from selftest.conftest import Project, entry


@pytest.fixture
def sealed(project: Project) -> tuple[Path, Checklist]:
    project.checklist(entry("SEC-01"), entry("SEC-02"))
    look = '    evidence.request(api.get("/health"))\n'
    project.tests(
        f'@item("SEC-01")\ndef test_1(api, evidence):\n{look}@item("SEC-02")\ndef test_2(api, evidence):\n{look}    assert False, "broken"\n'
    )
    project.run()
    return (project.path / "reports" / "latest").resolve(), load(project.path / "checklist.toml")


def test_a_record_is_as_its_run_wrote_it(sealed: tuple[Path, Checklist]) -> None:
    assert list(problems(*sealed)) == []


def test_latest_is_found_where_the_system_has_no_links(sealed: tuple[Path, Checklist]) -> None:
    folder, _ = sealed
    latest = folder.parent / "latest"
    latest.unlink()
    with pytest.raises(ReadError, match="there is no such record"):
        folder_of(latest)

    latest.with_suffix(".txt").write_text(f"{folder.name}\n")

    assert folder_of(latest) == folder
    assert read(latest).run_id == read(folder).run_id


def test_every_one_byte_edit_is_named(sealed: tuple[Path, Checklist], tmp_path: Path) -> None:
    folder, checklist = sealed
    random_ = random.Random(7)
    files = [p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS"]
    for number in range(200):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(folder, copy)
        name = random_.choice(files)
        data = bytearray((copy / name).read_bytes())
        data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
        (copy / name).write_bytes(data)
        try:
            said = list(problems(copy, checklist))
        except ValueError:
            said = [f"{name} can't be read"]
        assert any(str(name) in sentence or name.name in sentence for sentence in said), name
        shutil.rmtree(copy)


def test_a_verdict_that_does_not_follow_is_named_even_with_new_hashes(sealed: tuple[Path, Checklist]) -> None:
    folder, checklist = sealed
    record = json.loads((folder / "record.json").read_text())
    record["verdict"], record["exit_status"] = "GO", 0
    (folder / "record.json").write_text(json.dumps(record))
    seal(folder)
    assert "the record says GO, but its items say NO-GO" in list(problems(folder, checklist))
    record["items"][1]["status"] = "PASS"
    (folder / "record.json").write_text(json.dumps(record))
    seal(folder)
    assert "SEC-02 says PASS, but its tests say FAIL" in list(problems(folder, checklist))


def test_an_added_file_is_named(sealed: tuple[Path, Checklist]) -> None:
    (sealed[0] / "more.txt").write_text("later")
    assert "more.txt was added after the run" in list(problems(*sealed))


def test_hidden_files_and_links_are_named(sealed: tuple[Path, Checklist], tmp_path: Path) -> None:
    folder, _ = sealed
    (folder / ".more.html").write_text("later")
    (tmp_path / "elsewhere").mkdir()
    (folder / "evidence").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "record.html").write_bytes((folder / "record.html").read_bytes())
    (folder / "record.html").unlink()
    (folder / "record.html").symlink_to(tmp_path / "record.html")

    assert set(problems(*sealed)) == {
        ".more.html was added after the run",
        "evidence is a link, and a run writes none",
        "record.html is a link, and a run writes none",
    }
