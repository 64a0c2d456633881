"""What a failure looks like at 80 columns, and that the command in it can be copied."""

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.checklist import load
from preflight.evidence import Evidence
from preflight.judge import Judged
from preflight.outcome import Status
from preflight.terminal import failure, shell_lines

_CURL = (
    'curl -i --path-as-is -m 15 -X POST --cacert /etc/ssl/our-ca.pem -H "Authorization: Bearer $TOKEN" '
    "-H 'X-Forwarded-For: 203.0.113.7' --data-binary '{\"scene\": \"res://scenes/main menu.tscn\"}' https://api.example.com/scene"
)


def test_no_line_of_a_failure_is_longer_than_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    item = load().item[0].model_copy(update={"title": "A title that says a good deal, " * 4})
    evidence = Evidence(item, reproduce=[_CURL])
    text = failure(Judged(Status.FAIL, "a case", "what was seen " * 20), item, evidence)
    assert max(map(len, text.splitlines())) <= 80
    assert "Bearer $TOKEN" in text


def test_broken_command_is_the_same_command():
    lines = shell_lines(_CURL, 68)
    assert len(lines) > 2
    assert shlex.split(" ".join(line.removesuffix(" \\") for line in lines)) == shlex.split(_CURL)
    said = subprocess.run(
        ["sh", "-c", "curl() { printf '%s\\n' \"$@\"; }\nTOKEN=t\n" + "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.splitlines() == shlex.split(_CURL.replace("$TOKEN", "t"))[1:]


@pytest.mark.parametrize("command", ["echo 'no end", "two  spaces", ""])
def test_what_is_no_plain_command_stays_whole(command):
    assert shell_lines(command, 10) == [command]


@given(st.lists(st.text(min_size=1), min_size=1), st.integers(1, 120))
def test_any_quoted_words_survive(words, columns):
    command = " ".join(map(shlex.quote, words))
    assert " ".join(line.removesuffix(" \\") for line in shell_lines(command, columns)) == command
