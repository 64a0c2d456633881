"""Both controllers are tracked, respond and vibrate.

Checklist lines 691, 720-722, 777-778, 785.
"""

import pytest

from preflight.errors import Undecided
from preflight.fixtures import item
from preflight.openxr import inputs
from preflight.openxr.look import SIDES, drift, share
from preflight.openxr.streamed import apart
from preflight.outcome import Reason

_FOLLOWED = 0.95
_SAME_PLACE_M = 0.1
_GENERIC = "/interaction_profiles/khr/simple_controller"


@item("VR-CTRL-01")
@pytest.mark.parametrize("side", SIDES)
def test_both_controllers_are_tracked(played, evidence, side):
    """Both controllers are found and tracked."""
    poses = played.hand(side)
    evidence.saw("poses", len(poses))
    evidence.fact(side, f"{share(poses):.1%} of {len(poses)} poses tracked")

    assert any(pose.active for pose in poses), f"the {side} controller is missing"
    assert share(poses) >= _FOLLOWED, f"only {share(poses):.1%} of {len(poses)} poses of the {side} controller are tracked"


@item("VR-CTRL-02")
@pytest.mark.parametrize("side", SIDES)
def test_profile_is_the_one_the_game_binds(played, streamed, evidence, side):
    """Both controllers have the interaction profile that the game binds."""
    ours = played.told["profiles"][SIDES.index(side)]
    evidence.saw("states")
    evidence.fact(f"{side}, runtime", ours or "none")

    assert ours, f"the runtime gives the {side} controller no interaction profile"
    assert ours != _GENERIC, f"the runtime has the {side} controller on the generic profile: what the game binds is not there"
    if streamed is None:
        raise Undecided(Reason.OPERATOR, "which profile the game binds is in its telemetry; give [telemetry] url")
    game = streamed.profiles.get(side, "")
    evidence.fact(f"{side}, game", game or "none")
    if not game and side in streamed.profiles:
        raise Undecided(Reason.PERSON, "the game's telemetry names no profile; compare its action map with the runtime's")
    assert game, f"the game knows no {side} controller"
    assert game != _GENERIC, f"the game has the {side} controller on the generic profile: its own bindings do not apply"
    if not played.simulated:
        assert game == ours, f"the game has the {side} controller as {game}, the runtime as {ours}"


@item("VR-CTRL-03")
@pytest.mark.parametrize("side", SIDES)
def test_controllers_are_tracked_accurately(played, streamed, evidence, side):
    """Controllers are tracked accurately: a hand at rest stays where it is."""
    poses = [pose for pose in played.hand(side) if pose.valid]
    evidence.saw("poses", len(poses))
    assert poses, f"the {side} controller is missing"
    slid = drift(poses)
    if slid is None:
        raise Undecided(Reason.PERSON, f"the {side} controller was turned during the look; lay both down and run again")

    evidence.judge("drift", slid, n=len(poses), where=f"{side}, {played.headset}")
    if streamed is not None:
        slid = drift(streamed.hands[side])
        if slid is not None:
            evidence.judge("drift", slid, n=len(streamed.hands[side]), where=f"{side}, the game's telemetry")


@item("VR-CTRL-04")
@pytest.mark.parametrize("side", SIDES)
def test_haptic_feedback_works(played, evidence, side):
    """Haptic feedback works on both controllers."""
    # a runtime accepts vibrations of a controller that is not there, so it must be there first
    assert any(pose.active for pose in played.hand(side)), f"the {side} controller is missing"
    answer = played.told["haptics"][SIDES.index(side)]
    evidence.saw("states")
    evidence.fact(side, answer)

    assert answer == "accepted", f"the {side} controller refuses to vibrate: {answer}"


@item("VR-CTRL-05")
def test_buttons_respond_at_once(played, recording, streamed, testers, evidence):
    """Every button and axis that the game binds responds, and at once."""
    held = [f"{side} {name}" for side in SIDES for name in inputs.held(played.controls(side))]
    held += streamed.held if streamed is not None else []
    assert not held, f"always pressed: {', '.join(sorted(set(held)))}"
    if not recording.inputs:
        raise Undecided(Reason.PERSON, f"{recording.source} holds no input; press every button in the live session")
    evidence.saw("states", len(recording.inputs))
    silent, stuck = inputs.silent(recording), inputs.stuck(recording)
    slowest = inputs.slowest(recording)
    evidence.fact("controls", ", ".join(recording.bound))

    assert not stuck, f"pressed and never released: {', '.join(stuck)}"
    if slowest is not None:
        latency, control = slowest
        evidence.judge("input_latency", latency, n=len(recording.inputs), where=f"{control}, {recording.source}")
    if silent:
        raise Undecided(Reason.PERSON, f"never pressed in {recording.source}: {', '.join(silent)}")
    if slowest is None:
        # telemetry tells when the game saw a button, not when it was pressed: whether it was at once, a person says
        testers.attested()


@item("VR-CTRL-06")
def test_pointer_hits_its_target(testers):
    """Pointer and laser hit what they point at."""
    testers.attested()


@item("VR-CTRL-07")
def test_game_sees_the_same_controllers(played, streamed, evidence):
    """The game reports the controllers' poses as the runtime sees them."""
    evidence.saw("messages", streamed.messages)
    for side in SIDES:
        ours, game = played.hand(side), streamed.hands[side]
        evidence.saw("poses", len(ours))
        assert bool(game) == any(pose.active for pose in ours), (
            f"the {side} controller is {'there' if game else 'missing'} for the game, and not so for the runtime"
        )
        assert share(game) >= _FOLLOWED, f"the game says that only {share(game):.1%} of the {side} controller's poses are tracked"
    if played.simulated:
        evidence.fact("not compared", "places: the stand-in game does not run on the simulated headset")
        return
    ours, game = apart(played.hand("left"), played.hand("right")), apart(streamed.hands["left"], streamed.hands["right"])
    evidence.fact("hands apart", f"{ours:.2f} m for the runtime, {game:.2f} m for the game")
    assert abs(ours - game) <= _SAME_PLACE_M, f"the hands are {ours:.2f} m apart for the runtime and {game:.2f} m for the game"
