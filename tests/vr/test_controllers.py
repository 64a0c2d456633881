"""Both controllers are tracked, respond and vibrate.

Checklist lines 691, 720-722, 777-778, 785.
"""

from preflight.fixtures import item, not_built


@item("VR-CTRL-01")
def test_both_controllers_are_tracked():
    """Both controllers are found and tracked."""
    not_built()


@item("VR-CTRL-02")
def test_profile_is_the_one_the_game_binds():
    """Both controllers have the interaction profile that the game binds."""
    not_built()


@item("VR-CTRL-03")
def test_controllers_are_tracked_accurately():
    """Controllers are tracked accurately: a hand at rest stays where it is."""
    not_built()


@item("VR-CTRL-04")
def test_haptic_feedback_works():
    """Haptic feedback works on both controllers."""
    not_built()


@item("VR-CTRL-05")
def test_buttons_respond_at_once():
    """Every button and axis that the game binds responds, and at once."""
    not_built()


@item("VR-CTRL-06")
def test_pointer_hits_its_target(people):
    """Pointer and laser hit what they point at."""
    people.attested()


@item("VR-CTRL-07")
def test_game_sees_the_same_controllers():
    """The game reports the controllers' poses as the runtime sees them."""
    not_built()
