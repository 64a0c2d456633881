"""Moving about and twenty minutes of play make nobody unwell.

Checklist lines 717, 725-728, 754-758, 769-772, 787, 793.
"""

from preflight.fixtures import item, not_built


@item("VR-COMF-01")
def test_vignette_appears_during_movement():
    """The vignette appears during movement."""
    not_built()


@item("VR-COMF-02")
def test_turns_snap_by_thirty_degrees():
    """Turns snap by 30 degrees; nothing turns smoothly."""
    not_built()


@item("VR-COMF-03")
def test_teleportation_ends_where_it_was_aimed():
    """Teleportation is smooth and ends where it was aimed."""
    not_built()


@item("VR-COMF-04")
def test_camera_never_moves_by_itself():
    """The camera never moves suddenly by itself."""
    not_built()


@item("VR-COMF-05")
def test_everything_is_at_a_comfortable_height(people):
    """Everything can be reached at a comfortable height."""
    people.attested()


@item("VR-COMF-06")
def test_nobody_felt_motion_sick(people):
    """Nobody felt motion sick in any scenario."""
    people.attested()


@item("VR-COMF-07")
def test_nobody_felt_nausea(people):
    """Twenty minutes of play caused no nausea."""
    people.attested()


@item("VR-COMF-08")
def test_nobody_had_eye_strain(people):
    """Twenty minutes of play caused no eye strain."""
    people.attested()


@item("VR-COMF-09")
def test_nobody_was_disoriented(people):
    """Twenty minutes of play caused no disorientation."""
    people.attested()


@item("VR-COMF-10")
def test_game_is_comfortable_for_extended_play(people):
    """The game is comfortable for extended play."""
    people.attested()
