"""What the game stores its data in can be reached.

Checklist lines 1259.
"""

from preflight.fixtures import item, not_built


@item("HLT-SVC-01")
def test_database_and_redis_can_be_reached():
    """The database and Redis can be reached by the game, where they are used."""
    not_built()
