"""There is a backup that can be restored, and there will be one tomorrow.

Checklist lines 920-923, 957-960, 1355.
"""

from preflight.fixtures import item, not_built


@item("HLT-BACK-01")
def test_backup_of_the_last_day_is_there():
    """A full backup of the last day is there."""
    not_built()


@item("HLT-BACK-02")
def test_archives_are_complete():
    """The newest archives can be read to the end and hold project, audit log and configuration."""
    not_built()


@item("HLT-BACK-03")
def test_backup_is_scheduled():
    """The backup is scheduled daily at two."""
    not_built()


@item("HLT-BACK-04")
def test_backup_folder_has_room():
    """The backup folder can be reached and has room."""
    not_built()


@item("HLT-BACK-05")
def test_backups_are_kept_for_thirty_days():
    """Backups are kept for thirty days."""
    not_built()


@item("HLT-BACK-06")
def test_old_copies_of_the_environment_file_are_deleted():
    """Old copies of the environment file are deleted with the archives."""
    not_built()


@item("HLT-BACK-07")
def test_backup_script_ended_well():
    """The backup script is there, may be run, and ended well the last time."""
    not_built()


@item("HLT-BACK-08")
def test_hourly_backups_run():
    """Hourly incremental backups run where the traffic calls for them."""
    not_built()


@item("HLT-BACK-09")
def test_backups_are_copied_elsewhere():
    """Backups are copied to another place."""
    not_built()


@item("HLT-DAY-04")
def test_nightly_backup_was_completed():
    """The nightly backup was completed."""
    not_built()
