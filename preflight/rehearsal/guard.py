"""Who may ask how often: token buckets, bans, and the rules of intrusion detection, per client address."""

from __future__ import annotations

import math
import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from urllib.parse import unquote

from preflight.rehearsal.behaviour import Intrusion, Limiter

FOREVER = math.inf
"""The end of a permanent ban."""

_INJECTION = re.compile(
    r"""<\s*script | javascript\s*: | <[^>]+\son\w+\s*=          # script
      | '\s*(or|and)\s+['\d] | \bunion\s+(all\s+)?select\b | ;\s*(drop|delete|insert|update)\s | '\s*--   # SQL
      | ;\s*(cat|rm|ls|wget|curl|nc|sh|id)\b | \$\( | `[^`]+` | (\||&&)\s*(cat|sh|bash|nc|id|rm|ls)\b   # shell
    """,
    re.IGNORECASE | re.VERBOSE,
)
_TRAVERSAL = re.compile(r"(^|[/\\:=])\.\.([/\\]|$)")


def unquoted(text: str) -> str:
    """`text` with percent-encoding undone until nothing changes (three times at most)."""
    for _ in range(3):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    return text


def has_injection(text: str) -> bool:
    """Whether the text looks like SQL, shell or script."""
    return bool(_INJECTION.search(unquoted(text)))


def has_traversal(text: str) -> bool:
    """Whether the text steps out of a directory, however it is encoded."""
    return bool(_TRAVERSAL.search(unquoted(text)))


@dataclass
class Bucket:
    """A token bucket: `limit` at once, and as many again in each minute."""

    limit: float
    tokens: float
    filled_at: float

    def take(self, now: float, limit: float) -> bool:
        """Take one token; False when there is none. `limit` may have changed since the last time."""
        self.tokens = min(limit, self.tokens + (now - self.filled_at) * limit / 60)
        self.limit, self.filled_at = limit, now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def full_at(self) -> float:
        """When the bucket will be full again."""
        return self.filled_at + (self.limit - self.tokens) * 60 / self.limit

    def next_at(self) -> float:
        """When the next token will be there."""
        return self.filled_at + max(0.0, 1 - self.tokens) * 60 / self.limit


@dataclass(frozen=True)
class Ban:
    """An address that is not listened to until `until` (seconds since the epoch, FOREVER when permanent)."""

    until: float
    reason: str


class Recent:
    """Times of recent events, counted over windows."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=1000)

    def add(self, now: float) -> None:
        """One more event, now."""
        self._times.append(now)

    def count(self, now: float, window_s: float) -> int:
        """How many events the last `window_s` seconds saw."""
        return sum(1 for time in self._times if time > now - window_s)


@dataclass
class Client:
    """What is remembered of one address."""

    buckets: dict[str, Bucket] = field(default_factory=dict)
    refusals: Recent = field(default_factory=Recent)
    requests: Recent = field(default_factory=Recent)
    by_path: defaultdict[str, Recent] = field(default_factory=lambda: defaultdict(Recent))
    bad_logins: Recent = field(default_factory=Recent)
    identities: dict[str, float] = field(default_factory=dict)
    halved_until: float = 0.0
    ban: Ban | None = None


class Guard:
    """Limiter, bans and intrusion detection over all clients. Times are seconds since the epoch."""

    def __init__(self, limiter: Limiter, intrusion: Intrusion) -> None:
        self._limiter, self._rules = limiter, intrusion
        self._clients: defaultdict[str, Client] = defaultdict(Client)
        self.alerts: defaultdict[str, int] = defaultdict(int)

    def ban_of(self, address: str, now: float) -> Ban | None:
        """The ban that holds for the address, if one does."""
        client = self._clients[address]
        if client.ban and client.ban.until + self._rules.overtime_s <= now:
            client.ban = None
        return client.ban

    def saw_request(self, address: str, path: str, now: float) -> None:
        """Count a request for the rules on rates: halved limits, or a ban for a flood."""
        if address in self._limiter.exempt:
            return
        client = self._clients[address]
        client.requests.add(now)
        client.by_path[path].add(now)
        fast = self._on("rate") and client.requests.count(now, 10) >= 100
        narrow = self._on("endpoint_rate") and client.by_path[path].count(now, 30) >= 50
        if (fast or narrow) and client.halved_until <= now:
            self.alerts["high_request_rate" if fast else "endpoint_abuse"] += 1
            client.halved_until = now + self._rules.halved_s
        if self._on("flood") and client.requests.count(now, 60) >= 500:
            self._ban(client, now, self._rules.temporary_ban_s, "request_flood")

    def take(self, address: str, path: str, now: float) -> tuple[bool, Bucket | None]:
        """Take one request from the bucket of the address and path: (allowed, the bucket or None when unlimited)."""
        rules = self._limiter
        if not rules.enabled or address in rules.exempt or (rules.only_paths and path not in rules.only_paths):
            return True, None
        client = self._clients[address]
        limit = rules.paths.get(path, rules.per_minute) * rules.factor
        if client.halved_until > now:
            limit = max(1.0, limit / 2)
        bucket = client.buckets.setdefault(path, Bucket(limit, limit, now))
        return bucket.take(now, limit), bucket

    def refused(self, address: str, now: float) -> Ban | None:
        """Count a refusal of the limiter; the ban when it was one too many."""
        client = self._clients[address]
        client.refusals.add(now)
        if self._limiter.ban and client.refusals.count(now, self._limiter.ban_window_s) >= self._limiter.ban_refusals:
            self._ban(client, now, self._limiter.ban_s, "repeated rate limit violations")
        return client.ban

    def failed_login(self, address: str, identity: str | None, now: float) -> None:
        """Count a token that was presented and refused."""
        client = self._clients[address]
        client.bad_logins.add(now)
        if identity is not None:
            client.identities[identity] = now
        if self._on("logins") and client.bad_logins.count(now, 60) >= 5:
            self._ban(client, now, self._rules.temporary_ban_s, "repeated failed logins")
        if self._on("identities") and sum(1 for seen in client.identities.values() if seen > now - 120) >= 10:
            self._ban(client, now, FOREVER, "credential stuffing")

    def inspect(self, address: str, text: str, now: float) -> Ban | None:
        """Look for attacks in the text of a request; the ban when there is one."""
        client = self._clients[address]
        if self._on("injection") and has_injection(text):
            self._ban(client, now, FOREVER, "injection pattern")
        elif self._on("traversal") and has_traversal(text):
            self._ban(client, now, self._rules.temporary_ban_s, "directory traversal")
        elif self._on("odd") and ("\0" in text or "\\u0000" in text or "\ufffd" in text):
            self._ban(client, now, self._rules.temporary_ban_s, "odd characters")
        else:
            return None
        return client.ban

    def _on(self, rule: str) -> bool:
        return rule in self._rules.rules

    def _ban(self, client: Client, now: float, seconds: float, reason: str) -> None:
        self.alerts[reason.replace(" ", "_")] += 1
        if client.ban is None or client.ban.until < now + seconds:
            client.ban = Ban(now + seconds, reason)
