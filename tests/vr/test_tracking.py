"""Head and hands are followed.

Checklist lines 690, 715-716, 785.
"""

from preflight.fixtures import item, not_built


@item("VR-TRACK-01")
def test_head_is_tracked():
    """The head is tracked."""
    not_built()


@item("VR-TRACK-02")
def test_head_moves_smoothly():
    """The head moves smoothly: no frozen and no jumping poses."""
    not_built()


@item("VR-TRACK-03")
def test_picture_follows_the_head(people):
    """The picture follows the head without noticeable lag."""
    people.attested()


@item("VR-TRACK-04")
def test_hands_are_tracked():
    """Hands are tracked where the deployment promises it."""
    not_built()
