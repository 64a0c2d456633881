"""Who is let in: the token of a request, judged and written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from preflight.rehearsal import tokens
from preflight.rehearsal.behaviour import Authentication
from preflight.rehearsal.guard import Guard
from preflight.rehearsal.journal import Journal
from preflight.rehearsal.metrics import Metrics
from preflight.rehearsal.visit import Visit


class NotLetIn(Exception):
    """The request is refused with `status`."""

    def __init__(self, status: int, message: str, why: str) -> None:
        super().__init__(message)
        self.status, self.message, self.why = status, message, why


@dataclass(frozen=True)
class Badge:
    """What a request was let in with; empty at an open endpoint."""

    token: str = ""
    claims: dict[str, Any] = field(default_factory=dict)


class Doorman:
    """The authentication of one game process. `revoked` holds the tokens that a rotation ended."""

    def __init__(self, rules: Authentication, keys: tokens.Keyring, guard: Guard, journal: Journal, metrics: Metrics) -> None:
        self._rules, self._keys = rules, keys
        self._guard, self._journal, self._metrics = guard, journal, metrics
        self.revoked: set[str] = set()

    def open(self, endpoint: str) -> bool:
        """Whether the endpoint needs no token."""
        every = f"* {endpoint.partition(' ')[2]}"
        return not self._rules.enforced or endpoint in self._rules.open_endpoints or every in self._rules.open_endpoints

    def let_in(self, visit: Visit, now: float) -> Badge:
        """The badge of a request whose token is good. Raises NotLetIn."""
        if self.open(visit.endpoint):
            return Badge()
        header = visit.headers.get("authorization", "")
        token = self._token(header, visit.query)
        if not token:
            # A header that holds no token is no login either: nothing was tried that could be guessed.
            why = "malformed authorization header" if header else "no token"
            self._write(visit, "missing_token", why, now)
            raise NotLetIn(self._rules.malformed_status if header else 401, "Missing or invalid authentication token", why)
        try:
            claims = self._claims(token, visit.endpoint, now)
        except tokens.TokenRefused as refusal:
            self._write(visit, refusal.result, str(refusal), now)
            self._guard.failed_login(visit.address, tokens.identity(token), now)
            raise NotLetIn(401, "Missing or invalid authentication token", "invalid or expired token") from refusal
        self._metrics.logins.labels("success").inc()
        self._journal.audit("AUTH_SUCCESS", visit.address, visit.path, f"{visit.method} by {claims.get('sub')!a}", now)
        return Badge(token, claims)

    def _token(self, header: str, query: dict[str, str]) -> str:
        rules = self._rules
        scheme, _, rest = header.partition(" ")
        if scheme == "Bearer" or (rules.scheme_any_case and scheme.lower() == "bearer"):
            return rest.strip()
        if rules.bare_token and scheme.count(".") == 2:
            return scheme
        return next((query[name] for name in rules.token_in_query if query.get(name)), "")

    def _claims(self, token: str, endpoint: str, now: float) -> dict[str, Any]:
        claims = tokens.check(token, self._keys, self._rules, now=now)
        if token in self.revoked:
            raise tokens.TokenRefused("invalid_token", "token was rotated")
        if {endpoint, "*"} & set(self._rules.refuse_always):
            raise tokens.TokenRefused("invalid_token", "token refused")
        return claims

    def _write(self, visit: Visit, result: str, why: str, now: float) -> None:
        self._metrics.logins.labels(result).inc()
        self._journal.audit("AUTH_FAILURE", visit.address, visit.path, why, now)
