"""A Prometheus with a history of its own making, for questions that only a real one answers."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from preflight import programs
from preflight.errors import LookError
from preflight.probes.prometheus import Prometheus
from preflight.rehearsal.runtime import die_with_parent, listener, port_of

STEP = 15.0
Values = Mapping[float, float]


@contextlib.contextmanager
def serving(folder: Path, series: Mapping[str, Values]) -> Iterator[Prometheus]:
    """A client of a Prometheus that holds those series, each by its selector: value by time (s since the epoch)."""
    text, data, config = folder / "history.txt", folder / "data", folder / "prometheus.yml"
    lines = [f"{name} {value:.12g} {moment:.3f}\n" for name, values in series.items() for moment, value in values.items()]
    text.write_text("".join([*lines, "# EOF\n"]))
    config.write_text("scrape_configs: []\n")
    making = [str(programs.find("promtool")), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=96h", "--quiet"]
    subprocess.run([*making, str(text), str(data)], check=True, timeout=60)
    held = listener()
    address = f"127.0.0.1:{port_of(held)}"
    held.close()
    command = [str(programs.find("prometheus")), f"--config.file={config}", f"--storage.tsdb.path={data}"]
    command += [f"--web.listen-address={address}", "--storage.tsdb.retention.time=60d", "--log.level=error"]
    server = subprocess.Popen(command, cwd=folder, preexec_fn=die_with_parent)  # noqa: PLW1509
    try:
        client = Prometheus(f"http://{address}", None, "selftest")
        until = time.monotonic() + 20
        while not _ready(client) and time.monotonic() < until:
            time.sleep(0.1)
        yield client
    finally:
        server.kill()
        server.wait()


def _ready(client: Prometheus) -> bool:
    with contextlib.suppress(LookError):
        return client.answers()
    return False
