"""Grafana's dashboards are there and show data.

Checklist lines 539-542, 659, 1066-1093, 1187, 1214, 1289, 1359, 1540.
"""

import pytest

from preflight.errors import BadAnswer
from preflight.fixtures import item
from preflight.probes.grafana import WANTED, belonging, lacking, parted


@pytest.fixture(scope="module")
def panels(grafana):
    """Every panel of every dashboard."""
    return grafana.panels()


@pytest.fixture
def applicable(target):
    """The wanted dashboards that this target can have."""
    return [name for name in WANTED if "vr" not in target.facts.absent or "VR" not in name]


@pytest.fixture
def judged(panels, applicable, evidence):
    """The panels of the wanted dashboards. Others, imported ones say, break nothing: the record says that they are there."""
    wanted, others = parted(panels, applicable)
    if others:
        evidence.fact("dashboards not judged", ", ".join(others))
    return wanted


@pytest.fixture
def has_its_panels(panels, evidence):
    """A dashboard asks for everything that the checklist lists for it."""

    def hold(dashboard):
        missing = lacking(panels, dashboard)
        evidence.saw("panels", len(WANTED[dashboard]) - len(missing))
        assert not missing, f"the dashboard {dashboard} has no panel on {', '.join(missing)}"

    return hold


def empty_panels(grafana, panels, target, evidence):
    """Panels none of whose queries has data, but for metrics that the target declares absent and for what never happened.

    A query that is refused takes nothing from what the other panels show; it is raised where none of these is empty.
    """
    empty, refused = [], []
    for panel in panels:
        evidence.saw("panels")
        declared = any(metric in query for metric in target.facts.absent_metrics for query in panel.queries)
        try:
            if not declared and not any(grafana.values(query) or grafana.nothing_happened(query) for query in panel.queries):
                empty.append(panel.place)
        except BadAnswer as error:
            refused.append(error)
    if refused and not empty:
        raise refused[0]
    return empty


@item("HLT-GRAF-01")
def test_grafana_is_in_order(grafana, evidence):
    """Grafana can be reached and is in order."""
    answer = grafana.health()
    evidence.request(answer)

    assert answer.status_code == 200, f"{answer.url} answers {answer.status_code}"
    assert answer.object().get("database") == "ok", f"{answer.url} says database: {answer.object().get('database')}"


@item("HLT-GRAF-02")
def test_default_password_is_refused(grafana, evidence):
    """Grafana does not take admin/admin any more."""
    answer = grafana.default_login()
    evidence.saw("refused", answer.status_code in (401, 403))

    assert answer.status_code in (401, 403), f"admin/admin is answered with {answer.status_code}"


@item("HLT-GRAF-03")
def test_data_source_answers(grafana, evidence):
    """Grafana's Prometheus data source is connected and answers."""
    works, said = grafana.source_health()
    evidence.saw("requests")

    assert works, f"the Prometheus data source does not work: {said}"


@item("HLT-GRAF-04")
def test_api_overview_has_its_panels(has_its_panels):
    """The dashboard HTTP API Overview has its seven panels."""
    has_its_panels("HTTP API Overview")


@item("HLT-GRAF-05")
def test_security_dashboard_has_its_panels(has_its_panels):
    """The security dashboard has its five panels."""
    has_its_panels("Security")


@item("HLT-GRAF-06")
def test_vr_dashboard_has_its_panels(has_its_panels):
    """The VR performance dashboard has its five panels."""
    has_its_panels("VR Performance")


@item("HLT-GRAF-07")
def test_system_dashboard_has_its_panels(has_its_panels):
    """The system dashboard has its five panels."""
    has_its_panels("System")


@item("HLT-GRAF-08")
def test_dashboards_show_data(grafana, judged, target, evidence):
    """The dashboards show data."""
    empty = empty_panels(grafana, judged, target, evidence)

    assert not empty, f"without data: {', '.join(empty)}"


@item("HLT-GRAF-09")
def test_every_panel_loads_without_an_error(grafana, judged, evidence):
    """Every panel loads without an error."""
    broken = []
    for panel in judged:
        evidence.saw("panels")
        for query in panel.queries:
            try:
                grafana.values(query)
            except BadAnswer as error:
                broken.append(f"{panel.place}: {error}")

    assert not broken, "; ".join(broken)


@item("HLT-AFTER-05")
def test_dashboards_show_the_new_version(grafana, judged, applicable, target, evidence):
    """The dashboards show data of the new version."""
    empty = empty_panels(grafana, judged, target, evidence)
    dark = [name for name in applicable if all(panel.place in empty for panel in belonging(judged, name))]

    assert not dark, f"without data since the deployment: {', '.join(dark)}"


@item("HLT-AFTER-06")
def test_no_panel_is_empty_after_the_deployment(grafana, panels, target, evidence):
    """No panel of any dashboard is empty since the deployment."""
    empty = empty_panels(grafana, panels, target, evidence)

    assert not empty, f"without data: {', '.join(empty)}"


@item("HLT-DAY-06")
def test_dashboards_show_the_expected_patterns(people):
    """The dashboards show the patterns that the team expects."""
    people.attested()
