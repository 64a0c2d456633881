"""Which of Prometheus's jobs is the one that scrapes the game."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

from preflight.errors import LookError
from preflight.probes.promanswers import Series
from preflight.probes.prometheus import Prometheus
from preflight.target import Target

JOB = "godot_http_api"
"""What the job is called as documented."""


def game_job(client: Prometheus, target: Target | None = None) -> str:
    """The job that scrapes the game, or did so lately. Raises LookError when nothing does.

    Where none is called as documented, one that brings http_requests_total: of several the one that is scraped at the
    target's own addresses, or shares a word with its name.
    """
    now = time.time()
    lately = {one.labels.get("job") for one in client.range("count by (job) (up)", now - 300, now, 60)}
    if JOB in lately or JOB in {one.job for one in client.targets()}:
        return JOB
    found = client.query("count by (job, instance) (http_requests_total)")
    if not found:
        raise LookError(f"Prometheus has no job {JOB}, and no job brings http_requests_total: nothing scrapes the game")
    hosts, words = _names(target) if target else (set(), set())

    def likely(one: Series) -> tuple[bool, bool, str]:
        job = one.labels.get("job", "")
        return one.host not in hosts, words.isdisjoint(_words(job)), job

    return min(found, key=likely).labels.get("job", "")


def _names(target: Target) -> tuple[set[str], set[str]]:
    """The game's hosts, and the words that a job of it may be called by."""
    facts = target.facts
    hosts = {urlsplit(url).hostname or "" for url in (facts.api.internal_url, facts.api.url) if url}
    hosts |= {facts.host.address} if facts.host and facts.host.address else set()
    return {Series({"instance": host}, (), ()).host for host in hosts}, _words(f"{facts.name} {JOB} spacetime game")


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]{3,}", text.lower())) - {"http", "api"}
