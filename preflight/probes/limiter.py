"""The limiter and the bans, tried from addresses of their own: what is sent, and when it stops.

Never more than the checklist needs: one bucket is emptied, a refusal ends the burst, a ban ends the address.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from preflight.budget import BANNED_AT, DOCUMENTED_PER_MINUTE, Budget
from preflight.errors import LookError, Undecided
from preflight.outcome import Reason
from preflight.probes.api import PROTECTED, Api, retry_after
from preflight.probes.http import Answer
from preflight.redact import Secret
from preflight.target import Target

ALLOWED = DOCUMENTED_PER_MINUTE[PROTECTED]
_SPARE = 6  # requests beyond the bucket before "never refused" is said
_CLOSED = 3600.0
_PROVOCATIONS = BANNED_AT
_PROVOKED = 4
"""Refusals of the emptied bucket that are looked at, where the bucket regains a request in between: three as a rule."""
_SETTLES = 2.0
"""Seconds after which a front that takes so many requests a second has room again."""


def own_address(budget: Budget) -> str:
    """An address that nothing else uses. Raises Undecided where the operator gave none."""
    given = budget.fresh()
    if not given:
        raise Undecided(Reason.ADDRESS, "needs an address of its own: give [manners] addresses of this machine")
    return given[0]


@dataclass(frozen=True)
class Burst:
    """What came of emptying a bucket."""

    address: str
    admitted: int
    seconds: float
    refusal: Answer | None
    last: Answer

    @property
    def refused(self) -> Answer:
        """The refusal that ended the burst. Raises LookError where there was none, and where it is no limiter's.

        This machine's own bucket was full, so that a refusal of its first request is a lock-out from before.
        """
        if self.refusal is None:
            raise LookError(f"the limiter let {self.admitted} requests in and never refused, so there is no refusal to look at")
        if not (self.admitted or self.address):
            raise LookError(
                f"this machine is refused ({self.refusal.status_code}) at its first request: it was locked out before"
            )
        return self.refusal

    @property
    def allowed(self) -> float:
        """Requests let in, less those that the bucket regained while it was emptied."""
        return self.admitted - int(self.seconds * ALLOWED / 60.0)


def refused_at_once(answer: Answer, address: str) -> None:
    """Raises LookError where an address is refused at its very first request: what follows would say nothing of it."""
    if answer.status_code == 429:
        raise LookError(f"{address or 'this machine'} is refused (429) at its first request, so nothing follows (SEC-RATE-04)")


def _served(api: Api, token: Secret, address: str) -> None:
    """Raises LookError where an address is refused before anything was provoked: a refusal would be no ban."""
    answer = api.get("/status", token=token, address=address, paced=False, may_refuse=True)
    refused_at_once(answer, address)
    if answer.status_code >= 400:
        raise LookError(f"GET /status answers {address} with {answer.status_code} before anything was provoked")


def empty_bucket(api: Api, token: Secret, address: str) -> Burst:
    """GET /scene from `address` until the first refusal, or until one is overdue."""
    began = time.monotonic()
    admitted = 0
    while True:
        answer = api.get(PROTECTED, token=token, address=address, paced=False, may_refuse=True)
        seconds = time.monotonic() - began
        if answer.status_code == 401 or (answer.status_code == 403 and not admitted):
            raise LookError(f"the valid token is refused ({answer.status_code}), so that no bucket can be emptied")
        if answer.status_code >= 400:
            return Burst(address, admitted, seconds, answer, answer)
        admitted += 1
        if admitted > ALLOWED + _SPARE + seconds * ALLOWED / 60.0:
            return Burst(address, admitted, seconds, None, answer)


def must_be_watched(target: Target) -> None:
    """Raises Undecided where the operator has suspended intrusion detection: nobody would be banned."""
    if target.facts.manners.intrusion_detection_suspended:
        raise Undecided(Reason.OPERATOR, "[manners] intrusion_detection_suspended = true: let it watch again, and say so there")


def must_not_ban(budget: Budget, address: str) -> None:
    """Raises Undecided where the refusals that are looked at would ban the address, with those of an earlier run."""
    until = budget.provoked_until(address, _PROVOKED)
    if until:
        raise Undecided(
            Reason.WINDOW,
            f"the limiter has refused {address or 'this machine'} in a run before, as planned, and {BANNED_AT} refusals within ten"
            f" minutes ban: run this again after {datetime.fromtimestamp(until, UTC):%H:%M:%S} UTC, or give [manners] addresses",
        )


def spoofed(api: Api, token: Secret, burst: Burst) -> Answer:
    """What an emptied bucket says to a client that invents where its request comes from, in every header that says so, and a query."""
    invented = {"X-Forwarded-For": "198.51.100.4, 127.0.0.1", "X-Real-IP": "203.0.113.77", "Forwarded": "for=203.0.113.77"}
    path = f"{PROTECTED}?preflight=1"
    return api.get(path, token=token, address=burst.address, headers=invented, paced=False, may_refuse=True)


def refused_again(api: Api, token: Secret, burst: Burst) -> Answer:
    """The refusal of a request right now: what the bucket has regained since the burst is used up first.

    Raises LookError when the limiter does not refuse any more.
    """
    for _ in range(ALLOWED + _SPARE):
        answer = api.get(PROTECTED, token=token, address=burst.address, paced=False, may_refuse=True)
        if answer.status_code >= 400:
            return answer
    raise LookError(f"the bucket of {burst.address} was empty and can't be emptied again")


_BANNED = (403, 429, 503)


@dataclass(frozen=True)
class Ban:
    """What came of provoking a ban: the provocations, and what a rightful request got afterwards."""

    address: str
    provocations: list[Answer]
    afterwards: Answer

    @property
    def refusal(self) -> Answer:
        """The answer that announces the ban. Raises LookError where there is none."""
        if not self.banned:
            raise LookError(f"{self.address} was not banned ({self.afterwards.status_code}), so there is no ban to look at")
        return self.afterwards

    @property
    def banned(self) -> bool:
        """Whether a request with a valid token is now refused for whom it comes from, and not for anything else."""
        return self.afterwards.status_code in _BANNED


def by_bad_logins(api: Api, budget: Budget, token: Secret) -> Ban:
    """A rightful request, five failed logins within a minute, then one rightful request to another endpoint."""
    address = own_address(budget)
    _served(api, token, address)
    bad = token.reveal()[:-6] + "AAAAAA"  # one identity throughout: only the signature is spoilt
    tried: list[Answer] = []
    while len(tried) < _PROVOCATIONS:
        tried.append(api.get(PROTECTED, token=Secret(bad), address=address, paced=False, may_refuse=True, bad_login=True))
    return _ban(api, budget, token, address, tried)


def by_refusals(api: Api, budget: Budget, token: Secret) -> tuple[Burst, Answer, Ban]:
    """An emptied bucket and four more refusals, then one rightful request to another endpoint.

    The answer in the middle is what that endpoint said after the first refusal: too early for a ban.
    """
    address = own_address(budget)
    burst = empty_bucket(api, token, address)
    if not burst.admitted:
        refused_at_once(burst.last, address)
    between = _settled(api, token, address)
    tried = [burst.last]
    while burst.refusal is not None and len(tried) < _PROVOCATIONS:
        # on a slow machine the bucket regains one in between: what got through is no refusal
        tried.append(refused_again(api, token, burst))
    return burst, between, _ban(api, budget, token, address, tried)


def by_injection(api: Api, budget: Budget, token: Secret) -> Ban:
    """A rightful request, one with an injection pattern, and a rightful one again."""
    address = own_address(budget)
    _served(api, token, address)
    pattern = "/scenes?dir=res://'%20OR%201=1;%20DROP%20TABLE%20scenes--"
    tried = [api.get(pattern, token=token, address=address, paced=False, may_refuse=True)]
    return _ban(api, budget, token, address, tried)


def _settled(api: Api, token: Secret, address: str) -> Answer:
    """What a rightful request gets. A refusal that names no end may be that of a front's own limit, so it is asked once more."""
    answer = api.get("/status", token=token, address=address, paced=False, may_refuse=True)
    if answer.status_code < 400 or announced_end(answer) is not None:
        return answer
    time.sleep(_SETTLES)
    return api.get("/status", token=token, address=address, paced=False, may_refuse=True)


