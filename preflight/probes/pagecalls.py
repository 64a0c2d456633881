"""What a page asks for, carried by the suite's own client: at its pace, under its name, to the target and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from preflight.errors import LockedOut, LookError
from preflight.probes.api import Api
from preflight.probes.http import Answer
from preflight.redact import Secret, printable

_OWN = ("accept", "accept-language", "content-type", "origin", "referer", "x-requested-with")
"""What is passed on of the page's headers; the rest is the client's."""
_NOT_PASSED_BACK = ("connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding")
_MOST = 200
"""Requests of one look; a page that asks for more is stopped."""

Allowed = Callable[[str, str], bool]


@dataclass(frozen=True)
class Call:
    """One request of the page. `answer` is None, and `why` says the reason, when there was none."""

    method: str
    path: str
    answer: Answer | None
    why: str = ""
    stopped: bool = False

    @property
    def good(self) -> bool:
        """Whether it was answered with success, to its end."""
        return self.answer is not None and 200 <= self.answer.status_code < 300 and not self.answer.truncated

    def __str__(self) -> str:
        said = f"{self.answer.status_code}{', without an end' * self.answer.truncated}" if self.answer else self.why
        return printable(f"{self.method} {self.path}: {said}", 160)


class Carrier:
    """Carries what `allowed` permits (a method and a path); everything else is stopped and kept in `calls`.

    `shown`: what the page holds in the token's place. The token itself never enters the browser.
    """

    def __init__(self, api: Api, token: Secret, shown: str) -> None:
        self._api, self._token, self._shown = api, token, shown
        self._base = api.url("")
        self.calls: list[Call] = []
        self.allowed: Allowed = reads_only
        self.locked: LockedOut | None = None

    def address(self, path: str) -> str:
        """The whole address of a path of the target."""
        return self._base + path

    def __call__(self, route: Any) -> None:
        """Answer one intercepted request of the browser."""
        from playwright.sync_api import Error

        call = self._carried(route.request)
        self.calls.append(call)
        try:
            if call.answer is None or call.answer.truncated:
                route.abort("failed")
                return
            kept: dict[str, str] = {}
            for name, value in call.answer.headers:
                if name.lower() not in _NOT_PASSED_BACK:
                    # the browser takes doubled headers as lines of one value
                    kept[name] = f"{kept[name]}\n{value}" if name in kept else value
            route.fulfill(status=call.answer.status_code, headers=kept, body=call.answer.body)
        except Error:
            return  # the browser has gone meanwhile

    def _carried(self, request: Any) -> Call:
        method, url = request.method, request.url
        there, own = urlsplit(url), urlsplit(self._base)
        if _origin(there) != _origin(own):
            return Call(method, f"{there.scheme}://{there.netloc}{there.path}", None, "another host, stopped", stopped=True)
        outside = not f"{there.path}/".startswith(f"{own.path}/")  # beside the path that the API lies below
        endpoint = there.path if outside else there.path.removeprefix(own.path)
        path = endpoint + (f"?{there.query}" if there.query else "")
        if not self.allowed(method, endpoint) or len(self.calls) >= _MOST:
            return Call(method, path, None, "stopped", stopped=True)
        headers = {name: value for name, value in request.headers.items() if name.lower() in _OWN}
        given = request.headers.get("authorization", "").removeprefix("Bearer").strip()
        if given not in ("", self._shown):
            return Call(method, path, None, "stopped: its Authorization is not Bearer and the token", stopped=True)
        try:
            answer = self._api.ask(
                method,
                path,
                token=self._token if given else None,
                headers=headers,
                body=request.post_data_buffer,
                base=f"{own.scheme}://{own.netloc}" if outside else None,
            )
        except LookError as error:
            if isinstance(error, LockedOut):
                self.locked = error
            return Call(method, path, None, str(error))
        return Call(method, path, answer)


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port of an address, however it is written: browsers leave a usual port out."""
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", parts.port or (443 if scheme == "https" else 80)


def reads_only(method: str, _: str) -> bool:
    """What changes nothing."""
    return method in ("GET", "HEAD")
