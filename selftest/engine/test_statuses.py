"""What a test does becomes the right status, the right pytest outcome and the right exit status."""

from __future__ import annotations

import pytest

from selftest.conftest import Project, entry

LOOK = "    evidence.request(api.get('/health'))\n"


@pytest.mark.parametrize(
    ("body", "severity", "status", "verdict", "exit_status"),
    [
        (LOOK, "mandatory", "PASS", "GO", 0),
        (LOOK + "    assert 1 == 2, 'it is broken'", "mandatory", "FAIL", "NO-GO", 1),
        (LOOK + "    assert 1 == 2, 'it is broken'", "red_flag", "FAIL", "NO-GO", 1),
        (LOOK + "    assert 1 == 2, 'it is broken'", "warning", "WARN", "GO WITH WARNINGS", 0),
        (LOOK + "    evidence.warn('not proven')", "red_flag", "WARN", "GO WITH WARNINGS", 0),
        ("    pass", "mandatory", "ERROR", "INVALID", 7),
        ("    raise ValueError('odd')", "warning", "ERROR", "INVALID", 7),
        ("    raise LookError('could not look')", "warning", "ERROR", "INVALID", 7),
        ("    pytest.skip('just so')", "mandatory", "ERROR", "INVALID", 7),
        ("    pytest.xfail('just so')", "warning", "ERROR", "INVALID", 7),
        ("    raise NotApplicable('there is none')", "mandatory", "NOT APPLICABLE", "GO", 0),
        (LOOK + "    import json; json.loads('{')", "warning", "ERROR", "INVALID", 7),
    ],
)
def test_a_test_gives_its_item_the_status_of_what_it_did(
    project: Project, body: str, severity: str, status: str, verdict: str, exit_status: int
) -> None:
    project.checklist(entry("SEC-01", severity=severity))
    project.tests(f'@item("SEC-01")\ndef test_it(api, evidence):\n{body}\n')

    result = project.run()

    record = project.record()
    assert project.statuses() == {"SEC-01": status}
    assert (record["verdict"], record["exit_status"], result.ret) == (verdict, exit_status, exit_status)


def test_the_worst_of_several_tests_decides(project: Project) -> None:
    project.checklist(entry("SEC-01"))
    project.tests(
        f'@item("SEC-01")\n@pytest.mark.parametrize("n", [1, 2, 3])\ndef test_it(api, evidence, n):\n{LOOK}    assert n != 2, "two"\n'
    )

    assert project.run().ret == 1

    item = project.record()["items"][0]
    assert (item["status"], item["code"], item["reason"]) == ("FAIL", "test_it[2]", "two")
    assert item["evidence"] == {"requests": 3}


def test_a_broken_limit_has_the_severity_of_the_limit(project: Project) -> None:
    limits = [
        {"name": "memory", "unit": "MB", "severity": "warning", "at_most": 810},
        {"name": "memory", "unit": "MB", "severity": "red_flag", "at_most": 1000},
    ]
    project.checklist(*(entry(f"SEC-0{n}", severity="red_flag", limits=limits) for n in (1, 2, 3)))
    project.tests(
        "".join(
            f'@item("SEC-0{n}")\ndef test_{n}(api, evidence):\n{LOOK}    evidence.judge("memory", {value})\n'
            for n, value in ((1, 810), (2, 811), (3, 1001))
        )
    )

    project.run()

    assert project.statuses() == {"SEC-01": "PASS", "SEC-02": "WARN", "SEC-03": "FAIL"}
    assert [(i["value"], i["limit"], i["unit"]) for i in project.record()["items"]] == [
        (810, "<= 1000 MB", "MB"),
        (811, "<= 810 MB", "MB"),
        (1001, "<= 1000 MB", "MB"),
    ]


def test_an_error_in_setup_or_teardown_is_an_error_whatever_the_severity(project: Project) -> None:
    project.checklist(entry("SEC-01", severity="warning"), entry("SEC-02", severity="warning"))
    project.tests(
        "@pytest.fixture\ndef before():\n    assert False, 'set-up'\n"
        "@pytest.fixture\ndef after():\n    yield\n    assert False, 'tear-down'\n"
        f'@item("SEC-01")\ndef test_1(api, evidence, before):\n{LOOK}'
        f'@item("SEC-02")\ndef test_2(api, evidence, after):\n{LOOK}'
    )

    assert project.run().ret == 7
    assert project.statuses() == {"SEC-01": "ERROR", "SEC-02": "ERROR"}


