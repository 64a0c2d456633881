"""Backups: archives read to their end, retention as the script has it, schedules by meaning."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from preflight.errors import LookError
from preflight.probes import backups, backupscript, schedule
from preflight.target import Target, load
from selftest.probes.hosts import NOW, Files

PLACE = "/backup/spacetime"


def packed(kind: str = "gz", **files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{kind}") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def target(tmp_path: Path) -> Target:
    path = tmp_path / "target.toml"
    path.write_text('name = "t"\nbuild = "2.5.0"\n[api]\nurl = "http://127.0.0.1:1"\n[host]\nkind = "local"\n')
    return load(path)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", ""])
def test_whole_archives_are_read_whatever_packed_them(kind: str, target: Target) -> None:
    data = packed(kind, **{"godot/project.godot": b"x" * 50_000, "godot/VERSION": b"2.4.3\n"})
    host = Files({f"{PLACE}/godot-20260101-020000.tar.gz": data})
    file = backups.folder(host, target).project[0]

    archive = backups.read_archive(host, file)

    assert not archive.broken
    assert archive.holds("/project.godot")
    assert backups.version_in(host, file) == "2.4.3"


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


def test_damage_is_found_wherever_it_is(target: Target) -> None:
    data = packed("gz", **{f"godot/file{n}": bytes(str(n) * 9000, "ascii") for n in range(40)})
    damaged = {
        "empty": b"",
        "half": data[: len(data) // 2],
        "without the last byte": data[:-1],
        "without the checksum": data[:-8],
        "another checksum": flipped(data, len(data) - 6),
        "no archive": b"<html>404</html>" * 99,
    }
    for name, broken in damaged.items():
        host = Files({f"{PLACE}/godot-1.tar.gz": broken})

        assert backups.read_archive(host, backups.folder(host, target).project[0]).broken, name


def test_names_tell_what_is_in_a_file(target: Target) -> None:
    names = ["godot-1.tar.gz", "audit-1.tar.gz", "env-1.backup", "godot-incr-1.tar.gz", "releases/previous.tar.gz", "README"]
    host = Files({f"{PLACE}/{name}": b"x" for name in names}, ages={f"{PLACE}/env-1.backup": 30.0})

    found = backups.folder(host, target)

    assert [file.name for file in found.project] == ["godot-1.tar.gz"]
    assert [file.name for file in found.audit] == ["audit-1.tar.gz"]
    assert [file.name for file in found.incremental] == ["godot-incr-1.tar.gz"]
    assert found.configuration[0].age_hours(NOW) == pytest.approx(30)
    assert "previous.tar.gz" in [file.name for file in found.other]


def test_a_previous_version_is_another_one_not_just_an_older_file(target: Target) -> None:
    same = packed("gz", **{"godot/VERSION": b"2.5.0\n"})
    earlier = packed("gz", **{"godot/VERSION": b"2.4.3\n"})
    name = f"{PLACE}/godot-1.tar.gz"
    host = Files({name: same}, ages={name: 100})
    assert backups.previous_version(host, backups.folder(host, target), "2.5.0", None) == ("", [])

    host = Files({name: same, f"{PLACE}/releases/previous.tar.gz": earlier}, ages={name: 100})
    assert backups.previous_version(host, backups.folder(host, target), "v2.5.0", None)[0].startswith("2.4.3 in ")

    host = Files({f"{PLACE}/releases/previous.tar.gz": earlier[:100]})
    found, broken = backups.previous_version(host, backups.folder(host, target), "2.5.0", None)
    assert not found
    assert "can't be read to its end" in broken[0]


def script(text: str) -> backupscript.Script:
    facts = Files({"/s": text}).facts("/s")
    assert facts is not None
    return backupscript.parse(text, "/s", facts)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ('RETENTION_DAYS=30\nfind "$BACKUP_DIR" -name "*.tar.gz" -mtime +$RETENTION_DAYS -delete\n', 30),
        ('RETENTION_DAYS="30"\nfind "$D" \\\n  -name "*.tar.gz" \\\n  -mtime +"${RETENTION_DAYS}" -delete\n', 30),
        ("find /backup -name '*.tar.gz' -mtime +29 -exec rm {} +\n", 29),
        ('stamp="$(date +%F)"; keep=30\nfind "$D" -name "*.tar.gz" -mtime "+${keep}" -print -delete\n', 30),
        ("declare -ri KEEP=30\nfind \"$D\" -name '*.tar.gz' -mtime '+30' -delete\n", 30),
        ("declare -ri KEEP=29\nfind \"$D\" -name '*.tar.gz' -mtime +$KEEP -delete\n", 29),
        ("find /backup -name '*.gz' -mtime +30 -print0 | xargs -0 rm -f\n", 30),
        ("find /backup -name '*.gz' -mmin +43200 -delete\n", 30),
        ("# find /backup -name '*.gz' -mtime +7 -delete\nfind /backup -name '*.gz' -mtime +31 -delete\n", 31),
        ("find /backup -name '*.tar.gz' -mtime +30 -delete\nfind /backup -name 'audit-*' -mtime +7 -delete\n", 7),
        ('RETENTION_DAYS="${RETENTION_DAYS:-30}"\nfind "$D" -name "*.tar.gz" -mtime +"$RETENTION_DAYS" -delete\n', 30),
        ("export KEEP=${DAYS-31}\nfind \"$D\" -name '*.tar.gz' -mtime +$KEEP -delete\n", 31),
        ("DAYS=7\nKEEP=${DAYS:-30}\nfind \"$D\" -name '*.tar.gz' -mtime +$KEEP -delete\n", 7),
        (': "${KEEP:=30}"\nfind "$D" -name "*.tar.gz" -mtime +$KEEP -delete\n', 30),
        ("DAYS=$(cat days)\nKEEP=${DAYS:-30}\nfind \"$D\" -name '*.tar.gz' -mtime +$KEEP -delete\n", None),
        ("KEEP=$1\nfind \"$D\" -name '*.tar.gz' -mtime +$KEEP -delete\n", None),
        ("find /backup -name '*.gz' -mtime +$UNKNOWN -delete\n", None),
        ("find /backup -name '*.gz' -mtime +30 -print\n", None),
        ("echo done\n", None),
    ],
)
def test_retention_is_what_the_script_does(text: str, days: float | None) -> None:
    assert script(text).keeps_days() == days


def test_copies_of_the_configuration_are_deleted_or_not() -> None:
    assert not script('find "$D" -name "*.tar.gz" -mtime +30 -delete\n').deletes_configuration()
    assert script("find \"$D\" -name 'env-*.backup' -mtime +30 -delete\n").deletes_configuration()
    assert script('find "$D" -type f -mtime +30 -delete\n').deletes_configuration()
    assert script('find "$D" \\( -name "*.tar.gz" -o -name "*.backup" \\) -mtime +30 -delete\n').deletes_configuration()


@pytest.mark.parametrize(
    ("line", "daily_at_two"),
    [
        ("0 2 * * * /opt/scripts/backup.sh", True),
        ("00 02 * * * /opt/scripts/backup.sh", True),
        ("15 2 * * 0-6 /opt/scripts/backup.sh", True),
        ("0 2 * * 1-7 /opt/scripts/backup.sh", True),
        ("0 2 * * sun-sat /opt/scripts/backup.sh", True),
        ("0\t2\t*/1\t*\t*\t/opt/scripts/backup.sh", True),
        ("0 14 * * * /opt/scripts/backup.sh", False),
        ("0 2 * * 0 /opt/scripts/backup.sh", False),
        ("0 2 1 * * /opt/scripts/backup.sh", False),
        ("0 2 * 6 * /opt/scripts/backup.sh", False),
        ("* 2 * * * /opt/scripts/backup.sh", False),
        ("2 0 * * * /opt/scripts/backup.sh", False),
        ("0 2,14 * * * /opt/scripts/backup.sh", False),
        ("@daily /opt/scripts/backup.sh", False),
        ("0 2 * * 1-5 /opt/scripts/backup.sh", False),
    ],
)
def test_schedules_are_read_by_meaning(line: str, daily_at_two: bool) -> None:
    entries = schedule.parse(f"MAILTO=ops\n# comment\n{line}\n", "/crontab")

    assert [entry.once_a_day_at(2) for entry in entries] == [daily_at_two]


@pytest.mark.parametrize(
    "line", ["# 0 2 * * * /b.sh", "", "PATH=/bin", "0 2 * * backup.sh", "99 2 * * * /b.sh", "x y z a b /b.sh"]
)
def test_what_is_no_entry_is_none(line: str) -> None:
    assert schedule.parse(line, "/crontab") == []


def test_system_tables_name_a_user_first() -> None:
    host = Files({"/etc/cron.d/backup": "0 2 * * * root /opt/scripts/backup.sh\n"})

    assert schedule.entries_for(host, "/var/spool/cron/crontabs/root", "backup.sh")[0].once_a_day_at(2)


def test_a_missing_script_can_not_be_judged() -> None:
    with pytest.raises(LookError, match="missing"):
        backupscript.read(Files({}), "/opt/scripts/backup.sh")
