"""The API answers, and the game is well.

Checklist lines 95, 98-99, 103-106, 1013-1016, 1256, 1260, 1264, 1536.
"""

from preflight.fixtures import item, not_built


@item("HLT-API-01")
def test_api_answers():
    """The API server answers."""
    not_built()


@item("HLT-API-02")
def test_api_did_not_fall_back_to_another_port():
    """The API server has its own port and did not have to fall back to another one."""
    not_built()


@item("HLT-API-03")
def test_health_is_not_unhealthy():
    """The health check does not say unhealthy."""
    not_built()


@item("HLT-API-04")
def test_health_is_not_degraded():
    """The health check says healthy rather than degraded."""
    not_built()


@item("HLT-API-05")
def test_all_subsystems_are_initialised():
    """All subsystems are initialised."""
    not_built()


@item("HLT-API-06")
def test_no_critical_subsystem_fails():
    """The scene loader and the file system work: no critical subsystem fails."""
    not_built()


@item("HLT-API-07")
def test_total_agrees_with_the_subsystems():
    """The health check's total agrees with its subsystems."""
    not_built()


@item("HLT-API-08")
def test_health_check_is_alive():
    """The health check is alive: it changes from one look to the next."""
    not_built()


@item("HLT-API-09")
def test_memory_is_as_planned():
    """The game uses no more memory than planned."""
    not_built()


@item("HLT-API-10")
def test_every_autoload_is_loaded():
    """The status answer is complete and every autoload is loaded."""
    not_built()


@item("HLT-API-11")
def test_every_readable_endpoint_answers():
    """Every readable endpoint answers 200 with the fields it is documented to have."""
    not_built()


@item("HLT-API-12")
def test_clocks_agree():
    """The clocks of the deployment and of this machine agree."""
    not_built()
