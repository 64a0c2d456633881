"""The game's HTTP API, asked at a guest's pace: from the right address, with the right token, counted."""

from __future__ import annotations

import json
import math
import re
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from preflight.budget import Budget, endpoint_of
from preflight.errors import BadCertificate, LockedOut, LookError, Unreachable
from preflight.probes import http
from preflight.probes.http import Answer
from preflight.redact import Secret
from preflight.target import Target

Via = Literal["front", "game"]
PROTECTED = "/scene"
"""An endpoint that refuses without a token: what a token is proven on (rulings: 1308)."""

SAFE_GETS = ("/health", "/health/quick", "/status", "/scene", "/scenes", "/scene/history", "/performance", "/metrics")

_IN_A_ROW = 3
_LONG = 2.0
_ALONE = 60.0
_A_WEEK = 7 * 86_400.0

PROTECTED_CALLS: tuple[tuple[str, str], ...] = (
    ("GET", "/scene"),
    ("HEAD", "/scene"),
    ("POST", "/scene"),
    ("PUT", "/scene"),
    ("POST", "/scene/reload"),
    ("GET", "/scene/history"),
    ("GET", "/scenes"),
    ("GET", "/performance"),
    ("GET", "/metrics"),
    ("GET", "/debug/profile"),
    ("POST", "/auth/rotate"),
    ("POST", "/auth/refresh"),
    ("GET", "/webhooks"),
    ("GET", "/jobs"),
    ("POST", "/batch"),
    ("GET", "/admin/metrics"),
    ("GET", "/admin/config"),
)
"""Every call of the contract that wants a token."""


class Patience:
    """A server that let three requests in a row run out of time is left alone for a while.

    Otherwise a run against a frozen server would wait for every single request, one after the other.
    """

    def __init__(self) -> None:
        self._lost = 0
        self._until = 0.0
        self._began = 0.0

    def check(self, endpoint: str) -> None:
        """Start the next request, or raise Unreachable while the server is left alone."""
        self._began = time.monotonic()
        if self._began < self._until:
            raise Unreachable(f"{endpoint}: not asked, the last {_IN_A_ROW} requests got no answer in time")

    def lost(self) -> None:
        """The request got no answer; only waiting counts, a refused connection costs nothing."""
        now = time.monotonic()
        self._lost = self._lost + 1 if now - self._began > _LONG else 0
        if self._lost >= _IN_A_ROW:
            self._until = now + _ALONE

    def won(self) -> None:
        """The request was answered."""
        self._lost = 0