def test_an_assertion_inside_a_library_is_not_the_targets_fault(project: Project) -> None:
    (project.path / "library.py").write_text("def boom():\n    assert False, 'a bug of ours'\n")
    project.checklist(entry("SEC-01"))
    project.tests(
        f'import sys; sys.path.insert(0, "{project.path}")\n@item("SEC-01")\ndef test_it(api, evidence):\n{LOOK}    import library; library.boom()\n'
    )

    assert project.run().ret == 7
    assert project.statuses() == {"SEC-01": "ERROR"}


def test_a_server_that_is_not_there_fails_only_where_that_is_the_point(project: Project) -> None:
    project.url = "http://127.0.0.1:1"
    project.target()
    project.checklist(entry("SEC-01", reachability=True), entry("SEC-02"), entry("SEC-03", severity="warning"))
    project.tests("".join(f'@item("SEC-0{n}")\ndef test_{n}(api, evidence):\n{LOOK}' for n in (1, 2, 3)))

    assert project.run().ret == 1
    assert project.statuses() == {"SEC-01": "FAIL", "SEC-02": "ERROR", "SEC-03": "ERROR"}
    assert "connection refused" in project.record()["items"][0]["reason"]


def test_what_is_declared_absent_is_not_looked_at(project: Project) -> None:
    project.target('[absent]\nmultiplayer = "single player only"')
    project.checklist(entry("SEC-01", needs=["multiplayer"]), entry("SEC-02", needs=["prometheus"]))
    project.tests("".join(f'@item("SEC-0{n}")\ndef test_{n}(api, evidence):\n    assert False\n' for n in (1, 2)))

    assert project.run().ret == 6
    assert project.statuses() == {"SEC-01": "NOT APPLICABLE", "SEC-02": "PENDING"}
    assert "[prometheus]" in project.record()["items"][1]["reason"]


def test_an_effect_needs_consent_and_a_run_of_its_own(project: Project) -> None:
    project.checklist(entry("SEC-01", effect="empties a bucket", consent="limiter"), entry("SEC-02", measuring=True))
    project.tests("".join(f'@item("SEC-0{n}")\ndef test_{n}(api, evidence):\n{LOOK}' for n in (1, 2)))

    assert project.run().ret == 6
    assert project.statuses() == {"SEC-01": "PENDING", "SEC-02": "PASS"}
    assert project.run("--intrusive").ret == 0
    assert project.statuses() == {"SEC-01": "PASS", "SEC-02": "PASS"}
    assert project.run("--intrusive", "-n", "2").ret == 6
    assert {i["code"] for i in project.record()["items"]} == {"run without -n"}


def test_later_stages_are_listed_and_do_not_count(project: Project) -> None:
    project.checklist(entry("SEC-01"), entry("SEC-02", stage="immediate"), entry("SEC-03", stage="signoff"))
    project.tests("".join(f'@item("SEC-0{n}")\ndef test_{n}(api, evidence):\n{LOOK}    assert {n} == 1\n' for n in (1, 2, 3)))

    assert project.run().ret == 0
    record = project.record()
    assert (record["verdict"], record["stage"], record["partial"]) == ("GO", "predeploy", False)
    assert [i["code"] for i in record["items"]] == ["", "later stage", "later stage"]

    assert project.run("--stage", "signoff").ret == 1
    assert project.record()["items"][2]["status"] == "FAIL"


def test_a_selection_says_that_it_is_partial(project: Project) -> None:
    project.checklist(entry("SEC-01"), entry("SEC-02", severity="red_flag"))
    project.tests("".join(f'@item("SEC-0{n}")\ndef test_{n}(api, evidence):\n{LOOK}' for n in (1, 2)))

    result = project.run("-m", "red_flag")

    assert result.ret == 0
    assert project.record()["partial"] is True
    result.stdout.fnmatch_lines(["*Verdict (predeploy): GO, partial: 1 of 2 items"])