def _ban(api: Api, budget: Budget, token: Secret, address: str, tried: list[Answer]) -> Ban:
    afterwards = _settled(api, token, address)
    budget.close(address, _CLOSED)
    return Ban(address, tried, afterwards)


_PATIENCE = 90.0


def announced_end(answer: Answer) -> float | None:
    """Seconds until the ban ends, as the refusal says it; None where it does not.

    `Retry-After` speaks of the refusal; then the body, where a moment counts before a number and the longest before
    others ("5 failed logins in 60 s, banned until …"); X-RateLimit-Reset stands on every answer, so it comes last.
    """
    if answer.header("Retry-After"):
        return retry_after(answer)
    moments = [left for found in _MOMENT.finditer(answer.text) if (left := _moment(found[0]) - answer.arrived_at) > 0]
    named = [float(found[1]) for found in _NAMED.finditer(answer.text)]
    spans = [float(found[1]) * _UNITS[found[2][0].lower()] for found in _SPAN.finditer(answer.text)]
    for some in (moments, named, spans):
        if some:
            return min(max(some), _FOR_GOOD)
    return retry_after(answer) if answer.header("X-RateLimit-Reset") else None


_MOMENT = re.compile(
    r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?|(?<![\d.])1[5-9]\d{8}(?=\d{3}\b|\.|\b)"
)
_NAMED = re.compile(
    r'(?i)"(?:retry_?after|expires_?in|remaining|ban_?(?:remaining|seconds)|seconds)\w{0,20}"\s*:\s*"?(\d{1,9}(?:\.\d{1,9})?)'
)
_SPAN = re.compile(r"(?i)\b(\d{1,9}(?:\.\d{1,9})?)\s*(s|sec|m|min|h|hour)(?:s|onds?|utes?)?\b")
_FOR_GOOD = 10 * 365 * 86_400.0
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def _moment(text: str) -> float:
    """A moment, written out or in seconds since 1970, as the latter; 0 for what is none."""
    try:
        moment = datetime.fromtimestamp(float(text), UTC) if text[4:5] != "-" else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def after_the_ban(api: Api, token: Secret, ban: Ban, seconds: float) -> Answer:
    """What a rightful request gets when the announced end has passed.

    Raises Undecided when that is longer than a run waits.
    """
    if seconds > _PATIENCE:
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        raise Undecided(Reason.WINDOW, f"the ban of {ban.address} ends at {end:%H:%M:%S} UTC, later than a run waits")
    time.sleep(max(0.0, ban.afterwards.arrived_at + seconds + 1.0 - time.time()))
    return api.get(PROTECTED, token=token, address=ban.address, paced=False, may_refuse=True)
