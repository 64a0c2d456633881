"""The first fifteen minutes: everything runs and answers.

Checklist lines 1140, 1143, 1148-1149, 1184, 1186, 1192, 1206-1207, 1216-1217, 1283, 1314.
"""

from preflight.fixtures import item, not_built


@item("HLT-AFTER-01")
def test_health_check_says_healthy():
    """After the deployment the health check says healthy."""
    not_built()


@item("HLT-AFTER-04")
def test_all_processes_are_running():
    """All processes of the deployment are running."""
    not_built()


@item("HLT-AFTER-12")
def test_logs_are_gathered():
    """Logs are gathered where they are looked for."""
    not_built()


@item("HLT-AFTER-13")
def test_health_can_be_reached_from_outside():
    """The health endpoints can be reached from outside through the front."""
    not_built()


@item("HLT-AFTER-14")
def test_endpoints_respond():
    """The API endpoints respond after the deployment."""
    not_built()


@item("HLT-AFTER-17")
def test_critical_features_work(people):
    """All critical features work in the deployed version."""
    people.attested()


@item("HLT-AFTER-18")
def test_critical_features_are_not_broken_altogether():
    """The critical features are not broken altogether: health, scenes and telemetry answer."""
    not_built()


@item("HLT-AFTER-20")
def test_no_lesser_feature_is_broken(people):
    """No lesser feature is broken in the deployed version."""
    people.attested()


@item("HLT-AFTER-21")
def test_game_does_not_crash_again_and_again():
    """The game does not crash again and again after the deployment."""
    not_built()


@item("HLT-AFTER-22")
def test_memory_stays_as_planned():
    """Memory after the deployment stays as planned."""
    not_built()
