"""The monitoring process: real Prometheus and Alertmanager with a back-filled day. `python -m preflight.rehearsal.monitoring FILE`.

Prometheus asks the game through a small relay with an address of its own, as a monitoring host would, so that its scrapes
never count against anybody else. Beside it stand exporters in the place of telemetry's and the host's, and whoever is told
of alerts (`receivers.py`). Both servers die with this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from preflight import programs
from preflight.rehearsal import monitorfiles
from preflight.rehearsal.backfill import CORES, write_history
from preflight.rehearsal.behaviour import Monitoring
from preflight.rehearsal.monitorfiles import Places
from preflight.rehearsal.receivers import NOTES, Receivers
from preflight.rehearsal.runtime import (
    BACKLOG,
    Assignment,
    die_with_parent,
    listener,
    parent_lines,
    port_of,
    read_assignment,
    say,
    server,
    until_parent_ends,
)

MONITORING_ADDRESS = "127.0.0.8"
"""Where scrapes come from."""
_PASSED_ON = ("Authorization", "Accept", "User-Agent")


class Exporters:
    """The three targets of Prometheus."""

    def __init__(self, wanted: Monitoring, session: aiohttp.ClientSession) -> None:
        self._wanted, self._session = wanted, session
        self._began = time.time()
        self.upstream = ""

    async def game(self, request: web.BaseRequest) -> web.StreamResponse:
        """The game's own answer, asked from the monitoring address."""
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        try:
            async with self._session.get(f"{self.upstream}{request.path_qs}", headers=headers) as answer:
                kept = {name: value for name, value in answer.headers.items() if name == "Content-Type"}
                return web.Response(status=answer.status, body=await answer.read(), headers=kept)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return web.Response(status=502, text="the game does not answer\n")

    async def telemetry(self, _: web.BaseRequest) -> web.StreamResponse:
        """Figures of the telemetry server."""
        seconds = time.time() - self._began
        return web.Response(text=f"telemetry_clients 1\ntelemetry_messages_total {int(seconds * 12)}\n")

    async def node(self, _: web.BaseRequest) -> web.StreamResponse:
        """Figures of the host, as node_exporter has them."""
        return web.Response(text="\n".join(self._node_lines()) + "\n")

    def _node_lines(self) -> list[str]:
        seconds = 90_000 + time.time() - self._began
        busy = self._wanted.cpu_percent / 100
        mount = 'device="/dev/vda1",fstype="ext4",mountpoint="/"'
        used = self._wanted.disk_percent + self._wanted.disk_growth
        lines = [
            f"node_filesystem_size_bytes{{{mount}}} 1e+11",
            f"node_filesystem_avail_bytes{{{mount}}} {(100 - used) * 1e9:.0f}",
        ]
        for core in range(CORES):
            lines.append(f'node_cpu_seconds_total{{cpu="{core}",mode="idle"}} {seconds * (1 - busy):.2f}')
            lines.append(f'node_cpu_seconds_total{{cpu="{core}",mode="user"}} {seconds * busy:.2f}')
        memory = self._wanted.host_memory_mb * 2**20
        lines += [f"node_memory_MemTotal_bytes {memory:.0f}", f"node_memory_MemAvailable_bytes {0.6 * memory:.0f}"]
        for name, device, pace in (
            ("node_disk_read_bytes_total", "vda", 4e4),
            ("node_disk_written_bytes_total", "vda", 9e4),
            ("node_network_receive_bytes_total", "eth0", 2e5),
            ("node_network_transmit_bytes_total", "eth0", 3e5),
        ):
            lines.append(f'{name}{{device="{device}"}} {seconds * pace:.0f}')
        return lines


