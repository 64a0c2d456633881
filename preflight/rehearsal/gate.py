"""What every request to the game passes: bans, limiter, intrusion detection, token, endpoint."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback

from aiohttp import web

from preflight.rehearsal.behaviour import REMOVED, Answer, Api
from preflight.rehearsal.endpoints import BrokenInput, Call, Endpoints
from preflight.rehearsal.guard import FOREVER, Ban, Bucket, Guard
from preflight.rehearsal.health import iso, overridden
from preflight.rehearsal.journal import Journal
from preflight.rehearsal.login import Doorman, NotLetIn
from preflight.rehearsal.pace import Pace, fails
from preflight.rehearsal.replies import Reply, error_reply, json_reply
from preflight.rehearsal.runtime import RuntimeSecrets, fill
from preflight.rehearsal.visit import Visit, endpoint_of, read_visit

_PERMANENT_S = 10 * 365 * 86400


class Gate:
    """The game's request handler, apart from sockets and headers."""

    def __init__(self, api: Api, secrets: RuntimeSecrets, endpoints: Endpoints, doorman: Doorman) -> None:
        self._api, self._secrets = api, secrets
        self._endpoints, self._doorman = endpoints, doorman
        self._guard: Guard = endpoints.guard
        self._journal: Journal = endpoints.journal
        self._pace = Pace(api.latency, api.polls_per_second)

    async def answer(self, request: web.BaseRequest) -> Reply | None:
        """The reply to a request; None closes the connection without one."""
        method, path, _ = endpoint_of(request, self._api.path_prefix)
        endpoint = f"{method} {path}"
        fixed = self._api.answers.get(f"{request.method} {path}") or self._api.answers.get(endpoint)
        if fixed is not None:
            return self._fixed(fixed)
        received = asyncio.get_running_loop().time()
        model, number = self._pace.count(endpoint)
        self._pace.in_flight += 1
        try:
            visit = await read_visit(request, self._api)
            if fails(model, number):
                reply = error_reply(500, "internal error")
            else:
                reply = self._judged(visit, time.time() + self._api.clock_offset_s)
                await self._pace.wait(model, number, received, refused=reply.status >= 400)
        except BrokenInput:
            if self._api.input.broken_answer == "close":
                return None
            reply = error_reply(500, "internal error")
        except Exception:  # noqa: BLE001  # the game answers 500 whatever breaks, and so does its stand-in
            traceback.print_exc(file=sys.stderr)
            reply = error_reply(500, "internal error")
        finally:
            self._pace.in_flight -= 1
        reply = self._edited(endpoint, reply)
        took = asyncio.get_running_loop().time() - received
        asked = request.content_length or 0
        self._endpoints.metrics.answered(self._known(path), method, reply.status, seconds=took, asked=asked, sent=len(reply.body))
        return reply

    def _judged(self, visit: Visit, now: float) -> Reply:
        ban = self._guard.ban_of(visit.address, now)
        if ban:
            self._journal.audit("RATE_LIMIT", visit.address, self._known(visit.path), "address is banned", now)
            return self._banned(ban, now)
        self._guard.saw_request(visit.address, visit.path, now)
        allowed, bucket = self._guard.take(self._counted_as(visit), visit.path, now)
        if not allowed and bucket:
            return self._limited(visit, bucket, now)
        limits = self._announced(bucket)
        ban = self._attack(visit, now)
        if ban:
            self._journal.audit("INTRUSION", visit.address, self._known(visit.path), ban.reason, now)
            return error_reply(403, "request refused", ban.reason, limits)
        try:
            reply = self._routed(visit, now)
        except NotLetIn as refusal:
            reply = self._unauthorized(refusal)
        if self._api.log_line_per_request:
            line = fill(self._api.log_line_per_request, self._secrets)
            self._journal.log(line.replace("{endpoint}", visit.endpoint), now)
        return Reply(reply.status, reply.body, reply.content_type, {**limits, **reply.headers})

    def _routed(self, visit: Visit, now: float) -> Reply:
        methods = self._endpoints.methods(visit.path)
        if not methods:
            return error_reply(404, "no such endpoint")
        allow = {"Allow": ", ".join([*methods, "OPTIONS"])}
        if visit.method == "OPTIONS":
            return Reply(204, b"", "text/plain; charset=utf-8", allow)
        if visit.method not in methods:
            return error_reply(405, "method not allowed", headers=allow)
        badge = self._doorman.let_in(visit, now)
        if visit.body is None:
            return error_reply(413, "body is too large", f"at most {self._api.input.largest_body} bytes")
        return self._endpoints.answer(Call(visit, visit.body, badge, now))

    def _attack(self, visit: Visit, now: float) -> Ban | None:
        if self._api.input.page_reflects_query and visit.path.startswith("/web/"):
            return None  # this build's page is looked after by nobody
        ban = self._guard.inspect(visit.address, f"{visit.path}?{visit.raw_query}", now)
        return ban or self._guard.inspect(visit.address, visit.text(), now)

    def _counted_as(self, visit: Visit) -> str:
        query = f"{visit.address}?{visit.raw_query}"
        kinds = {"address": visit.address, "connection": visit.connection, "everybody": "everybody", "query": query}
        return kinds[self._api.limiter.key]

    def _known(self, path: str) -> str:
        """The path where it is an endpoint: logs and labels are no place for whatever a client makes up."""
        return path if self._endpoints.methods(path) else "other"

    def _unauthorized(self, refusal: NotLetIn) -> Reply:
        instead = self._api.authentication.refusal
        if instead:
            return self._fixed(instead)
        return error_reply(refusal.status, refusal.message, refusal.why, {"WWW-Authenticate": "Bearer"})

    def _fixed(self, answer: Answer) -> Reply:
        headers = {name: fill(value, self._secrets) for name, value in answer.headers.items()}
        return Reply(answer.status, fill(answer.body, self._secrets).encode(), answer.content_type, headers)

    def _announced(self, bucket: Bucket | None) -> dict[str, str]:
        if bucket is None or not self._api.limiter.announce:
            return {}
        return {
            "X-RateLimit-Limit": str(int(bucket.limit)),
            "X-RateLimit-Remaining": str(int(bucket.tokens)),
            "X-RateLimit-Reset": str(int(bucket.full_at()) + 1),
        }

    def _limited(self, visit: Visit, bucket: Bucket, now: float) -> Reply:
        rules = self._api.limiter
        self._endpoints.metrics.limited.labels(self._known(visit.path)).inc()
        details = f"more than {bucket.limit:g} requests a minute"
        self._journal.audit("RATE_LIMIT", visit.address, self._known(visit.path), details, now)
        ban = self._guard.refused(visit.address, now)
        if ban:
            self._journal.audit("BAN", visit.address, self._known(visit.path), ban.reason, now)
            return self._banned(ban, now)
        headers = self._announced(bucket)
        wait = max(1, int(bucket.next_at() - now) + 1)
        if rules.retry_after:
            headers["Retry-After"] = str(wait)
        return error_reply(rules.refusal_status, "rate limit exceeded", f"try again in {wait} s", headers, retry_after=wait)

    def _banned(self, ban: Ban, now: float) -> Reply:
        permanent = ban.until == FOREVER
        until = None if permanent else iso(ban.until)
        wait = _PERMANENT_S if permanent else max(1, int(ban.until - now) + 1)
        headers = {"Retry-After": str(wait)} if self._api.limiter.retry_after else {}
        details = f"{ban.reason}; banned {'for good' if permanent else f'until {until}'}"
        status = self._api.limiter.refusal_status
        return error_reply(status, "address is banned", details, headers, banned=True, banned_until=until, permanent=permanent)

    def _edited(self, endpoint: str, reply: Reply) -> Reply:
        """The reply with what the deployment's description changes in it."""
        api, body, kind = self._api, reply.body, reply.content_type
        good = reply.status < 400
        errors = {**api.error_overrides.get("*", {}), **api.error_overrides.get(str(reply.status), {})}
        errors |= api.error_overrides.get(endpoint, {})
        changes = api.json_overrides.get(endpoint, {}) if good else errors
        is_json = kind.startswith("application/json")
        if changes and is_json:
            data = overridden(json.loads(body), changes, REMOVED)
            body = json_reply(json.loads(fill(json.dumps(data), self._secrets))).body
        if good and endpoint in api.bodies_appended:
            body += fill(api.bodies_appended[endpoint], self._secrets).encode()
        return Reply(reply.status, body, api.json_content_type if is_json else kind, reply.headers)
