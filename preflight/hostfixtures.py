"""What tests ask for of the host: its files, parsed once a run, and the suite's own request in the audit log."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from preflight.errors import LookError, NotApplicable, Undecided
from preflight.fixtures import session_key
from preflight.probes import audit, backups, backupscript, envfile, gamelog, gametests, nginx, nginxrules, yamlfiles
from preflight.probes.api import Api
from preflight.probes.envfile import EnvFile
from preflight.probes.host import Host
from preflight.redact import Secret
from preflight.target import Target, TargetError

if TYPE_CHECKING:
    from preflight.probes import gdscript


@pytest.fixture(scope="session")
def environment(host: Host, target: Target) -> EnvFile:
    """The production environment file; its secrets are known from here on."""
    read = envfile.read(host, target.facts.paths.env_file)
    target.learn(*read.secrets())
    return read


@pytest.fixture(scope="session", autouse=True)
def _secrets_of_the_host(request: pytest.FixtureRequest) -> None:
    """The host's secrets are known before anything that is seen can quote them."""
    session = request.config.stash.get(session_key, None)
    if session is not None and session.target.offers("host"):
        with contextlib.suppress(LookError, Undecided, NotApplicable, TargetError):
            request.getfixturevalue("environment")


@pytest.fixture(scope="session")
def script(host: Host, target: Target) -> Callable[[str], gdscript.Script]:
    """A GDScript file of the project by its path in it, parsed once."""
    from preflight.probes import gdscript

    read: dict[str, gdscript.Script] = {}

    def parsed(path: str) -> gdscript.Script:
        if path not in read:
            read[path] = gdscript.read(host, f"{target.facts.paths.project}/{path}")
        return read[path]

    return parsed


@pytest.fixture(scope="session")
def site(host: Host, target: Target) -> nginx.Configuration:
    """The front's site file."""
    return nginx.read_site(host, target.facts.paths.nginx)


@pytest.fixture(scope="session")
def ports_of_the_game(host: Host, target: Target) -> tuple[int, ...]:
    """The port that the front passes requests on to; where that can't be told, the two that the checklist names."""
    try:
        port = nginxrules.upstream_port(nginx.read_site(host, target.facts.paths.nginx))
    except LookError:
        port = None  # the site file is judged by its own items
    return (port,) if port else (8080, 8081)


@pytest.fixture(scope="session")
def prometheus_file(host: Host, target: Target) -> yamlfiles.Prometheus:
    """prometheus.yml."""
    return yamlfiles.Prometheus(yamlfiles.load(host, target.facts.paths.prometheus, target))


@pytest.fixture(scope="session")
def game_log(host: Host, target: Target) -> gamelog.GameLog:
    """The game log since the deployment and since the game's last start, read once."""
    return gamelog.read(host, target)


@pytest.fixture(scope="session")
def game_reports(host: Host, target: Target) -> list[gametests.Report]:
    """The JUnit files of the game's own tests."""
    return gametests.read_reports(host, target)


@pytest.fixture(scope="session")
def backup_folder(host: Host, target: Target) -> backups.Folder:
    """What lies in the backup folder."""
    return backups.folder(host, target)


@pytest.fixture(scope="session")
def backup_script(host: Host, target: Target) -> backupscript.Script:
    """The backup script."""
    return backupscript.read(host, target.facts.paths.backup_script)


@pytest.fixture(scope="session")
def recorded(host: Host, target: Target, api: Api, token: Secret) -> audit.Recorded:
    """A request of the suite's own with the token, and what the audit log says of it."""
    return audit.record(host, target, api, token)


@pytest.fixture(scope="session")
def recorded_refusal(host: Host, target: Target, api: Api) -> audit.Recorded:
    """A request of the suite's own without a token, and what the audit log says of it."""
    return audit.record(host, target, api, None)
