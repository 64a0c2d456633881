"""Processes and services of the deployment's host, by `ps` and `systemctl`."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from preflight.errors import LookError, Undecided
from preflight.outcome import Reason
from preflight.probes.host import Host
from preflight.redact import printable
from preflight.target import Target

EXPECTED: dict[str, re.Pattern[str]] = {
    "the game": re.compile(r"(?i).*(?:\bgodot|spacetime).*"),
    "nginx": re.compile(r"nginx:?"),
    "Prometheus": re.compile(r"prometheus"),
    "Grafana": re.compile(r"grafana(?:-server)?"),
    "Alertmanager": re.compile(r"(?:prometheus-)?alertmanager"),
}
"""checklist.md line 1186: what the deployment consists of, by the whole name of a program: there are prometheus-node-exporter
and nginx-prometheus-exporter beside the programs themselves."""

_PART = {"Prometheus": "prometheus", "Grafana": "grafana", "Alertmanager": "alertmanager"}
UNITS = ("prometheus", "grafana-server", "alertmanager")


def host_is_folder(target: Target) -> bool:
    """Whether the target's host is a folder of a machine, of this one or of one reached by SSH."""
    part = target.facts.host
    return part is not None and str(part.root) != "/"


def must_be_a_machine(target: Target) -> None:
    """Raises Undecided when the target's host is a folder of a machine: commands would speak of the whole of it instead."""
    part = target.facts.host
    if part is not None and host_is_folder(target):
        raise Undecided(
            Reason.OPERATOR,
            f"the host is the folder {part.root} of {part.address or 'this machine'}: its processes and services can't be told "
            f"from that machine's; give [host] root = '/', on the host itself or with kind = 'ssh'",
        )


def running(host: Host) -> list[str]:
    """The command of every process, kernel threads and zombies left out. Raises LookError when `ps` fails."""
    ran = host.run("processes")
    if ran.status != 0:
        raise LookError(f"ps fails on {host.name}: {printable(ran.output, 120)}")
    # pid, lstart (five words), elapsed seconds, name, command with arguments
    rows = [line.split(None, 8) for line in ran.output.splitlines()[1:]]
    return [" ".join(row[7:]) for row in rows if len(row) == 9 and "<defunct>" not in row[8] and not row[8].startswith("[")]


def missing(commands: list[str], target: Target) -> list[str]:
    """What the deployment consists of and does not run here; monitoring that the target names elsewhere is not missed."""
    return [
        name
        for name, pattern in EXPECTED.items()
        if not any(pattern.fullmatch(word) for command in commands for word in (command.split(None, 2)[0], _program(command)))
        and not _elsewhere(name, target)
    ]


def _program(command: str) -> str:
    words = command.split(None, 2)
    return words[1].rpartition("/")[2] if len(words) > 1 else ""


def _elsewhere(name: str, target: Target) -> bool:
    part = getattr(target.facts, _PART.get(name, ""), None)
    if part is None:
        return name in _PART and _PART[name] in target.facts.absent
    host = target.facts.host
    named = urlsplit(part.url).hostname or ""
    return named not in ("localhost", "127.0.0.1", "::1", host.address if host else None)


def not_enabled(host: Host) -> list[str]:
    """The monitoring services that systemd does not start by itself. Raises LookError when systemd does not say."""
    ran = host.run("units")
    states = [line.strip() for line in ran.output.splitlines() if line.strip()]
    if len(states) != len(UNITS):
        raise LookError(f"systemctl says too little on {host.name}: {printable(ran.output, 160)}")
    good = ("enabled", "enabled-runtime", "static", "alias", "generated")
    return [f"{unit} is {printable(state, 80)}" for unit, state in zip(UNITS, states, strict=True) if state not in good]
