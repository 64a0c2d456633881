"""A server of known delays, for the tests of the generator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from selftest.measure import truth as server


@pytest.fixture(scope="session")
def truth() -> Iterator[str]:
    """The URL of a server that delays each answer as its path says (see truth_server)."""
    with server.truth() as url:
        yield url