class Servers:
    """The two real servers: their ports, folders and processes."""

    def __init__(self, assignment: Assignment, folder: Path) -> None:
        self._assignment, self._folder = assignment, folder
        self._root = Path(assignment.root)
        # bound to the end, beside the server that listens: nobody else is given the port while that starts
        self._held = {name: listener() for name in ("prometheus", "prometheus-alertmanager")}
        self.ports = {name: port_of(sock) for name, sock in self._held.items()}
        self._running: list[subprocess.Popen[bytes]] = []

    def prepare(self, deployed: float, now: float) -> None:
        """Make the day of history."""
        deployment = self._assignment.deployment
        text = self._folder / "history.txt"
        write_history(text, deployment.monitoring, deployed=deployed, now=now, missing=deployment.api.metrics_missing)
        tool = programs.find("promtool")
        command = [str(tool), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=96h", "--quiet"]
        subprocess.run([*command, str(text), str(self._folder / "data")], check=True, stdout=sys.stderr, timeout=60)
        text.unlink()

    def start(self, places: Places) -> None:
        """Start both, each where its configuration can be read."""
        (self._folder / programs.TEMPLATES_HERE).symlink_to(programs.folder().resolve() / programs.TEMPLATES)
        said = monitorfiles.read(self._root / "opt/alertmanager/alertmanager.yml")
        if said is not None:
            file = self._folder / "alertmanager.yml"
            file.write_text(monitorfiles.alertmanager(said, places), encoding="utf-8")
            self._run("prometheus-alertmanager", file, f"--storage.path={self._folder / 'alerts'}", "--cluster.listen-address=")
        said = monitorfiles.read(self._root / "opt/prometheus/prometheus.yml")
        if said is not None:
            file = self._folder / "prometheus.yml"
            text = monitorfiles.prometheus(said, self._root, places, self._assignment.deployment.monitoring)
            file.write_text(text, encoding="utf-8")
            place = f"--storage.tsdb.path={self._folder / 'data'}"
            more = ("--storage.tsdb.retention.time=60d", "--web.enable-lifecycle")
            self._run("prometheus", file, place, *more)

    def _run(self, name: str, file: Path, *options: str) -> None:
        address = f"--web.listen-address=127.0.0.1:{self.ports[name]}"
        command = [str(programs.find(name)), f"--config.file={file}", address, "--log.level=warn", *options]
        with (self._folder / f"{name}.log").open("wb") as log:
            self._running.append(
                # forked from the main thread, whose end is the end of the servers
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    preexec_fn=die_with_parent,  # noqa: PLW1509
                )
            )

    def stop(self) -> None:
        """End both at once: their data is thrown away with the rehearsal."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()


async def _listen(exporters: Exporters, receivers: Receivers) -> tuple[dict[str, int], socket.socket]:
    loop = asyncio.get_running_loop()
    ports = {}
    for name, asked in (
        ("game", exporters.game),
        ("telemetry", exporters.telemetry),
        ("node", exporters.node),
        ("posts", receivers.posted),
    ):
        sock = listener()
        await loop.create_server(server(asked, _plain), sock=sock, backlog=BACKLOG)
        ports[name] = port_of(sock)
    mail = listener()
    await loop.create_server(receivers.mail, sock=mail, backlog=BACKLOG)
    ports["mail"] = port_of(mail)
    return ports, listener()


def _plain(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Nothing is added to the answers."""


async def _silence(session: aiohttp.ClientSession, port: int, severity: str) -> None:
    """Hold every alert of a severity back for a day, as soon as Alertmanager is there."""
    now = datetime.now(UTC)
    silence = {
        "matchers": [{"name": "severity", "value": severity, "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(days=1)).isoformat(),
        "createdBy": "rehearsal",
        "comment": "forgotten",
    }
    for _ in range(100):
        with contextlib.suppress(aiohttp.ClientError):
            async with session.post(f"http://127.0.0.1:{port}/api/v2/silences", json=silence) as answer:
                answer.raise_for_status()
                return
        await asyncio.sleep(0.1)


async def _serve(assignment: Assignment, folder: Path) -> None:
    servers = Servers(assignment, folder)
    connector = aiohttp.TCPConnector(local_addr=(MONITORING_ADDRESS, 0), force_close=True)
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        wanted = assignment.deployment.monitoring
        exporters = Exporters(wanted, session)
        receivers = Receivers(folder / NOTES, refuses_mail=wanted.broken_receiver)
        ports, nothing = await _listen(exporters, receivers)
        lines = await parent_lines()
        say(prometheus=servers.ports["prometheus"], alertmanager=servers.ports["prometheus-alertmanager"])
        first = await lines.readline()
        if not first:
            return
        told: dict[str, Any] = json.loads(first)
        exporters.upstream = told["upstream"]
        manager = servers.ports["prometheus-alertmanager"]
        places = Places(
            api=ports["game"],
            telemetry=ports["telemetry"],
            node=ports["node"],
            nothing=port_of(nothing),
            alertmanager=manager,
            mail=ports["mail"],
            posts=ports["posts"],
        )
        ended = asyncio.ensure_future(until_parent_ends(lines))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.cancel)
        try:
            await asyncio.to_thread(servers.prepare, told["deployed"], told["now"])
            servers.start(places)
            if wanted.silenced:
                await _silence(session, manager, wanted.silenced)
            with contextlib.suppress(asyncio.CancelledError):
                await ended
        finally:
            servers.stop()


def main() -> None:
    """Run until the parent goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    file = Path(sys.argv[1])
    folder = file.parent / "monitoring"
    folder.mkdir()
    asyncio.run(_serve(read_assignment(file), folder))


if __name__ == "__main__":
    main()
