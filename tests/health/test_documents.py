"""Documents and contacts are brought up to date after the deployment.

Checklist lines 1416-1433, 1444-1465.
"""

from preflight.fixtures import item, not_built


@item("HLT-DOC-01")
def test_changelog_has_an_entry():
    """CHANGELOG.md has an entry for this deployment."""
    not_built()


@item("HLT-DOC-02")
def test_version_is_the_deployed_one():
    """VERSION holds the deployed version."""
    not_built()


@item("HLT-DOC-03")
def test_deployment_notes_are_written():
    """DEPLOYMENT_NOTES.md describes this deployment."""
    not_built()


@item("HLT-DOC-04")
def test_runbook_is_up_to_date():
    """RUNBOOK.md was brought up to date after the deployment."""
    not_built()


@item("HLT-CONT-01")
def test_contacts_are_written_down():
    """On-call, team, provider and incident contacts are written down, with no placeholder left."""
    not_built()
