"""There is a backup that can be restored, and there will be one tomorrow.

Checklist lines 920-923, 957-960, 1355.
"""

from preflight.errors import LookError
from preflight.fixtures import item
from preflight.probes import backups, schedule
from preflight.session import now

DAYS = 30
CONFIGURATION = ".env.production"


def age(file):
    """Hours since a file was written."""
    return file.age_hours(now().timestamp())


@item("HLT-BACK-01")
def test_backup_of_the_last_day_is_there(backup_folder, target, evidence):
    """A full backup of the last day is there."""
    evidence.saw("archives", len(backup_folder.project))
    assert backup_folder.project, f"no godot-*.tar.gz in {target.facts.paths.backups}"
    newest = backup_folder.project[0]

    assert newest.facts.size > 0, f"{newest.name} is empty"
    evidence.judge("backup_age", age(newest), where=newest.name)


@item("HLT-BACK-02")
def test_archives_are_complete(backup_folder, host, target, evidence):
    """The newest archives can be read to the end and hold project, audit log and configuration."""
    place = target.facts.paths.backups
    assert backup_folder.project, f"no archive of the project (godot-*.tar.gz) in {place}"
    assert backup_folder.audit, f"no archive of the audit logs (audit-*.tar.gz) in {place}"
    project_file, audit_file = backup_folder.project[0], backup_folder.audit[0]
    project, audit_logs = backups.read_archive(host, project_file), backups.read_archive(host, audit_file)
    evidence.saw("archives", 2)
    evidence.fact(project_file.name, f"{len(project.names)} files")
    evidence.fact(audit_file.name, f"{len(audit_logs.names)} files")

    assert not project.broken, f"{project_file.name} can't be read to its end: {project.broken}"
    assert not audit_logs.broken, f"{audit_file.name} can't be read to its end: {audit_logs.broken}"
    assert project.holds("/project.godot"), f"{project_file.name} holds no project.godot"
    assert audit_logs.names, f"{audit_file.name} holds no log"
    copy = next((file for file in backup_folder.configuration if abs(age(file) - age(project_file)) < 2), None)
    assert project.holds(f"/{CONFIGURATION}") or (copy is not None and copy.facts.size > 0), (
        f"neither {project_file.name} nor a copy of the same hour holds {CONFIGURATION}"
    )


@item("HLT-BACK-03")
def test_backup_is_scheduled(host, target, evidence):
    """The backup is scheduled daily at two."""
    crontab, name = target.facts.paths.crontab, target.facts.paths.backup_script.rpartition("/")[2]
    entries = schedule.entries_for(host, crontab, name)
    evidence.saw("settings", len(entries))

    assert entries, f"no active line of {crontab} or /etc/cron.d runs {name}"
    assert any(entry.once_a_day_at(2) for entry in entries), f"{entries[0].place} does not run {name} daily at two"


@item("HLT-BACK-04")
def test_backup_folder_has_room(host, target, evidence):
    """The backup folder can be reached and has room."""
    path = target.facts.paths.backups
    facts = host.facts(path)
    evidence.saw("files", facts is not None)

    assert facts is not None, f"{path} is missing"
    assert facts.is_folder, f"{path} is no folder"
    evidence.judge("disk_used", backups.disk_used(host, path), where=path)


@item("HLT-BACK-05")
def test_backups_are_kept_for_thirty_days(backup_script, backup_folder, host, target, evidence):
    """Backups are kept for thirty days."""
    kept, deletions = backup_script.keeps_days(), list(backup_script.deletions())
    evidence.saw("files")
    evidence.saw("settings", bool(deletions))
    if deletions and kept is None:
        raise LookError(f"{backup_script.path} deletes, and after how many days can't be told: {deletions[0][0][:120]}")
    assert kept is not None, f"{backup_script.path} deletes nothing by age: backups pile up until the disk is full"
    evidence.judge("retention", kept, where=backup_script.path)
    oldest = max((age(file) for file in backup_folder.project), default=0) / 24
    installed = backups.days_of_installation(host, target, now().timestamp())
    evidence.fact("oldest backup", f"{oldest:.0f} days")
    if oldest < min(DAYS, installed) - 2:
        evidence.warn(f"the oldest backup is {oldest:.0f} days old, while audit logs go back {installed:.0f} days")


@item("HLT-BACK-06")
def test_old_copies_of_the_environment_file_are_deleted(backup_script, backup_folder, evidence):
    """Old copies of the environment file are deleted with the archives."""
    copies = backup_folder.configuration
    evidence.saw("files", 1 + len(copies))
    if copies:
        evidence.judge("copy_age", max(age(file) for file in copies) / 24, where=copies[-1].name)
    readable = [file.name for file in copies if file.facts.mode & 0o077]

    assert backup_script.deletes_configuration(), f"{backup_script.path} never deletes env-*.backup, which hold JWT secrets"
    assert not readable, f"others than the owner may read {readable[0]} ({len(readable)} copies), which holds a JWT secret"


@item("HLT-BACK-07")
def test_backup_script_ended_well(host, target, evidence):
    """The backup script is there, may be run, and ended well the last time."""
    path = target.facts.paths.backup_script
    facts = host.facts(path)
    evidence.saw("files", facts is not None)
    assert facts is not None, f"{path} is missing"
    assert facts.mode & 0o100, f"{path} may not be executed (mode {facts.permissions})"
    words = backups.last_words(host, target)
    evidence.saw("lines", len(words))

    assert "Backup completed" in words[-1], f"{backups.log_path(target)} ends with {words[-1]!r}"


@item("HLT-BACK-08")
def test_hourly_backups_run(backup_folder, host, target, people, evidence):
    """Hourly incremental backups run where the traffic calls for them."""
    hourly = [entry for entry in schedule.entries_for(host, target.facts.paths.crontab, "backup") if entry.hourly]
    evidence.saw("archives", len(backup_folder.incremental or backup_folder.project))
    if not backup_folder.incremental and not hourly:
        evidence.fact(
            "hourly backups", "none on this host: somebody says that the traffic does not call for them, or where they are"
        )
        people.attested()
        return
    assert backup_folder.incremental, f"{hourly[0].place} runs hourly, but no incremental backup is there"
    evidence.judge("incremental_age", age(backup_folder.incremental[0]), where=backup_folder.incremental[0].name)


@item("HLT-BACK-09")
def test_backups_are_copied_elsewhere(backup_script, backup_folder, people, evidence):
    """Backups are copied to another place."""
    # whether copies arrive can only be seen where they arrive: somebody has to look there
    evidence.fact("copied by", backup_script.copies_elsewhere() or "nothing in the backup script; somebody may fetch them")
    evidence.saw("archives", len(backup_folder.project))
    people.attested()


@item("HLT-DAY-04")
def test_nightly_backup_was_completed(backup_folder, host, target, evidence):
    """The nightly backup was completed."""
    words = backups.last_words(host, target)
    evidence.saw("archives", len(backup_folder.project))
    evidence.saw("lines", len(words))

    assert backup_folder.project, f"no godot-*.tar.gz in {target.facts.paths.backups}"
    assert "Backup completed" in words[-1], f"{backups.log_path(target)} ends with {words[-1]!r}"
    evidence.judge("backup_age", age(backup_folder.project[0]), where=backup_folder.project[0].name)
