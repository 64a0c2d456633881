"""Whoever is told of alerts in the rehearsal: a mail server, a pager and a webhook. Each notes what it got.

The mail server is aiosmtpd's; the pager answers like version 2 of PagerDuty's Events API, the only one whose address
Alertmanager can be told. Names of alerts are read out of what arrived, so that a note proves that the whole of it did.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

PAGER, WEBHOOK = "/pager/", "/webhook/"
"""Where pages and webhooks are taken; the name of Alertmanager's receiver follows."""
NOTES = "received.jsonl"
_NAME = re.compile(r"\balertname = ([^\s<]+)")
"""A label in Alertmanager's own templates, of mails and of pages."""
_FIRING = re.compile(r"\[\d+\] Firing")


@dataclass(frozen=True)
class Note:
    """One notification. `time`: s since the epoch; `through`: mail, pager or webhook; `state`: firing or resolved.

    `to`: the mail's recipients, or the name of Alertmanager's receiver. `subject`: of the mail, or the page's summary.
    """

    time: float
    through: str
    to: str
    alerts: tuple[str, ...]
    state: str
    subject: str = ""


class Receivers:
    """The three of them, and their notes: a line of JSON per notification in `file`."""

    def __init__(self, file: Path, *, refuses_mail: bool) -> None:
        self._file, self._refuses_mail = file, refuses_mail

    def mail(self) -> SMTP:
        """A mail server for one connection."""
        # without a name it asks the resolver for this machine's, each time
        return SMTP(self, hostname="rehearsal", loop=asyncio.get_running_loop())

    async def handle_MAIL(  # noqa: N802 (aiosmtpd calls it by this name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Whether a mail from there is taken."""
        if self._refuses_mail:
            return "451 not now"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 (the same)
        """A mail has come."""
        mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
        text = _text(mail)
        state = "firing" if _FIRING.search(text) else "resolved"
        self._note("mail", ", ".join(envelope.rcpt_tos), _NAME.findall(text), state, str(mail["Subject"]))
        return "250 OK"

    async def posted(self, request: web.BaseRequest) -> web.StreamResponse:
        """A page or a webhook has come."""
        told: dict[str, Any] = json.loads(await request.read())
        path = unquote(request.path)
        if path.startswith(PAGER):
            page = told["payload"]
            names = _NAME.findall("\n".join(map(str, page["custom_details"].values())))
            state = "resolved" if told["event_action"] == "resolve" else "firing"
            self._note("pager", path.removeprefix(PAGER), names, state, page["summary"])
            return web.json_response(
                {"status": "success", "message": "Event processed", "dedup_key": told["dedup_key"]}, status=202
            )
        if path.startswith(WEBHOOK):
            names = [alert["labels"]["alertname"] for alert in told["alerts"]]
            self._note("webhook", path.removeprefix(WEBHOOK), names, told["status"])
            return web.Response()
        return web.Response(status=404)

    def _note(self, through: str, to: str, alerts: Iterable[str], state: str, subject: str = "") -> None:
        note = Note(time.time(), through, to, tuple(sorted(set(alerts))), state, subject)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(note)) + "\n")


def _text(mail: EmailMessage) -> str:
    """What a mail says, whichever way it is encoded."""
    body = mail.get_body(("html", "plain"))
    return unescape(body.get_content()) if body is not None else ""
