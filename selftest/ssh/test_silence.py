"""A server that dies or stands still is named and left, and nothing is held open."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from preflight.errors import LookError, Unreachable
from preflight.probes import host as looking
from preflight.probes.sshhost import SshHost
from selftest.ssh.sshd import WHY_NOT, Server, left

pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def test_a_server_that_dies_is_named_and_found_again(server: Server, ssh: SshHost) -> None:
    with ssh.open("/opt/game/logs/game.log") as log:
        log.readline()
        server.stop()
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 fell silent while /opt/game/logs/game\.log was looked at"):
            log.read()
    server.start()
    assert ssh.facts("/opt/game")
    assert ssh.run("clock").status == 0
    server.stop()
    for look in (lambda: ssh.run("clock"), lambda: ssh.facts("/opt")):
        with pytest.raises(Unreachable, match=r"^127\.0\.0\.1 (fell silent|can't be reached)"):
            look()


def test_file_does_not_end_where_the_connection_does(server: Server, ssh: SshHost) -> None:
    with ssh.open("/opt/game/logs/game.log") as log:
        log.readline()
        server.stop()
        until = time.monotonic() + 10
        while ssh._connection.is_connected and time.monotonic() < until:
            time.sleep(0.01)
        with pytest.raises(Unreachable, match="fell silent while"):
            log.read()


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (lambda host: host.facts("/opt"), "127.0.0.1 fell silent while /opt was looked at"),
        (lambda host: host.run("clock"), "127.0.0.1 fell silent during date -u +%s"),
    ],
    ids=["a file", "a command"],
)
def test_a_server_that_stands_still_is_left(
    server: Server, ssh: SshHost, monkeypatch: pytest.MonkeyPatch, look: Callable[[SshHost], object], said: str
) -> None:
    assert ssh.facts("/opt/game")
    monkeypatch.setattr(looking, "COMMAND_SECONDS", 0.5)
    server.send(signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(Unreachable) as raised:
        look(ssh)
    assert str(raised.value).startswith(said)
    assert time.monotonic() - began < 4


def test_a_command_without_end_is_left_and_the_next_one_is_answered(ssh: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "COMMAND_SECONDS", 0.5)
    monkeypatch.setitem(looking.COMMANDS, "endless", ("sleep", "20"))
    with pytest.raises(LookError, match=r"^sleep 20 on 127\.0\.0\.1 came to no end within 0\.5 s"):
        ssh.run("endless")
    assert ssh.run("clock").status == 0


def test_nothing_is_held_open_at_the_end(server: Server, ssh: SshHost) -> None:
    assert ssh.run("clock").status == 0
    assert ssh.facts("/opt") is not None
    assert server.sessions()
    ssh.close()
    assert left(server)
