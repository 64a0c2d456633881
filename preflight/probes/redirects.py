"""What plain HTTP answers: it must do nothing but send clients to HTTPS."""

from __future__ import annotations

from urllib.parse import urlsplit

from preflight.errors import Undecided
from preflight.outcome import Reason
from preflight.probes.api import Api
from preflight.probes.http import Answer
from preflight.probes.tls import Place
from preflight.redact import printable
from preflight.target import Target


def plain(api: Api, target: Target, path: str, method: str = "GET") -> Answer:
    """Ask for `path` over plain HTTP, without a token. Raises Undecided where the target names no plain address."""
    return api.ask(method, path, base=_address(target), body=b"" if method == "POST" else None)


def plain_place(target: Target) -> Place:
    """Where plain HTTP is answered. Raises Undecided where the target names no such address."""
    parts = urlsplit(_address(target))
    return Place(parts.hostname or "", parts.port or 80)


def _address(target: Target) -> str:
    base = target.facts.api.http_url
    if base is None:
        raise Undecided(Reason.OPERATOR, "the target file does not say where plain HTTP is answered: give [api] http_url")
    return base


def wrong(answer: Answer, target: Target, path: str) -> str:
    """What is wrong with a redirect of `path` to HTTPS; "" for nothing."""
    if answer.status_code not in (301, 302, 307, 308):
        return f"http://… answers {answer.status_code} instead of redirecting to HTTPS"
    try:
        to = urlsplit(answer.header("Location") or "")
        port = to.port or 443
    except ValueError:  # brackets that hold no address, a port that is no number
        to, port = urlsplit(""), 443
    if to.scheme.lower() != "https":
        return f"plain HTTP redirects to {printable(answer.header('Location') or 'nowhere', 100)}"
    ours = {urlsplit(url).hostname for url in (target.facts.api.url, target.facts.api.http_url) if url}
    if (to.hostname or "").lower() not in ours:
        return f"plain HTTP redirects to another host: {printable(to.hostname or '', 100)}"
    if port not in (443, urlsplit(target.facts.api.url).port):
        return f"plain HTTP redirects to port {port}, where HTTPS is not answered"
    sent_to = to.path + (f"?{to.query}" if to.query else "")
    if sent_to != urlsplit(target.facts.api.http_url or "").path + path:
        return f"the redirect of {path} leads to {printable(sent_to or '/', 100)}"
    return ""
