"""Saved data stays whole, and players share one world.

Checklist lines 1141, 1269-1271.
"""

from preflight.fixtures import item


@item("HLT-DATA-01")
def test_no_data_is_corrupt(people):
    """No data is corrupt in the build's tests."""
    people.attested()


@item("HLT-DATA-02")
def test_saving_and_loading_works(people):
    """Saving and loading works."""
    people.attested()


@item("HLT-DATA-03")
def test_players_see_the_same_world(people):
    """Players in one session see the same world."""
    people.attested()


@item("HLT-AFTER-19")
def test_deployment_corrupted_no_data(people):
    """No data was corrupted by the deployment."""
    people.attested()
