"""What a block of logrotate does not say itself, it has from around it."""

from __future__ import annotations

from preflight.probes import logrotate
from selftest.probes.hosts import Files

MAIN = "weekly\nrotate 5\ncreate\ninclude /etc/logrotate.d\n/var/log/wtmp {\n  monthly\n  rotate 1\n}\n"


def days(block: str, main: str = "") -> list[float]:
    more = {"/etc/logrotate.conf": main} if main else {}
    host = Files({"/etc/logrotate.d/game": block, **more})
    return [rule.days for rule in logrotate.rules_for(host, "/var/log/spacetime/audit")]


def test_the_main_file_is_inherited() -> None:
    assert days("/var/log/spacetime/audit/*.log {\n  missingok\n}\n", MAIN) == [35]
    assert days("/var/log/spacetime/audit/*.log {\n  daily\n}\n", MAIN) == [5]
    assert days("/var/log/spacetime/audit/*.log {\n  daily\n  rotate 30\n}\n", MAIN) == [30]
    assert days("/var/log/spacetime/audit/*.log {\n  missingok\n}\n") == [0]


def test_the_head_of_the_file_is_inherited_by_what_follows() -> None:
    assert days("daily\nrotate 40\n/var/log/spacetime/audit/*.log {\n}\n", MAIN) == [40]
    assert days("/var/log/spacetime/audit/*.log {\n}\ndaily\nrotate 40\n/var/log/b.log {\n}\n", MAIN) == [35]


def test_paths_may_stand_on_lines_of_their_own() -> None:
    assert days("/var/log/a.log\n/var/log/spacetime/audit/*.log\n{\n  daily\n  rotate 30\n}\n", MAIN) == [30]
