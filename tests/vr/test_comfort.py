"""Moving about and twenty minutes of play make nobody unwell.

Checklist lines 717, 725-728, 754-758, 769-772, 787, 793.
"""

from preflight.errors import Undecided
from preflight.fixtures import item
from preflight.openxr import comfort
from preflight.outcome import Reason


@item("VR-COMF-01")
def test_vignette_appears_during_movement(told, evidence):
    """The vignette appears during movement."""
    moved = comfort.moves(told)
    if not moved:
        raise Undecided(Reason.PERSON, "nobody moved by the stick in the recorded session; the live session does it")
    bare = comfort.without_vignette(told)
    evidence.saw("messages", len(moved))
    evidence.fact("movements", len(moved))

    assert not bare, f"{len(bare)} of {len(moved)} movements without a vignette, the first from {bare[0][0]:.1f} s"


@item("VR-COMF-02")
def test_turns_snap_by_thirty_degrees(told, evidence):
    """Turns snap by 30 degrees; nothing turns smoothly."""
    turns = comfort.turns(told)
    if not turns:
        raise Undecided(Reason.PERSON, "nobody turned by the stick in the recorded session; the live session does it")
    evidence.saw("poses", 2 * len(turns))
    smooth = [turn for turn in turns if not turn.snapped]

    assert not smooth, f"{len(smooth)} of {len(turns)} turns are smooth, the first at {smooth[0].at:.1f} s"
    worst = max(turns, key=lambda turn: abs(turn.degrees - 30))
    evidence.judge(
        "turn_error", abs(worst.degrees - 30), n=len(turns), where=f"a turn by {worst.degrees:.1f} at {worst.at:.1f} s"
    )


@item("VR-COMF-03")
def test_teleportation_ends_where_it_was_aimed(told, evidence):
    """Teleportation is smooth and ends where it was aimed."""
    errors = comfort.teleport_errors(told)
    if not errors:
        raise Undecided(Reason.PERSON, "nobody teleported in the recorded session; the live session does it")
    evidence.saw("messages", len(errors))
    evidence.saw("poses", 2 * len(errors))
    at, worst = max(errors, key=lambda pair: pair[1])

    evidence.judge("target_error", worst, n=len(errors), where=f"the teleport at {at:.1f} s")


@item("VR-COMF-04")
def test_camera_never_moves_by_itself(told, streamed, evidence):
    """The camera never moves suddenly by itself."""
    seen = comfort.followed(told)
    evidence.saw("poses", seen)
    jump, at = comfort.worst_jump(told)

    evidence.judge("camera_jump", jump, n=seen, where=f"at {at:.1f} s of the recorded session")
    if seen < evidence.item.evidence["poses"]:
        raise Undecided(Reason.SAMPLES, f"only {seen} poses of the camera were recorded; play longer")
    if streamed is None:
        return
    live = comfort.followed(streamed.events)
    if not live:
        evidence.fact("game's telemetry", "its positions come too seldom to show a jump: judged by the recording alone")
        return
    jump, at = comfort.worst_jump(streamed.events)
    evidence.judge("camera_jump", jump, n=live, where=f"the game's telemetry, after {at:.1f} s")


@item("VR-COMF-05")
def test_everything_is_at_a_comfortable_height(testers):
    """Everything can be reached at a comfortable height."""
    testers.attested()


@item("VR-COMF-06")
def test_nobody_felt_motion_sick(testers):
    """Nobody felt motion sick in any scenario."""
    testers.attested()


@item("VR-COMF-07")
def test_nobody_felt_nausea(testers):
    """Twenty minutes of play caused no nausea."""
    testers.attested()


@item("VR-COMF-08")
def test_nobody_had_eye_strain(testers):
    """Twenty minutes of play caused no eye strain."""
    testers.attested()


@item("VR-COMF-09")
def test_nobody_was_disoriented(testers):
    """Twenty minutes of play caused no disorientation."""
    testers.attested()


@item("VR-COMF-10")
def test_game_is_comfortable_for_extended_play(testers):
    """The game is comfortable for extended play."""
    testers.attested()
