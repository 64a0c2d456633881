"""The VR session was prepared: controllers, room, instruments, project settings.

Checklist lines 673-674, 698-699, 992-993.
"""

from preflight.errors import Undecided
from preflight.fixtures import item
from preflight.outcome import Reason
from preflight.probes import project


@item("VR-PREP-01")
def test_controllers_are_charged(testers):
    """The controllers are charged for the session."""
    testers.attested()


@item("VR-PREP-02")
def test_play_space_is_large_enough(played, evidence):
    """The play space is at least two metres by two."""
    space = played.told.get("bounds")
    if space is None:
        raise Undecided(
            Reason.OPERATOR, f"{played.headset} knows no bounds of a play space; draw them in the runtime's room set-up"
        )
    evidence.saw("samples")
    width, depth = space

    evidence.judge("width", width, where=played.headset)
    evidence.judge("depth", depth, where=played.headset)


@item("VR-PREP-03")
def test_instruments_were_shown(testers):
    """Frame-rate overlay and profiler were shown during the session."""
    testers.attested()


@item("VR-SET-01")
def test_renderer_is_set_as_agreed(host, target, evidence):
    """The project is set to MSAA 2x and the Forward+ renderer."""
    folder = target.facts.paths.project
    method, msaa = (project.setting(host, folder, name) for name in (project.RENDERING_METHOD, project.MSAA_3D))
    evidence.saw("files")
    evidence.saw("settings", 2)

    assert method == "forward_plus", f"the renderer is {method!r} instead of forward_plus"
    assert msaa == "1", f"MSAA is {project.MSAA.get(msaa, msaa)} instead of 2x"
