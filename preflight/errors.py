"""What a probe may raise: could not look (ERROR), nobody can say yet (PENDING), does not apply.

A definite no is none of these: that is an AssertionError in a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from preflight.outcome import Reason


class UsageError(Exception):
    """The user asked for something that can't be: one sentence, exit status 4."""


@contextmanager
def writing(place: Path | str) -> Iterator[None]:
    """While the user has something written: what the system refuses is one sentence that names `place`."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{place} can't be written ({error.strerror})") from error


class LookError(Exception):
    """Could not look: one sentence with what happened, where, and what to do. The item is an ERROR."""


class Unreachable(LookError):
    """Refused, timed out or reset. A FAIL of items where reachability is the point, else an ERROR."""


class BadCertificate(Unreachable):
    """The server's certificate can't be verified, so that nothing secret is sent."""


class BadAnswer(LookError):
    """An answer came, but it can't be read as what it should be."""


class LockedOut(LookError):
    """The target refuses the suite (429) although nobody planned it: whatever would follow is not sent."""


class Undecided(Exception):
    """Looked as far as possible; somebody or something else has to decide. The item is PENDING."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class NotApplicable(Exception):
    """The target declares the part absent. The item is NOT APPLICABLE."""
