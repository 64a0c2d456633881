"""Whoever answers decides how long a text is and what stands in it: no search takes the square of its length."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from preflight.probes import headers, leaks
from preflight.probes.http import Answer
from preflight.redact import Redactor, printable


def judged_header(text: str) -> None:
    headers.sensitive(Answer("GET", "https://x.example/", 200, (("Server", text),), b"", 0.1, sent_token=False, curl=""))


def judged_text(text: str) -> None:
    list(leaks.credentials(text)), list(leaks.exposures(text))


def spent(look: Callable[[str], object], text: str) -> float:
    """Seconds of this process's own work: what else runs on the machine does not count."""
    start = time.process_time()
    look(text)
    return time.process_time() - start


@pytest.mark.parametrize("look", [judged_text, judged_header, Redactor(["a-secret-of-its-own"]), printable])
@pytest.mark.parametrize(
    "unit",
    ["a", "a-", "eyJaaaaa-", "eyJaaaaa.", "\n", "secret", "secret   ", "godot ", "at: a (", " at f((", "-----BEGIN "],
)
def test_time_grows_with_the_length_alone(look: Callable[[str], object], unit: str) -> None:
    for short in (1_000, 10_000):
        text = unit * (short // len(unit))
        # four times as long: four times as slow where it grows with the length, sixteen times with its square
        assert spent(look, text * 4) < 9 * spent(look, text) + 0.5