class Api:
    """Requests to the API of one target, in one process.

    `sent` counts what left, by `METHOD /endpoint status`: the footprint of this process.
    """

    def __init__(self, target: Target, budget: Budget, user_agent: str) -> None:
        self._target = target
        self._budget = budget
        self.user_agent = user_agent
        self._verify = True
        self._patience = Patience()
        self._useless: dict[str, Answer] = {}
        self._opened: set[str] = set()
        self.sent: Counter[str] = Counter()
        self.addresses: set[str] = set()

    @property
    def reaches_game(self) -> bool:
        """Whether the game itself can be asked from here, beside the front."""
        return self._target.facts.api.internal_url is not None

    def url(self, path: str, via: Via = "front") -> str:
        """The address of `path`, through the front or at the game itself."""
        base = self._target.facts.api.url
        if via == "game" and self._target.facts.api.internal_url:
            base = self._target.facts.api.internal_url
        return base + path

    @property
    def origin(self) -> str:
        """The front without the path below which it passes the game on."""
        parts = urlsplit(self._target.facts.api.url)
        return f"{parts.scheme}://{parts.netloc}"

    def leave(self, path: str, address: str | None = None) -> str:
        """Wait until a request that is sent past this client may leave, and the address to send it from.

        Whoever sends it counts it in `sent`.
        """
        endpoint = endpoint_of(path)
        self._refuse_when_locked(endpoint)
        source = self._budget.take(endpoint, address=address)
        self.addresses.add(source or "this machine's own")
        return source

    def get(self, path: str, **options: Any) -> Answer:
        """GET `path`; options as in `ask`."""
        return self.ask("GET", path, **options)

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: Secret | str | None = None,
        authorization: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | dict[str, Any] | None = None,
        via: Via = "front",
        base: str | None = None,
        bad_login: bool = False,
        address: str | None = None,
        paced: bool = True,
        may_refuse: bool = False,
        total_seconds: float = http.TOTAL_SECONDS,
    ) -> Answer:
        """Send one request when the budget allows it.

        `token`: a Secret (never shown) or a made-up one (shown, so that the request can be repeated).
        `authorization`: the whole header as given. `base`: another address than that of `via`. `bad_login`: a refusal of the credential is expected.
        `paced=False`: leave now, from `address`, as a consented probe does. `may_refuse`: a 429 is the look itself.
        Raises Unreachable, and LockedOut for a 429 nobody planned and for whatever would follow it.
        """
        endpoint = endpoint_of(path)
        trusted = isinstance(token, Secret) and token == self._target.secret("token")
        if trusted:
            remembered = self._useless.get(endpoint)
            asked = (base + path if base else self.url(path, via)).partition("?")[0]
            if remembered is not None and (remembered.method, remembered.url.partition("?")[0]) == (method, asked):
                return remembered  # asked and refused already; once more would be one more failed login
            self._refuse_when_useless(endpoint)
            bad_login = bad_login or (bool(self._useless) and endpoint not in self._opened)
        if not may_refuse:
            self._refuse_when_locked(endpoint)
        if paced:
            source = self._budget.take(endpoint, address=address, bad_login=bad_login)
        else:
            source = address or ""
            self._budget.enter(endpoint, source, bad_login=bad_login)
        sent = {"User-Agent": self.user_agent, **(headers or {})}
        secret = isinstance(token, Secret)
        if token is not None:
            sent["Authorization"] = f"Bearer {token.reveal() if isinstance(token, Secret) else token}"
        if authorization is not None:
            sent["Authorization"] = authorization
        payload = json.dumps(body).encode() if isinstance(body, dict) else body
        self.addresses.add(source or "this machine's own")
        self._patience.check(endpoint)
        try:
            answer = self._send(
                method,
                base + path if base else self.url(path, via),
                headers=sent,
                body=payload,
                source=source,
                secret_headers=("authorization",) if secret else (),
                total_seconds=total_seconds,
            )
        except Unreachable:
            self.sent[f"{method} {endpoint} no answer"] += 1
            self._patience.lost()
            raise
        self._patience.won()
        self.sent[f"{method} {endpoint} {answer.status_code}"] += 1
        self._budget.announced(endpoint, counted(answer, "X-RateLimit-Limit") or math.inf)
        if answer.status_code == 401 and "Authorization" in sent and not bad_login:
            self._budget.enter(endpoint, source, bad_login=True)  # nobody expected it, the target counts it all the same
        if trusted:
            if answer.status_code == 401:
                self._useless.setdefault(endpoint, answer)
            else:
                self._opened.add(endpoint)
        if answer.status_code == 429:
            self._refused(source, endpoint, answer, planned=may_refuse)
        return answer

    def _send(self, method: str, url: str, **options: Any) -> Answer:
        """Send over a verified connection; over another only what is no secret, or where the operator said so."""
        part = self._target.facts.api
        if self._verify:
            try:
                return http.send(method, url, ca_file=part.ca_file, **options)
            except BadCertificate:
                self._verify = False
        if "Authorization" in options["headers"] and not part.trust_any_certificate:
            raise BadCertificate(f"{url}: the certificate can't be verified, so the token is not sent there")
        return http.send(method, url, ca_file=part.ca_file, verify=False, **options)

    def _refuse_when_useless(self, endpoint: str) -> None:
        """Each refusal of the operator's token counts as a failed login: five of them would ban the operator."""
        for where in (PROTECTED, endpoint):
            if where in self._useless:
                raise LookError(f"the valid token is refused (401) on {where}; nothing more is sent with it")

    def _refuse_when_locked(self, endpoint: str) -> None:
        until = self._budget.locked_until(endpoint)
        if until:
            end = datetime.fromtimestamp(until, UTC)
            raise LockedOut(f"locked out until {end:%H:%M:%S} UTC, nothing more is sent to {endpoint}")

    def _refused(self, source: str, endpoint: str, answer: Answer, *, planned: bool) -> None:
        """Remember a refusal by the limiter. Raises LockedOut for one that nobody planned."""
        if planned:
            self._budget.provoked(source)
            return
        wait = retry_after(answer)
        until = datetime.now(UTC) + timedelta(seconds=wait)
        self._budget.close(source, wait)
        self._budget.refused(endpoint, wait)
        raise LockedOut(
            f"{answer.method} {endpoint} was refused (429) although the suite keeps below every documented limit: locked out "
            f"until {until:%H:%M:%S} UTC; somebody else may be using this address, the target's limits are lower than "
            f"documented, or it counts several addresses as one"
        )


def counted(answer: Answer, name: str) -> float | None:
    """The number in a header of the limiter, with a policy behind it or without (`100, 100;w=60`); None where it has none."""
    found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*(?:[,;].*)?", answer.header(name) or "", re.ASCII)
    return float(found[1]) if found else None


def retry_after(answer: Answer) -> float:
    """Seconds a refusal asks to wait, a week at most: Retry-After, else X-RateLimit-Reset (each a time or seconds), else 60."""
    for name in ("Retry-After", "X-RateLimit-Reset"):
        said = answer.header(name) or ""
        try:
            value = float(said)
        except ValueError:
            try:
                value = parsedate_to_datetime(said).timestamp()
            except (ValueError, OverflowError):
                continue
        if value > 1e9:
            value = (value / 1000 if value > 1e12 else value) - answer.arrived_at
        if value >= 0:
            return max(1.0, min(value, _A_WEEK))
    return 60.0
