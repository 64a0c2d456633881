"""The game log shows a game that compiled, started and runs without errors.

Checklist lines 42-43, 100, 1185, 1258, 1318, 1551.
"""

from preflight.fixtures import item, not_built


@item("HLT-LOG-01")
def test_game_compiles_without_errors():
    """The game compiles without new errors."""
    not_built()


@item("HLT-LOG-02")
def test_no_critical_error_at_run_time():
    """The game log shows no critical run-time error since the game was started."""
    not_built()


@item("HLT-LOG-03")
def test_game_starts_without_a_crash():
    """The game starts and stays up without a crash."""
    not_built()


@item("HLT-LOG-04")
def test_game_log_is_written():
    """The game writes its log where it is expected."""
    not_built()


@item("HLT-AFTER-02")
def test_no_critical_error_since_the_deployment():
    """No critical error stands in the logs since the deployment."""
    not_built()


@item("HLT-AFTER-03")
def test_no_error_since_the_deployment():
    """No error at all stands in the logs since the deployment."""
    not_built()
