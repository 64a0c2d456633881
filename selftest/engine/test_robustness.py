"""A run that ends badly still leaves what it measured, and says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import jsonschema
import pytest

from preflight.record.write import schema
from selftest.conftest import Project, entry

LOOK = '    evidence.request(api.get("/health"))\n'


def three(body: str) -> str:
    return (
        f'@item("SEC-01")\ndef test_1(api, evidence):\n{LOOK}'
        f'@item("SEC-02")\ndef test_2(api, evidence):\n{LOOK}{body}'
        f'@item("SEC-03")\ndef test_3(api, evidence):\n{LOOK}'
    )


@pytest.fixture
def ready(project: Project) -> Project:
    project.checklist(*(entry(f"SEC-0{n}") for n in (1, 2, 3)))
    return project


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_keeps_what_was_judged(ready: Project, ends: signal.Signals) -> None:
    # imported before: a Ctrl-C that meets the clean-up of an import's lock is lost, by Python's doing
    ready.tests(three("    import time\n    open('reached', 'w').close()\n    time.sleep(30)\n"))
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest"],
        cwd=ready.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # what a shell starts in the background ignores Ctrl-C, and so would everything that it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no other thread holds a lock here
    )
    deadline = time.monotonic() + 20
    while not (ready.path / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(ends)
    output, _ = process.communicate(timeout=20)

    assert process.returncode == 2
    record = ready.record()
    assert ready.statuses() == {"SEC-01": "PASS", "SEC-02": "ERROR", "SEC-03": "ERROR"}
    assert (record["verdict"], record["interrupted"], record["exit_status"]) == ("INVALID", True, 2)
    assert "INVALID, interrupted" in output


def test_a_worker_that_dies_is_an_error_of_the_item_it_was_running(ready: Project) -> None:
    ready.tests(three("    import os; os._exit(9)\n"))
    result = ready.run("-n", "2")
    assert ready.statuses() == {"SEC-01": "PASS", "SEC-02": "ERROR", "SEC-03": "PASS"}
    assert "died" in ready.record()["items"][1]["reason"]
    assert result.ret == 7


def test_a_killed_run_leaves_its_journal(ready: Project) -> None:
    ready.tests(three("    import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n"))
    assert ready.run().ret < 0
    (journal,) = (ready.path / "reports").glob("*/journal/main.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["outcome"]["status"] for line in lines if "outcome" in line] == ["PASS"]
    assert lines[-1] == {"started": "tests/security/test_it.py::test_2"}


def test_stopping_at_the_first_failure_is_not_a_whole_look(ready: Project) -> None:
    ready.tests(three("    assert False, 'two'\n"))
    assert ready.run("-x").ret == 1
    assert ready.statuses() == {"SEC-01": "PASS", "SEC-02": "FAIL", "SEC-03": "ERROR"}


def test_two_runs_at_once_never_mix(ready: Project) -> None:
    ready.tests(three("    import time; time.sleep(0.5)\n"))
    runs = [subprocess.Popen([sys.executable, "-m", "pytest"], cwd=ready.path, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    records = sorted((ready.path / "reports").glob("test-*/record.json"))
    assert len(records) == 3
    assert len({json.loads(r.read_text())["run_id"] for r in records}) == 3


def test_workers_give_the_same_record_as_one_process(ready: Project) -> None:
    ready.tests(three("    assert False, 'two'\n"))
    ready.run()
    alone = {i["id"]: (i["status"], i["code"], i["reason"]) for i in ready.record()["items"]}
    ready.run("-n", "2")
    assert {i["id"]: (i["status"], i["code"], i["reason"]) for i in ready.record()["items"]} == alone


@pytest.mark.skipif(os.getuid() != 0, reason="needs a small file system of its own")
def test_a_full_disk_is_one_sentence(ready: Project, tmp_path) -> None:  # type: ignore[no-untyped-def]
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("this machine gives no mounts")
    try:
        ready.tests(three("    evidence.facts.update({str(n): 'x' * 200 for n in range(400)})\n"))
        result = ready.run("--record", str(small), "-p", "no:html")
        text = result.stdout.str() + result.stderr.str()
        assert result.ret != 0
        assert "No space left" in text
        assert "Traceback" not in text
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_the_record_keeps_its_schema(ready: Project, root) -> None:  # type: ignore[no-untyped-def]
    ready.tests(three("    assert False, 'two <b>\\x07'\n"))
    ready.run()
    kept = json.loads((root / "docs" / "record.schema.json").read_text())
    assert kept == schema(), "docs/record.schema.json is out of date; run: preflight schema"
    jsonschema.validate(ready.record(), kept)
    needed = {
        "schema",
        "verdict",
        "stage",
        "exit_status",
        "rehearsal",
        "partial",
        "target",
        "suite",
        "started",
        "finished",
        "footprint",
        "items",
    }
    assert needed <= set(ready.record())


def test_what_the_target_says_stays_harmless(ready: Project) -> None:
    evil = "<script>alert(1)</script>\x1b[2J\u202e' onmouseover='x"
    ready.tests(three(f"    evidence.fact({evil!r}, {evil!r})\n    assert False, {evil!r}\n"))
    result = ready.run()
    page = (ready.path / "reports" / "latest" / "record.html").read_text()
    assert "<script>alert(1)</script>" not in page
    assert "\x1b[2J" not in result.stdout.str() + page
    assert "\u202e" not in page


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_secret_that_is_learned_late_stands_nowhere(ready: Project, workers: str) -> None:
    late = "Q7-the-secret-of-a-file-41"
    ready.checklist(*(entry(f"SEC-0{n}") for n in (1, 2)))
    ready.tests(
        f'@item("SEC-01")\ndef test_1(api, evidence):\n{LOOK}    evidence.fact("line", "login with {late} failed")\n'
        f'@item("SEC-02")\ndef test_2(api, evidence, target):\n{LOOK}'
        f'    from preflight.redact import Secret\n    target.learn(Secret("{late}"))\n'
    )
    assert ready.run(workers).ret == 0
    (folder,) = (ready.path / "reports").glob("test-*")
    holding = [path.name for path in folder.rglob("*") if path.is_file() and late in path.read_text("utf-8", "replace")]
    assert holding == []
    assert "[redacted]" in (folder / "record.json").read_text()
