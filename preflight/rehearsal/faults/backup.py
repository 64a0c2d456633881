"""Faults of backups and of the way back."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Edit
from preflight.rehearsal.faults.model import Fault, at, both, files, themed

_FOLDER = "backup/spacetime"
_NEWEST = f"newest:{_FOLDER}/godot-*.tar.gz"
_CRON = "var/spool/cron/crontabs/root"
_BACKUP = "opt/scripts/backup.sh"
_ROLLBACK = "opt/godot/deploy/rollback.sh"
_ENTRY = r"^0 2 \* \* \* "

FAULTS = themed(
    "backup",
    Fault(
        "backup_hourly_missing",
        "A backup is due each hour, and none was ever made.",
        files(Edit("append", "var/spool/cron/crontabs/root", "0 * * * * /opt/scripts/backup.sh --incremental\n")),
    ),
    Fault("backup_two_days_old", "There was no backup for two days.", at("host", newest_backup_days_ago=2)),
    Fault("backup_folder_missing", "There is no backup directory.", files(Edit("delete", _FOLDER))),
    Fault("backup_truncated", "The newest archive ends in the middle.", files(Edit("truncate", _NEWEST, number=900))),
    Fault("backup_empty", "The newest archive is an empty file.", files(Edit("truncate", _NEWEST))),
    Fault(
        "backup_without_configuration",
        "The backups hold no configuration.",
        both(at("host", backup_leaves_out=(".env.production",)), files(Edit("delete", f"{_FOLDER}/env-*.backup"))),
    ),
    Fault(
        "backup_without_version",
        "The archives lack the VERSION file.",
        at("host", backup_leaves_out=("VERSION", "project.godot")),
    ),
    Fault("backup_without_audit", "The audit logs are not backed up.", files(Edit("delete", f"{_FOLDER}/audit-*.tar.gz"))),
    Fault("backup_kept_too_short", "Archives are kept for a week only.", at("host", backup_days=7)),
    Fault("backup_never_removed", "Archives of 45 days lie around: retention does not work.", at("host", backup_days=45)),
    Fault(
        "retention_off_by_one",
        "The script keeps 29 days.",
        files(Edit("replace", _BACKUP, "RETENTION_DAYS=29", r"RETENTION_DAYS=30")),
    ),
    Fault(
        "backup_env_readable",
        "Everybody may read the copies of the configuration.",
        files(Edit("chmod", f"{_FOLDER}/env-*.backup", number=0o644)),
    ),
    Fault(
        "backup_env_never_removed",
        "The script never removes old copies of the configuration, which hold the JWT secret.",
        files(Edit("replace", _BACKUP, '-name "*.tar.gz"', r'\\\( -name "\*\.tar\.gz" -o -name "env-\*\.backup" \\\)')),
    ),
    Fault("backup_script_missing", "There is no backup script.", files(Edit("delete", _BACKUP))),
    Fault("backup_script_not_executable", "The backup script can't be executed.", files(Edit("chmod", _BACKUP, number=0o644))),
    Fault("cron_line_missing", "cron does not know of the backup.", files(Edit("replace", _CRON, "", _ENTRY + r".*\n"))),
    Fault(
        "cron_wrong_hour",
        "The backup runs at 14:00, in the middle of the day.",
        files(Edit("replace", _CRON, "0 14 * * * ", _ENTRY)),
    ),
    Fault("cron_weekly", "The backup runs on Sundays only.", files(Edit("replace", _CRON, "0 2 * * 0 ", _ENTRY))),
    Fault(
        "cron_commented_out", "The backup's cron line is commented out.", files(Edit("replace", _CRON, "# 0 2 * * * ", _ENTRY))
    ),
    Fault("rollback_missing", "There is no rollback script.", files(Edit("delete", _ROLLBACK))),
    Fault("rollback_not_executable", "The rollback script can't be executed.", files(Edit("chmod", _ROLLBACK, number=0o644))),
    Fault(
        "rollback_keeps_new_version",
        "The rollback script says that it is done and leaves the new version.",
        files(Edit("replace", _ROLLBACK, "true", r'^tar -xzf "\$archive".*$')),
    ),
    Fault(
        "previous_version_missing",
        "The previous version was not kept.",
        files(Edit("delete", f"{_FOLDER}/releases/previous.tar.gz")),
    ),
    Fault(
        "previous_version_truncated",
        "The previous version's archive is broken.",
        files(Edit("truncate", f"{_FOLDER}/releases/previous.tar.gz", number=200)),
    ),
)
