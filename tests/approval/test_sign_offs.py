"""The twelve approvals, each by its role, on a record that exists.

Checklist lines 1475-1495.
"""

from preflight.fixtures import item


@item("APP-TECH-01")
def test_devops_lead_approves(people):
    """The DevOps Lead approves: the infrastructure is configured correctly."""
    people.attested()


@item("APP-TECH-02")
def test_security_lead_approves(people):
    """The Security Lead approves: all security requirements are met."""
    people.attested()


@item("APP-TECH-03")
def test_engineering_lead_approves(people):
    """The Engineering Lead approves: code quality is right and tests pass."""
    people.attested()


@item("APP-TECH-04")
def test_qa_lead_approves(people):
    """The QA Lead approves: all critical features are validated."""
    people.attested()


@item("APP-BUS-01")
def test_product_owner_approves(people):
    """The Product Owner approves the feature set for release."""
    people.attested()


@item("APP-BUS-02")
def test_stakeholders_approve(people):
    """The stakeholders approve: the business requirements are met."""
    people.attested()


@item("APP-BUS-03")
def test_legal_approves(people):
    """Legal and compliance approve: the regulatory requirements are met."""
    people.attested()


@item("APP-OPS-01")
def test_monitoring_team_approves(people):
    """The monitoring team approves: dashboards and alerts are configured."""
    people.attested()


@item("APP-OPS-02")
def test_support_team_is_ready(people):
    """The support team is trained and ready."""
    people.attested()


@item("APP-OPS-03")
def test_documentation_team_approves(people):
    """The documentation team has brought the user documents up to date."""
    people.attested()


@item("APP-FINAL-01")
def test_deployment_lead_confirms_completeness(people):
    """The Deployment Lead confirms that every item of the checklist is complete."""
    people.attested()


@item("APP-FINAL-02")
def test_release_is_approved(people):
    """The decision is go: the release is approved for production."""
    people.attested()
