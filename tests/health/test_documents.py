"""Documents and contacts are brought up to date after the deployment.

Checklist lines 1416-1433, 1444-1465.
"""

from preflight.fixtures import item
from preflight.probes import documents


@item("HLT-DOC-01")
def test_changelog_has_an_entry(host, target, evidence):
    """CHANGELOG.md has an entry for this deployment."""
    text = documents.text(host, target, "CHANGELOG.md")
    evidence.saw("files")  # looked for: that it is missing is an answer as well

    assert text is not None, "CHANGELOG.md is missing"
    assert documents.names_build(text, target.facts.build), f"CHANGELOG.md has no entry for {target.facts.build}"


@item("HLT-DOC-02")
def test_version_is_the_deployed_one(host, target, evidence):
    """VERSION holds the deployed version."""
    text = documents.text(host, target, "VERSION")
    evidence.saw("files")  # looked for: that it is missing is an answer as well

    assert text is not None, "VERSION is missing"
    assert documents.names_build(text, target.facts.build), f"VERSION is {text.strip()[:60]!r} instead of {target.facts.build}"


@item("HLT-DOC-03")
def test_deployment_notes_are_written(host, target, evidence):
    """DEPLOYMENT_NOTES.md describes this deployment."""
    text = documents.text(host, target, "DEPLOYMENT_NOTES.md")
    evidence.saw("files")  # looked for: that it is missing is an answer as well
    assert text is not None, "DEPLOYMENT_NOTES.md is missing"
    absent = {"configuration", "issues", "resolutions", "lessons"} - documents.sections(text)

    assert documents.names_build(text, target.facts.build), f"DEPLOYMENT_NOTES.md does not name {target.facts.build}"
    assert not absent, f"DEPLOYMENT_NOTES.md has no section on {', '.join(sorted(absent))}"


@item("HLT-DOC-04")
def test_runbook_is_up_to_date(host, target, evidence):
    """RUNBOOK.md was brought up to date after the deployment."""
    text, deployed = documents.text(host, target, "RUNBOOK.md"), target.facts.times.deployed_at
    evidence.saw("files")  # looked for: that it is missing is an answer as well
    assert text is not None, "RUNBOOK.md is missing"
    dated = deployed is not None and documents.after(text, deployed)
    absent = {"monitoring", "alert", "troubleshooting"} - documents.sections(text)

    assert dated or documents.names_build(text, target.facts.build), (
        f"RUNBOOK.md names neither {target.facts.build} nor a day since the deployment"
    )
    assert not absent, f"RUNBOOK.md has no section on {', '.join(sorted(absent))}"


@item("HLT-CONT-01")
def test_contacts_are_written_down(host, target, evidence):
    """On-call, team, provider and incident contacts are written down, with no placeholder left."""
    found = documents.contacts(host, target)
    evidence.saw("settings", len(documents.CONTACTS))
    absent = [name for name in documents.CONTACTS if name not in found]
    empty = [name for name, value in found.items() if not value]

    assert not absent, f"not written down: {', '.join(absent)}"
    assert not empty, f"still a placeholder: {', '.join(empty)}"
