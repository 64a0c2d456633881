"""The user's mistakes: one clear sentence each, the right exit status, nothing sent, no traceback."""

from __future__ import annotations

import pytest

from selftest.conftest import Project, entry

TEST = '@item("SEC-01")\ndef test_it(api, evidence):\n    evidence.request(api.get("/health"))\n'


@pytest.fixture
def ready(project: Project) -> Project:
    project.checklist(entry("SEC-01"))
    project.tests(TEST)
    return project


def said(result: pytest.RunResult) -> str:
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    return text


def test_without_a_target_nothing_runs(ready: Project) -> None:
    (ready.path / "target.toml").unlink()
    result = ready.run()
    assert result.ret == 4
    assert "no target: give --target FILE" in said(result)
    assert not (ready.path / "reports").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[api", "not valid TOML"),
        (
            'name = "x"\nbuild = "1"\n[api]\nurl = "https://<your host>"',
            "line 4: api.url still holds the placeholder 'https://<your host>'",
        ),
        ('name = "x"\nbuild = "1"\n[api]\nurl = "https://h"\nulr = "x"', "line 5: unknown key api.ulr; did you mean url?"),
        ('name = "x"\nbuild = "1"\n[api]\nurl = "host:80"', "line 4: api.url: 'host:80' is no http or https URL"),
        ('name = "x"\n[api]\nurl = "https://h"', "build is missing"),
        ('name = "x"\nbuild = "1"\n[api]\nurl = "https://h"\n[secrets]\ntoken = "hunter2hunter2"', "never the secret itself"),
        ('name = "x"\nbuild = "1"\n[api]\nurl = "https://h"\n[secrets]\ntoken = "env:NOT_THERE"', "NOT_THERE is not set"),
        ('name = "x"\nbuild = "1"\n[api]\nurl = "https://u:p@h"', "must not carry a user or password"),
    ],
)
def test_a_bad_target_is_named_by_key_file_and_line(ready: Project, text: str, sentence: str) -> None:
    (ready.path / "target.toml").write_text(text)
    result = ready.run()
    assert result.ret == 4
    assert sentence in said(result)
    assert "hunter2" not in said(result)


def test_a_secret_file_others_can_read_is_refused(ready: Project) -> None:
    (ready.path / "token").write_text("some-token-value")
    (ready.path / "token").chmod(0o644)
    ready.target(token="file:token")
    result = ready.run()
    assert result.ret == 4
    assert "chmod 600" in said(result)


@pytest.mark.parametrize("option", ["--runxfail"])
def test_options_that_turn_warnings_green_are_refused(ready: Project, option: str) -> None:
    assert ready.run(option).ret == 4


def test_a_test_without_an_item_or_with_an_unknown_one_is_refused(ready: Project) -> None:
    ready.tests("def test_more(api):\n    pass\n", "test_more.py")
    result = ready.run()
    assert result.ret == 4
    assert "names no item" in said(result)
    ready.tests('@item("SEC-99")\ndef test_more(api):\n    pass\n', "test_more.py")
    for options in ([], ["-n", "2"]):
        result = ready.run(*options)
        assert result.ret == 4
        assert "names the unknown item SEC-99" in said(result)


def test_an_item_without_a_test_is_refused_when_all_is_collected(ready: Project) -> None:
    ready.checklist(entry("SEC-01"), entry("SEC-02"))
    result = ready.run()
    assert result.ret == 4
    assert "no test answers SEC-02" in said(result)
    assert ready.run("tests/security/test_it.py").ret == 0


def test_a_broken_checklist_is_one_sentence(ready: Project) -> None:
    ready.checklist(entry("SEC-01"), entry("SEC-01"))
    result = ready.run()
    assert result.ret == 4
    assert "SEC-01 stands twice" in said(result)


