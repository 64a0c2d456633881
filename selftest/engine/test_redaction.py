"""Secrets appear nowhere: in no spelling, through no channel."""

from __future__ import annotations

import base64
import html
import json
import shlex
from urllib.parse import quote

import markupsafe
import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.redact import MASK, Redactor, Secret, printable
from selftest.conftest import SECRET, Project, entry

OF_PROGRAMS = (
    lambda s: str(markupsafe.escape(s)),
    lambda s: str(markupsafe.escape(s)).replace("+", "&#43;"),
    lambda s: shlex.quote(f"{s} ")[1:-2],
    lambda s: repr(s)[1:-1],
)
"""As templates of Jinja and of Go, shells and Python itself write a text."""

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=60)


@given(secrets, st.text(max_size=20), st.text(max_size=20))
def test_no_spelling_of_a_secret_is_left(secret: str, before: str, after: str) -> None:
    redact = Redactor([secret])
    for spell in (str, quote, lambda s: quote(s, safe=""), html.escape, lambda s: json.dumps(s)[1:-1], *OF_PROGRAMS):
        assert spell(secret) not in redact(f"{before}{spell(secret)}{after}").replace(MASK, "")


@given(st.binary(max_size=7), st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.", min_size=12, max_size=60), st.binary(max_size=7))
def test_base64_at_any_offset_is_left_out(before: bytes, secret: str, after: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        coded = encode(before + secret.encode() + after).decode()
        left = Redactor([secret])(coded).replace(MASK, "")
        middle = encode(secret.encode()).decode().rstrip("=")[4:-4]
        assert middle not in left


@given(st.text())
def test_text_without_secrets_is_left_alone(text: str) -> None:
    assert (
        Redactor(["a-secret-nobody-writes"])(text).count(MASK) == 0 or "ey" in text or "BEGIN" in text or "earer" in text.lower()
    )


def test_what_looks_like_a_token_goes_even_when_nobody_declared_it() -> None:
    redact = Redactor()
    assert SECRET not in redact(f"token={SECRET} and more")
    assert "abcdefghijklmnop123" not in redact("Authorization: Bearer abcdefghijklmnop123")
    assert "MIIB" not in redact("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("token=", "&more"),
        ("x-", ""),
        ("--header-", " y"),
        ("a.b-c.", "."),
        ('"', '"'),
        ('\\"', '\\"'),
        ("eyJ-", ""),
        ("eyJ.", ""),
        ("?next=%2Fscene%3Ftoken%3D", "%26x"),
        ("%22", "%22"),
        ("a-" * 500, "-a" * 500),
    ],
)
def test_a_token_goes_whatever_it_is_glued_to(before: str, after: str) -> None:
    shown = Redactor()(f"{before}{SECRET}{after}")

    assert MASK in shown
    assert all(len(part) < 8 or part not in shown for part in SECRET.split("."))


@pytest.mark.parametrize("text", ["the keyJournal.save", "eyJ.eyJ", "eyJabc", "surveyJson99.parse", "100%eyJabcdef"])
def test_what_is_no_token_stays(text: str) -> None:
    assert Redactor()(text) == text


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2hunter2")
    assert "hunter2" not in f"{secret!r} {secret} {[secret]} {secret:>20}"
    with pytest.raises(TypeError):
        json.dumps(secret)


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    shown = printable(text, 100)
    assert len(shown) <= 100 * 10 + 1
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2066\u200f" for c in shown)


CHANNELS = """
import logging, sys, warnings

@pytest.fixture
def leaky():
    print("fixture", SECRET)
    yield
    sys.stderr.write("teardown " + SECRET)

@item("SEC-01")
@pytest.mark.parametrize("n", range(6))
def test_it(api, evidence, record_property, leaky, n):
    local = SECRET
    print("stdout", SECRET); sys.stderr.write("stderr " + SECRET + "\\n")
    logging.getLogger("some.library").warning("log %s", SECRET)
    record_property("property", SECRET)
    evidence.request(api.get("/leak", token=SECRET))
    evidence.fact("fact " + SECRET, SECRET)
    evidence.how("curl -H 'Authorization: " + SECRET + "'")
    evidence.samples["s"] = [SECRET]
    if n == 1: assert False, SECRET
    if n == 2: raise ValueError(SECRET)
    if n == 3: raise Undecided("needs a person", SECRET)
    if n == 4: raise LookError(SECRET)
    if n == 5: evidence.warn(SECRET)
"""


@pytest.mark.parametrize(
    "options",
    [[], ["-s"], ["--showlocals", "-vv", "--tb=long"], ["-o", "log_cli=true", "-o", "log_cli_level=DEBUG"], ["-n", "2"], ["-rA"]],
    ids=lambda options: " ".join(options) or "plain",
)
def test_no_channel_shows_a_secret(project: Project, options: list[str]) -> None:
    project.checklist(entry("SEC-01"))
    project.tests(f'import os\nSECRET = os.environ["PROJECT_TOKEN"]\n{CHANNELS}')

    result = project.run(*options, "--junitxml=plain.xml")

    assert result.ret in (1, 7)
    written = [
        p for p in project.path.rglob("*") if p.is_file() and p.suffix in (".json", ".jsonl", ".html", ".xml", ".txt", ".part")
    ]
    assert len(written) > 4
    middle = SECRET.split(".")[1]
    for text in [result.stdout.str(), result.stderr.str(), *(p.read_text("utf-8") for p in written)]:
        assert SECRET not in text
        assert middle not in text
        assert quote(SECRET, safe="") not in text
        assert base64.b64encode(SECRET.encode()).decode()[4:-4] not in text
