"""What the game stores its data in can be reached.

Checklist lines 1259.
"""

from preflight.fixtures import item
from preflight.probes import services


@item("HLT-SVC-01")
def test_database_and_redis_can_be_reached(environment, host, game_log, evidence):
    """The database and Redis can be reached by the game, where they are used."""
    for service in services.named(environment):
        evidence.saw("ports")
        evidence.fact(service.name, service.place)
        services.reach(service, host)
    complaints = services.complaints(game_log.since_start)

    assert not complaints, f"the game log says: {complaints[0]}"
