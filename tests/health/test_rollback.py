"""The way back is ready; once taken, it has led where it should.

Checklist lines 1152-1171.
"""

from preflight.fixtures import item, not_built


@item("HLT-ROLL-01")
def test_way_back_is_ready():
    """The way back is ready: the rollback script may be run and the previous version is kept."""
    not_built()


@item("HLT-ROLL-02")
def test_drill_brings_the_previous_version_back():
    """A rollback drill brings the previous version back within five minutes."""
    not_built()


@item("HLT-ROLL-03")
def test_previous_version_is_running():
    """After the rollback the previous version is running."""
    not_built()


@item("HLT-ROLL-04")
def test_health_check_passes_after_the_rollback():
    """After the rollback the health check passes."""
    not_built()


@item("HLT-ROLL-05")
def test_authentication_works_after_the_rollback():
    """After the rollback authentication works."""
    not_built()


@item("HLT-ROLL-06")
def test_few_requests_fail_after_the_rollback():
    """After the rollback fewer than 1 % of requests fail."""
    not_built()


@item("HLT-ROLL-07")
def test_response_times_are_acceptable_after_the_rollback():
    """After the rollback the response times are acceptable."""
    not_built()


@item("HLT-ROLL-08")
def test_cause_is_documented(people):
    """The cause of the rollback is documented."""
    people.attested()


@item("HLT-ROLL-09")
def test_team_knows_of_the_rollback(people):
    """The team knows of the rollback, the present state and what comes next."""
    people.attested()


@item("HLT-ROLL-10")
def test_postmortem_is_arranged(people):
    """A postmortem is arranged within a day of the rollback."""
    people.attested()
