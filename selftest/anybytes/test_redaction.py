"""Redaction leaves no planted secret, however it is spelt, wherever it stands, and whatever stands around it."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.redact import MASK, Redactor
from selftest.anybytes.making import tries

SECRETS = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~+/=!$&'\"<>\\ %äé", min_size=12, max_size=60
).filter(lambda text: text.strip() == text and len(set(text)) > 5)
AROUND = st.text(max_size=8)


def json_in(text: str) -> str:
    return json.dumps(text)[1:-1]


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def urlsafe_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    quote,
    lambda text: quote(text, safe=""),
    quote_plus,
    lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")),
    html.escape,
    json_in,
    lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    base64_of,
    urlsafe_of,
    lambda text: text.encode().hex(),
)
OUTER: tuple[Callable[[str], str], ...] = (str, json_in, html.escape, lambda text: quote(text, safe=""), quote_plus)


@given(SECRETS, AROUND, AROUND, st.sampled_from(SPELLINGS), st.sampled_from(OUTER))
@tries(400)
def test_no_spelling_inside_another_shows_a_secret(
    secret: str, before: str, after: str, spell: Callable[[str], str], outer: Callable[[str], str]
) -> None:
    planted = outer(spell(secret))
    left = Redactor([secret])(f"{before}{planted}{after}").replace(MASK, "\0")
    assert planted not in left
    assert secret not in left


@given(SECRETS, st.binary(max_size=9), st.binary(max_size=9), st.booleans(), st.sampled_from(OUTER))
@tries(300)
def test_base64_of_a_text_that_holds_a_secret_shows_none(
    secret: str, before: bytes, after: bytes, urlsafe: bool, outer: Callable[[str], str]
) -> None:
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    left = Redactor([secret])(outer(encode(before + secret.encode() + after).decode())).replace(MASK, "\0")
    for offset in range(3):
        # the characters of base64 that hold nothing but the secret, at each alignment
        coded = encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        middle = coded[4 if offset else 0 : len(coded) - len(coded) % 4][:-4]
        assert len(middle) < 8 or outer(middle) not in left


@given(SECRETS, st.lists(st.sampled_from(SPELLINGS), min_size=1, max_size=4), AROUND)
@tries(200)
def test_a_tree_with_a_secret_in_every_place_shows_none(secret: str, spells: list[Callable[[str], str]], around: str) -> None:
    tree = {f"{around}{spell(secret)}": [spell(secret), {"deep": (around + spell(secret),)}, 5, None] for spell in spells}
    text = json.dumps(Redactor([secret]).tree(tree), ensure_ascii=False)
    for spell in spells:
        assert json.dumps(spell(secret), ensure_ascii=False)[1:-1] not in text.replace(MASK, "\0")


@pytest.mark.parametrize("secret", ["half-a-character-\ud800", "a-byte-that-is-no-utf8-\udc80"])
def test_a_secret_that_is_no_text_is_taken_out_as_well(secret: str) -> None:
    assert Redactor([secret])(f"a {secret} b") == f"a {MASK} b"
