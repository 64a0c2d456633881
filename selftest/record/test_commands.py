"""What is done with records that are there: compared, joined, printed, made for many targets, kept by CI."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from preflight import many
from preflight.checklist import ROOT
from preflight.cli import main
from preflight.outcome import Reason, Status, Verdict
from preflight.people import sha256
from preflight.record import compare, since, write
from preflight.record.read import read
from preflight.record.seal import seal
from preflight.record.tree import Record
from preflight.redact import Redactor
from selftest.conftest import Project, entry
from selftest.record.conftest import EVERY, looked

LOOK = '    evidence.request(api.get("/health"))\n'


@pytest.fixture(autouse=True)
def _this_preflight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that a test starts use the preflight under test, and the Python that runs it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


def two(body: str = "") -> str:
    return f'@item("SEC-01")\ndef test_1(api, evidence):\n{LOOK}@item("SEC-02")\ndef test_2(api, evidence):\n{LOOK}{body}'


@pytest.fixture
def ready(project: Project) -> Project:
    project.checklist(entry("SEC-01"), entry("SEC-02"))
    project.tests(two())
    return project


def keep(record: Record, folder: Path) -> Path:
    folder.mkdir(parents=True)
    write.atomic(folder / "record.json", write.record_json(record, Redactor()))
    seal(folder)
    return folder


# what changed


def test_what_became_worse_comes_first_then_what_moved(record: Callable[..., Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    some = EVERY.item[:4]
    value = {"unit": "s", "limit": "<= 5 s"}
    old = record(
        [
            looked(some[0], Status.FAIL),
            looked(some[1]),
            looked(some[2]).model_copy(update={**value, "value": 1.0}),
            looked(some[3]),
        ]
    )
    new = record([looked(some[0]), looked(some[1], Status.FAIL), looked(some[2]).model_copy(update={**value, "value": 1.2})])
    found = compare.since(old, new.items)
    assert [(c.id, str(c.was), str(c.now), c.better) for c in found.changes] == [
        (some[1].id, "PASS", "FAIL", False),
        (some[0].id, "FAIL", "PASS", True),
        (some[2].id, "PASS", "PASS", False),
    ]
    assert found.both == 3
    assert main(["compare", str(keep(old, tmp_path / "a")), str(keep(new, tmp_path / "b"))]) == 0
    assert f"PASS -> FAIL         {some[1].id}" in capsys.readouterr().out
    assert since.changes(old.items, old.items) == ()


def test_other_targets_are_not_compared(record: Callable[..., Record], tmp_path: Path) -> None:
    one = record([looked(EVERY.item[0])])
    other = one.model_copy(update={"target": one.target.model_copy(update={"name": "y"})})
    assert main(["compare", str(keep(one, tmp_path / "a")), str(keep(other, tmp_path / "b"))]) == 4


def test_a_run_is_compared_with_the_one_before_and_leaves_it_alone(ready: Project) -> None:
    ready.run()
    first = (ready.path / "reports" / "latest").resolve()
    before = {p.name: p.read_bytes() for p in first.rglob("*") if p.is_file()}
    (ready.path / "reports" / "test-0.9-broken").mkdir()
    (ready.path / "reports" / "test-0.9-broken" / "record.json").write_text("{")
    ready.tests(two("    assert False, 'broken'\n"))
    ready.run()
    told = ready.record()["since"]
    assert (told["both"], [(c["id"], c["was"], c["now"]) for c in told["changes"]]) == (2, [("SEC-02", "PASS", "FAIL")])
    assert {p.name: p.read_bytes() for p in first.rglob("*") if p.is_file()} == before


# a bad end


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_file_that_can_not_grow_leaves_what_was_judged(ready: Project) -> None:
    """A quota or a full disk: writing fails half-way, and the run says so in a sentence."""
    ready.tests(two("    evidence.facts.update({str(n): 'x' * 250 for n in range(100)})\n"))
    limit = 40 * 1024
    done = subprocess.run(
        [sys.executable, "-m", "pytest"],
        cwd=ready.path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    (run,) = (p for p in (ready.path / "reports").iterdir() if p.is_dir() and not p.is_symlink())
    assert done.returncode != 0
    assert "The record could not be written (File too large)" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    told = [json.loads(line) for line in (run / "journal" / "main.jsonl").read_text().splitlines()]
    assert [line["outcome"]["status"] for line in told if "outcome" in line] == ["PASS", "PASS"]
    assert [p.name for p in run.iterdir() if p.name.startswith(".")] == [], "no half of a file stays"


def test_a_killed_run_can_be_read(ready: Project, capsys: pytest.CaptureFixture[str]) -> None:
    ready.tests(two("    import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n"))
    assert ready.run().ret < 0
    (run,) = (ready.path / "reports").iterdir()
    capsys.readouterr()
    assert main(["show", str(run)]) == 7
    said = capsys.readouterr().out
    for words in ("PASS           SEC-01", "was running    SEC-02", "1 of 2 tests were judged"):
        assert words in said


# evidence


def test_evidence_goes_where_its_record_goes(ready: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ready.checklist(entry("SEC-01"), entry("VR-01", section="vr", roles=["QA Lead"], evidence={"attestations": 1}))
    ready.tests(
        f'@item("SEC-01")\ndef test_1(api, evidence):\n{LOOK}@item("VR-01")\ndef test_2(people):\n    people.attested()\n'
    )
    photo = ready.path / "photo.png"
    photo.write_bytes(b"a photo")
    (ready.path / "attestations.toml").write_text(
        f'[[attestation]]\nitem = "VR-01"\noutcome = "yes"\nwho = "A lead"\nrole = "QA Lead"\nbuild = "1.0"\n'
        f'when = {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\nevidence = "photo.png"\nevidence_sha256 = "{sha256(photo)}"\n'
    )
    assert ready.run().ret == 0
    run = (ready.path / "reports" / "latest").resolve()
    (copy,) = (run / "evidence").iterdir()
    assert copy.read_bytes() == b"a photo"
    assert f"evidence/{copy.name}" in (run / "SHA256SUMS").read_text()
    assert read(run).attestations[0].counts


def test_attest_copies_its_evidence_and_only_when_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "place" / "target.toml"
    target.parent.mkdir()
    target.write_text('name = "x"\nbuild = "1.0"\n[api]\nurl = "https://example.com"\n')
    film = tmp_path / "film.mp4"
    film.write_bytes(b"a film")
    role = EVERY.by_id["VR-COMF-07"].roles[0]
    words = ["attest", "VR-COMF-07", "--target", str(target), "--outcome", "yes", "--who", "A tester", "--role", role, "--note", "", "--evidence", str(film)]  # fmt: skip
    monkeypatch.setattr("preflight.attest.at_the_terminal", lambda _: "no")
    assert main(words) == 1
    assert not (target.parent / "evidence").exists()
    assert main([*words, "--yes"]) == 0
    film.unlink()
    (copy,) = (target.parent / "evidence").iterdir()
    assert f'evidence = "evidence/{copy.name}"' in (target.parent / "attestations.toml").read_text()
    assert copy.name.startswith(hashlib.sha256(b"a film").hexdigest()[:12])


# many targets


def test_many_targets_a_record_each_and_the_worst_first(ready: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, serve: Any) -> None:  # fmt: skip
    monkeypatch.chdir(ready.path)
    ready.tests(two("    assert api.get('/build').status_code == 200, 'no /build here'\n"))
    other = serve({"/build": (404, {}, b"{}")})
    text = (ready.path / "target.toml").read_text()
    (ready.path / "b.toml").write_text(text.replace(ready.url, other).replace('"test"', '"other"'))
    assert main(["many", "target.toml", "b.toml", "--record", "out", "--pytest", "-p no:html"]) == 1
    (page,) = (ready.path / "out").glob("overview-*.html")
    shown = page.read_text()
    assert shown.index(">other<") < shown.index(">test<")
    assert "✗ 1 FAIL" in shown
    for link in ("other", "test"):
        (folder,) = (p for p in (ready.path / "out").glob(f"{link}-*") if p.is_dir())
        assert f'href="{folder.name}/record.html"' in shown
        assert (folder / "record.html").exists()
    assert "NO-GO" in capfd.readouterr().out
    assert main(["many", "target.toml", "target.toml"]) == 4
    assert main(["many", "target.toml", "not-there.toml", "--record", "out2"]) == 4
    assert not (ready.path / "out2").exists(), "a bad file is said before anything is sent"


def test_no_record_is_the_worst(record: Callable[..., Record]) -> None:
    good = record([looked(EVERY.item[0])])
    seen = [many.Seen(Path("a"), 0, good, None), many.Seen(Path("b"), 3, None, None)]
    seen.append(many.Seen(Path("c"), 1, good.model_copy(update={"verdict": Verdict.NO_GO}), None))
    assert [s.target.name for s in many.order(seen)] == ["b", "c", "a"]


# paper and CI


def test_a_record_is_printed_beside_its_folder(ready: Project, capsys: pytest.CaptureFixture[str]) -> None:
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip(f"{Reason.PROGRAM}: Chromium (apt-get install chromium)")
    ready.run()
    run = (ready.path / "reports" / "latest").resolve()
    assert main(["pdf", str(run)]) == 0
    assert run.with_name(f"{run.name}.pdf").read_bytes().startswith(b"%PDF-")
    assert main(["pdf", str(ready.path)]) == 4


def test_without_a_browser_it_says_what_to_do(ready: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    (ready.path / "record.html").write_text("x")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert main(["pdf", str(ready.path)]) == 4
    assert "open" in capsys.readouterr().err


def test_the_shell_of_the_action(ready: Project) -> None:
    """Each `run` of ci/action.yml by bash, as a runner would: inputs by environment, outputs by file."""
    action = yaml.safe_load((ROOT / "ci" / "action.yml").read_text())
    key, output, page = ready.path / "release.key", ready.path / "output", ready.path / "summary.md"
    assert main(["key", "new", str(key)]) == 0
    given = {name: spec["default"] for name, spec in action["inputs"].items()}
    given |= {"target": str(ready.path / "target.toml"), "records": str(ready.path / "out"), "key": str(key)}
    given |= {"arguments": "-p no:html -k test_framing_is_forbidden"}
    ends = []
    for step in action["runs"]["steps"]:
        if "run" not in step:
            continue
        told = dict(line.split("=", 1) for line in output.read_text().splitlines()) if output.exists() else {}
        known = {f"${{{{ inputs.{name} }}}}": value for name, value in given.items()}
        known |= {f"${{{{ steps.run.outputs.{name} }}}}": value for name, value in told.items()}
        files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(page)}
        environment = {**os.environ, **files, **{name: known[value] for name, value in step["env"].items()}}
        words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
        ends.append((done.returncode, done.stdout + done.stderr))
    assert [end for end, _ in ends] == [0, 0, 1], ends
    assert page.read_text().startswith("## NO-GO, partial: 1 of")
    assert (Path(told["folder"]) / "record.dsse.json").exists()
