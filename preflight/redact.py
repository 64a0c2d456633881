"""Secrets never leave the run: one place that knows them, one function that takes them out of text.

Known secrets are removed in every spelling a report may carry (as they are, URL-, JSON-, HTML-escaped, base64 at
any offset, and each of these escaped once more); whatever looks like a JSON Web Token or a bearer credential is removed even when nobody declared it.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

MASK = "[redacted]"
_SHORT = 100
"""Characters: texts up to that length come again and again, so what became of them is remembered."""
_SHORTEST = 6  # a shorter "secret" would blank out half of the report and protect nothing

# the first "eyJ" of a run of letters decides for all: looking once a run, by atomic groups, keeps a long one from
# taking the square of its length. A percent code ends in a letter or digit and is no part of the token behind it.
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9_-])((?>[A-Za-z0-9_-]*?(?:\b|(?<=%[0-9A-Fa-f]{2}))(?=eyJ)))"
    r"(?>eyJ[A-Za-z0-9_-]{5,}={0,2})\.[A-Za-z0-9_-]{2,}={0,2}(?:\.[A-Za-z0-9_-]*={0,2})?"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+|%20|\+)(?!\[redacted\])([A-Za-z0-9._~+/=-]{16,})")
_SHORTEST_BEARER = len("basic") + 1 + 16
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


class Secret:
    """A value that does not show itself: not by str, repr, format or pickling into a report."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a secret is not written anywhere")


def _escaped(text: str) -> set[str]:
    """`text` as JSON, HTML and addresses write it; small letters in %2f are as good as capitals."""
    address = {quote(text, safe=safe, errors="surrogatepass") for safe in ("", "/")}
    address |= {re.sub("%..", lambda code: code[0].lower(), form) for form in address} | {
        quote_plus(text, errors="surrogatepass")
    }
    numbered = html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    plain = {
        html.escape(text),
        html.escape(text, quote=False),
        numbered,
        numbered.replace("+", "&#43;"),  # as pages of programs in Go write it
        text.replace("'", "'\"'\"'"),  # between single quotes of a shell
        repr(text)[1:-1],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
    }
    return address | plain


def spellings(secret: str) -> set[str]:
    """Every form in which `secret` may stand in a text."""
    try:
        raw = secret.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, which YAML and JSON can name
        raw = secret.encode("utf-8", "surrogatepass")
    found = {secret, *_escaped(secret), quote(raw), quote(raw, safe=""), raw.hex(), raw.hex().upper()}
    # base64 of a text that holds the secret at any of the three alignments: the middle is the same every time
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            coded = encode(b"\0" * offset + raw).decode()
            start = (0, 2, 3)[offset]
            end = len(coded.rstrip("=")) - (0 if (offset + len(raw)) % 3 == 0 else 1)
            found.add(coded[start:end])
    # an address inside JSON, JSON inside JSON, base64 in an address: escaped once more
    found |= {again for form in found for again in _escaped(form)}
    return {form for form in found if len(form) >= _SHORTEST}


class Redactor:
    """Takes the secrets it was given, and what looks like one, out of text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: frozenset[str] = frozenset()
        self._made: tuple[frozenset[str], re.Pattern[str]] | None = None  # of these forms, which others may have replaced since
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Take these out as well from now on."""
        for secret in secrets:
            if len(secret) >= _SHORTEST:
                self._forms |= spellings(secret)
        self._short = lru_cache(1024)(self)

    def _known(self) -> re.Pattern[str]:
        """What matches every form; made when it is first needed, as secrets come in handfuls."""
        forms, made = self._forms, self._made
        if made is None or made[0] is not forms:
            made = self._made = forms, re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
        return made[1]

    def __call__(self, text: str) -> str:
        """`text` without secrets."""
        if self._forms:
            text = self._known().sub(MASK, text)
        # few texts can have them, and to see that takes a hundredth of the time
        if "-----BEGIN" in text:
            text = _PRIVATE_KEY.sub(MASK, text)
        if "eyJ" in text:
            text = _TOKEN.sub(rf"\1{MASK}", text)
        return _BEARER.sub(rf"\1\2{MASK}", text) if len(text) >= _SHORTEST_BEARER else text

    def tree(self, value: Any) -> Any:
        """`value` (of lists, dictionaries, strings, numbers) with every string redacted, keys included."""
        short = self._short

        def redacted(value: Any) -> Any:
            if isinstance(value, str):
                return short(value) if len(value) <= _SHORT else self(value)
            if isinstance(value, dict):
                return {redacted(key): redacted(entry) for key, entry in value.items()}
            if isinstance(value, list | tuple):
                return [redacted(entry) for entry in value]
            return value

        return redacted(value)

    def install_logging(self) -> None:
        """Redact every log record made from now on, whoever made it and whoever prints it."""
        make = logging.getLogRecordFactory()

        def redacted(*args: Any, **kwargs: Any) -> logging.LogRecord:
            record = make(*args, **kwargs)
            record.msg, record.args = self(record.getMessage()), ()
            if record.exc_info and not record.exc_text:
                record.exc_text = self(logging.Formatter().formatException(record.exc_info))
            return record

        logging.setLogRecordFactory(redacted)


class RedactingStream:
    """A text stream that redacts what is written to it: for a terminal that captures nothing (`-s`)."""

    def __init__(self, stream: TextIO, redact: Redactor) -> None:
        self._stream = stream
        self._redact = redact

    def write(self, text: str) -> int:
        """Write `text` without secrets; the length of the original, as callers expect."""
        self._stream.write(self._redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write all `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Known:
    """The redactor of this process. There is one: whoever knows a secret tells it here."""

    redactor = Redactor()


def know(redactor: Redactor) -> None:
    """From now on `printable` takes out what `redactor` knows."""
    _Known.redactor = redactor


def learn(secret: str) -> None:
    """Tell this process's redactor of a secret that was found while looking."""
    _Known.redactor.learn(secret)


def printable(text: str, limit: int = 300) -> str:
    """`text` without secrets, cut to `limit` characters, control and direction-changing characters as escapes.

    Whatever came from the target goes through here before a person sees it. Secrets go first: a cut or a line break
    inside one would leave a piece that nobody recognises.
    """
    text = _Known.redactor(text)
    cut = text[: limit + 1]
    if not cut.isprintable():  # which few texts are not; other spaces are not either, and stay
        shown = []
        for char in cut:
            if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
                shown.append(char.encode("unicode_escape").decode() if char != "\t" else " ")
            else:
                shown.append(char)
        cut = "".join(shown)
    return cut if len(text) <= limit else cut[:limit] + "…"
