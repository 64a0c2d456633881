"""OpenXR starts, finds the headset, and the session lives.

Checklist lines 672, 675, 689, 692-693, 737-741, 785, 795, 1210, 1331.
"""

from preflight.fixtures import item, not_built
from preflight.probes import gamelog


@item("VR-RUN-01")
def test_runtime_is_installed():
    """An OpenXR runtime is installed and can be used."""
    not_built()


@item("VR-RUN-02")
def test_headset_is_found():
    """The runtime finds a headset."""
    not_built()


@item("VR-RUN-03")
def test_session_comes_into_focus():
    """A VR session starts and comes into focus."""
    not_built()


@item("VR-RUN-04")
def test_first_frame_appears_in_time():
    """The first head-tracked frame appears within four seconds."""
    not_built()


@item("VR-RUN-05")
def test_session_regains_its_focus():
    """A session that loses the focus gets it back and goes on."""
    not_built()


@item("VR-RUN-06")
def test_game_says_that_vr_is_running():
    """The game itself says that VR is running, and names the headset the runtime names."""
    not_built()


@item("VR-RUN-07")
def test_vr_scene_loads_without_errors(answers, game_log, evidence):
    """The VR scene loads without errors."""
    evidence.request(answers.admitted)
    evidence.saw("lines", game_log.since_start.lines)
    said = answers.admitted.object()
    scene, state = str(said.get("scene_path") or ""), str(said.get("status", "loaded"))
    evidence.fact("scene", scene or "none")
    errors = gamelog.about_the_scene(game_log.since_start, scene)

    assert scene, "GET /scene names no scene"
    assert state == "loaded", f"GET /scene says that {scene} is {state}"
    assert not errors, f"the game log holds {len(errors)} error(s) about it: {errors[0]}"


@item("VR-RUN-08")
def test_console_shows_no_compilation_warnings(game_log, evidence):
    """The console shows no compilation warnings."""
    seen = game_log.since_start
    evidence.saw("files")
    evidence.saw("lines", seen.lines)

    evidence.judge("compile_warnings", seen.count("compile_warnings"), n=seen.lines, where=seen.first("compile_warnings"))


@item("VR-RUN-09")
def test_session_does_not_crash():
    """The VR session does not crash."""
    not_built()


@item("VR-AFTER-01")
def test_vr_works_after_the_deployment():
    """VR works in the deployed version."""
    not_built()


@item("VR-AFTER-04")
def test_vr_starts_on_the_deployed_version():
    """VR starts on the deployed version."""
    not_built()
