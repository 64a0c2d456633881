"""What an answer allows other origins to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from preflight.probes.answers import PRODUCTION_ORIGINS
from preflight.probes.http import Answer

METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"})
"""The four of checklist.md line 887, and the two that browsers send without asking."""


@dataclass(frozen=True)
class Permission:
    """The CORS headers of one answer, lower case, as a browser reads them."""

    origin: str
    credentials: bool
    methods: frozenset[str]

    @property
    def any_origin(self) -> bool:
        """Whether every origin is allowed."""
        return "*" in self.origin

    def grants(self, origin: str) -> bool:
        """Whether a browser on `origin` may read the answer; "null" is an origin that anybody can have."""
        allowed = self.origin.strip().rstrip("/")
        return self.any_origin or allowed == origin.lower().rstrip("/") or allowed == "null"


def agreed(origins: Iterable[str], *, off: bool) -> bool:
    """Whether a list of origins is as agreed: exactly the two of production (docs/rulings.md: 198, 213-215).

    Where CORS is `off` the list lets nobody in and need not be whole; it holds no other origin all the same.
    """
    listed = {origin.rstrip("/").lower() for origin in origins}
    return listed <= set(PRODUCTION_ORIGINS) if off else listed == set(PRODUCTION_ORIGINS)


def permission(answer: Answer) -> Permission:
    """What `answer` permits."""
    methods = (answer.header("Access-Control-Allow-Methods") or "").upper().replace(" ", "")
    return Permission(
        origin=(answer.header("Access-Control-Allow-Origin") or "").lower(),
        credentials=(answer.header("Access-Control-Allow-Credentials") or "").strip().lower() == "true",
        methods=frozenset(methods.split(",")) - {""},
    )
