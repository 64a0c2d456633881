"""A server of known delays, for the tests of the generator."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def truth() -> Iterator[str]:
    """The URL of a server that delays each answer as its path says (see truth_server)."""
    child = subprocess.Popen(
        [sys.executable, "-m", "selftest.measure.truth_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}"
    finally:
        child.stdin.close()
        child.wait(10)