def test_a_folder_that_cannot_be_written_is_named(ready: Project) -> None:
    (ready.path / "file").write_text("")
    result = ready.run("--record", "file")
    assert result.ret == 4
    assert "--record DIR" in said(result)


def test_a_waiver_of_a_red_flag_or_of_nothing_is_refused(ready: Project) -> None:
    body = 'reason = "known and small"\napprover = "release manager"\nrisk = "little"\nticket = "T-1"\nuntil = 2999-01-01T00:00:00Z\n'
    ready.checklist(entry("SEC-01", severity="red_flag"))
    (ready.path / "waivers.toml").write_text(f'[[waiver]]\nitem = "SEC-01"\n{body}')
    assert "SEC-01 is a red flag" in said(ready.run())
    (ready.path / "waivers.toml").write_text(f'[[waiver]]\nitem = "SEC-77"\n{body}')
    result = ready.run()
    assert "unknown item SEC-77" in said(result)
    assert result.ret == 4


def test_the_plan_sends_nothing(ready: Project) -> None:
    ready.url = "http://127.0.0.1:1"
    ready.target()
    ready.checklist(entry("SEC-01", sends={"GET /health": 3}, effect="empties a bucket", consent="limiter"))
    result = ready.run("--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*effect of SEC-01: empties a bucket", "*NOT agreed*"])
    assert not (ready.path / "reports" / "latest").exists()


def test_an_unknown_option_is_pytests_own_usage_error(ready: Project) -> None:
    assert ready.run("--targte", "x").ret == 4


def test_pending_needs_a_record(ready: Project) -> None:
    result = ready.run("--pending", "nothing.json")
    assert result.ret == 4
    assert "there is no such record" in said(result)


TWO = '@item("SEC-01")\ndef test_a(api, evidence):\n    evidence.request(api.get("/health"))\n\n@item("SEC-01")\ndef test_b(api, evidence):\n    evidence.request(api.get("/health"))\n    assert False, "b"\n'


@pytest.mark.parametrize(
    "selection", [("--deselect", "tests/security/test_it.py::test_b"), ("-k", "not test_b"), ("-n1", "-k", "not test_b")]
)
def test_an_item_that_is_selected_in_part_is_not_decided(ready: Project, selection: tuple[str, ...]) -> None:
    ready.tests(TWO)
    assert ready.run().ret == 1
    assert ready.run(*selection).ret == 6
    (item,) = ready.record()["items"]
    assert (item["status"], item["code"]) == ("PENDING", "only in part selected")


@pytest.mark.parametrize("more", [("-n1",), ("-n1", "tests/security"), ("--continue-on-collection-errors",)])
def test_tests_that_can_not_be_collected_leave_no_verdict(ready: Project, more: tuple[str, ...]) -> None:
    ready.tests("import nosuchmodule\n", "test_broken.py")
    result = ready.run(*more)
    assert result.ret not in (0, 6)
    assert ready.record()["verdict"] == "INVALID"
    assert ready.run("--plan").ret == 2


def test_of_a_test_that_several_workers_ran_the_worst_counts(ready: Project) -> None:
    ready.tests(TEST + '    import os\n    assert os.environ["PYTEST_XDIST_WORKER"] != "gw0", "here"\n')
    assert ready.run("-n2", "--dist", "each").ret == 1
    assert ready.statuses() == {"SEC-01": "FAIL"}


def test_a_limit_that_no_item_has_is_refused(ready: Project) -> None:
    for key, words in (
        ("SEC-01.alowed.red_flag", "no item has such a limit"),
        ("NO-SUCH-99.foo.bar", "no item has such a limit"),
    ):
        ready.target(f'[limits]\n"{key}" = 1')
        result = ready.run()
        assert result.ret == 4
        assert words in said(result)


def test_pending_needs_a_record_with_workers_too(ready: Project) -> None:
    result = ready.run("-n1", "--pending", "nosuch.json")
    assert result.ret == 4
    assert "nosuch.json" in said(result)
