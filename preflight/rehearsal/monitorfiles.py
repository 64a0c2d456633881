"""The configuration that the rehearsal's real servers run with: the host's own files, with this machine's addresses in them.

Nothing but addresses, the kind of PagerDuty's key, paths and the pace is changed (a first scrape after half a minute would be
a long wait), so that a fault in a file of the host is a fault of the running server.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from preflight.rehearsal.behaviour import Monitoring
from preflight.rehearsal.receivers import PAGER, WEBHOOK

SCRAPED_EVERY = "4s"
EVALUATED_EVERY = "2s"


@dataclass(frozen=True)
class Places:
    """Ports on loopback: where the host's own ports are to be found, and what is behind mail, paging and webhooks."""

    api: int
    telemetry: int
    node: int
    nothing: int
    alertmanager: int
    mail: int
    posts: int

    def of(self, port: str) -> int | None:
        """The port here of a port of the host."""
        return {"8080": self.api, "8081": self.telemetry, "9100": self.node}.get(port)


def read(path: Path) -> dict[str, Any] | None:
    """A YAML mapping; None where the file is missing or holds none: its server can't be started."""
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return None
    return said if isinstance(said, dict) else None


def prometheus(said: dict[str, Any], root: Path, places: Places, wanted: Monitoring) -> str:
    """prometheus.yml for here. `root`: where the host's files lie."""
    made = copy.deepcopy(said)
    pace = made.setdefault("global", {})
    pace["evaluation_interval"] = EVALUATED_EVERY
    made["rule_files"] = [] if wanted.unloaded else [_below(root, path) for path in made.get("rule_files") or ()]
    for manager in (made.get("alerting") or {}).get("alertmanagers") or ():
        for group in manager.get("static_configs") or ():
            group["targets"] = [_swapped(one, "9093", places.alertmanager) for one in group.get("targets") or ()]
    for job in made.get("scrape_configs") or ():
        authorization = job.get("authorization") or {}
        if "credentials_file" in authorization:
            authorization["credentials_file"] = _below(root, authorization["credentials_file"])
        job["relabel_configs"] = [*(job.get("relabel_configs") or ()), *_relabelled(job, places, wanted)]
        job["scrape_interval"] = job["scrape_timeout"] = SCRAPED_EVERY
    return yaml.safe_dump(made, sort_keys=False)


def alertmanager(said: dict[str, Any], places: Places) -> str:
    """alertmanager.yml for here: mails, pages and webhooks go to the rehearsal's receivers. None is added, and none left out."""
    made = copy.deepcopy(said)
    settings = made.setdefault("global", {})
    if "smtp_smarthost" in settings:
        settings["smtp_smarthost"] = f"127.0.0.1:{places.mail}"
    settings["smtp_require_tls"] = False
    for receiver in made.get("receivers") or ():
        name = quote(str(receiver.get("name")), safe="")
        for page in receiver.get("pagerduty_configs") or ():
            page["url"] = f"http://127.0.0.1:{places.posts}{PAGER}{name}"
            # Alertmanager sends to version 1 of PagerDuty's API at an address it is built with, and nobody is to be called
            if "service_key" in page:
                page["routing_key"] = page.pop("service_key")
        for webhook in receiver.get("webhook_configs") or ():
            webhook["url"] = f"http://127.0.0.1:{places.posts}{WEBHOOK}{name}"
    return yaml.safe_dump(made, sort_keys=False)


def _relabelled(job: dict[str, Any], places: Places, wanted: Monitoring) -> list[dict[str, Any]]:
    rules: list[dict[str, Any]] = [{"source_labels": ["__address__"], "target_label": "instance"}]
    for group in job.get("static_configs") or ():
        for target in group.get("targets") or ():
            port = places.of(str(target).rpartition(":")[2])
            if job.get("job_name") in wanted.dead_jobs:
                port = places.nothing
            if port is not None:
                here = {"regex": str(target), "target_label": "__address__", "replacement": f"127.0.0.1:{port}"}
                rules.append({"source_labels": ["__address__"], **here})
    return rules


def _swapped(target: str, port: str, here: int) -> str:
    return f"127.0.0.1:{here}" if str(target).rpartition(":")[2] == port else target


def _below(root: Path, path: str) -> str:
    """A path of the host on this machine; the checklist's Windows path is the same folder."""
    return str(root / str(path).replace("C:/godot", "/opt/godot").lstrip("/"))
