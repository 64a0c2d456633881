"""Head and hands are followed.

Checklist lines 690, 715-716, 785.
"""

from preflight.fixtures import item
from preflight.openxr import comfort
from preflight.openxr.look import longest_step, share, travel

_FOLLOWED = 0.95
"""The share of poses that must be tracked: losing sight for a moment is no fault."""


@item("VR-TRACK-01")
def test_head_is_tracked(played, streamed, evidence):
    """The head is tracked."""
    head = played.head()
    evidence.saw("poses", len(head))
    position = bool(played.told.get("tracks_position")) and not played.simulated
    seen = share(head, position=position)
    evidence.fact("tracked", f"{seen:.1%} of {len(head)} poses" + ("" if position else ", orientation only"))

    assert all(pose.valid for pose in head), f"{sum(not pose.valid for pose in head)} poses of the head mean nothing"
    assert seen >= _FOLLOWED, f"only {seen:.1%} of {len(head)} poses of the head are tracked"
    if streamed is not None:
        game = share(streamed.head)
        assert game >= _FOLLOWED, f"the game says that only {game:.1%} of {len(streamed.head)} poses of the head are tracked"


@item("VR-TRACK-02")
def test_head_moves_smoothly(played, streamed, evidence):
    """The head moves smoothly: no frozen and no jumping poses."""
    head = played.head()
    evidence.saw("poses", len(head))
    step, at = longest_step(head)
    evidence.fact("moved", f"{travel(head):.3f} m")

    assert travel(head) > 0, f"the head's pose did not change in {len(head)} frames"
    evidence.judge("jump", step, n=len(head), where=f"{played.headset}, {at:.2f} s after the first pose")
    if streamed is not None:
        jump, at = comfort.worst_jump(streamed.events)
        assert travel(streamed.head) > 0, f"the game's pose of the head did not change in {len(streamed.head)} messages"
        evidence.judge("jump", jump, n=len(streamed.head), where=f"the game's telemetry, after {at:.1f} s")


@item("VR-TRACK-03")
def test_picture_follows_the_head(testers):
    """The picture follows the head without noticeable lag."""
    testers.attested()


@item("VR-TRACK-04")
def test_hands_are_tracked(promised_hands, played, evidence):
    """Hands are tracked where the deployment promises it."""
    joints = played.told.get("joints", [])
    evidence.saw("poses", len(played.head()))

    assert played.told.get("hand_tracking"), f"the game follows hands, and {played.headset} does not"
    for index, side in enumerate(("left", "right")):
        followed = sum(both[index] for both in joints)
        assert followed, f"the {side} hand was never followed in {len(joints)} frames"
