"""OpenXR starts, finds the headset, and the session lives.

Checklist lines 672, 675, 689, 692-693, 737-741, 785, 795, 1210, 1331.
"""

from preflight.errors import LookError, Undecided
from preflight.fixtures import item
from preflight.openxr import headsets
from preflight.openxr.recording import ENDED_EARLY
from preflight.openxr.station import ENDED, remedy
from preflight.outcome import Reason
from preflight.probes import gamelog


@item("VR-RUN-01")
def test_runtime_is_installed(attempt, evidence):
    """An OpenXR runtime is installed and can be used."""
    assert attempt.trouble not in ("no runtime", "no service"), attempt.sentence
    if "runtime" not in attempt.told:
        raise LookError(f"the runtime could not be asked: {attempt.sentence}")
    evidence.saw("states")
    evidence.fact("runtime", f"{attempt.told['runtime']} {attempt.told['runtime_version']}")


@item("VR-RUN-02")
def test_headset_is_found(attempt, evidence):
    """The runtime finds a headset."""
    assert attempt.trouble != "no headset", attempt.sentence
    evidence.saw("states", int("system" in attempt.told))
    if "system" not in attempt.told:
        raise LookError(f"no runtime to ask for a headset: {attempt.sentence}")
    views = attempt.told.get("views", {})
    evidence.fact("pictures", ", ".join(f"{name} {sizes}" for name, sizes in views.items()))

    assert attempt.trouble != "no stereo", attempt.sentence


@item("VR-RUN-03")
def test_session_comes_into_focus(attempt, evidence):
    """A VR session starts and comes into focus."""
    evidence.saw("states", len(attempt.states))
    evidence.fact("states", " → ".join(attempt.states))

    assert attempt.trouble != "no focus", attempt.sentence
    if "FOCUSED" not in attempt.states:
        raise LookError(f"no session was started: {attempt.sentence}")


@item("VR-RUN-04")
def test_first_frame_appears_in_time(played, evidence, recording, testers):
    """The first head-tracked frame appears within four seconds."""
    first = played.told.get("first_frame_s")
    if first is None:
        raise Undecided(Reason.PROGRAM, f"no frame is shown: {played.told.get('no_graphics')}")
    evidence.saw("frames")
    evidence.judge("first_frame", first, where=f"this suite's own session on {played.headset}")
    if recording.first_frame_s is None:
        testers.attested()
        return
    evidence.judge("first_frame", recording.first_frame_s, where=recording.source)


@item("VR-RUN-05")
def test_session_regains_its_focus(played, station, testers, evidence):
    """A session that loses the focus gets it back and goes on."""
    if not station.own:
        # no program can open the runtime's menu on a headset that a person wears
        testers.attested()
        evidence.saw("states", 2)
        return
    look = station.interrupt()
    after = look.states[look.states.index("FOCUSED") + 1 :] if "FOCUSED" in look.states else []
    evidence.saw("states", len(after))
    evidence.fact("states", " → ".join(look.states))

    assert not look.trouble, f"the session did not survive the loss of its focus: {look.sentence}"
    if "SYNCHRONIZED" not in after:
        raise LookError("the other program did not take the focus, so that nothing could be regained")
    if look.busy and "FOCUSED" not in after:
        raise LookError(f"this machine is too busy ({look.load:.1f} programs a processor) for two sessions to take turns")
    assert "FOCUSED" in after, "the session never got its focus back"


@item("VR-RUN-06")
def test_game_says_that_vr_is_running(answers, performance, evidence, target, request):
    """The game itself says that VR is running, and names the headset the runtime names."""
    evidence.request(performance)
    evidence.request(answers.status)
    said, status = performance.object(), answers.status.object()
    named = str(said.get("headset") or "")
    evidence.fact("the game's headset", named or "none")

    assert said.get("vr_active") is True, f"GET /performance says vr_active: {said.get('vr_active')}"
    assert status.get("vr_initialized") is not False, "GET /status says that VR is not initialised"
    assert named, "GET /performance names no headset"
    attempt = request.getfixturevalue("attempt") if not target.facts.rehearsal else None
    if attempt is None:
        evidence.fact("not compared", "the stand-in game does not run on the simulated headset")
        return
    assert headsets.alike(named, attempt.told.get("system", "")), (
        f"the game names {named}, the runtime {attempt.told.get('system', 'nothing')}"
    )


@item("VR-RUN-07")
def test_vr_scene_loads_without_errors(answers, game_log, evidence):
    """The VR scene loads without errors."""
    evidence.request(answers.admitted)
    evidence.saw("lines", game_log.since_start.lines)
    said = answers.opened.object()
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
def test_session_does_not_crash(attempt, evidence):
    """The VR session does not crash."""
    evidence.saw("states", len(attempt.states))
    frames = len(attempt.frames())
    evidence.saw("frames", frames)
    if attempt.trouble in ENDED:
        evidence.judge("crashes", 1, n=frames, where=attempt.sentence)
    if attempt.trouble:
        raise LookError(f"no session to look at: {remedy(attempt)}")

    evidence.judge("crashes", 0, n=frames, where=f"{attempt.seconds:.0f} s on {attempt.headset}")


@item("VR-RUN-09")
def test_game_does_not_crash_while_it_is_played(recording, evidence):
    """The game does not go away while somebody plays it: the suite's own session speaks for the station alone."""
    evidence.saw("frames", len(recording.frames) or len(recording.seconds))
    gone = recording.facts.get(ENDED_EARLY, "")

    evidence.judge("crashes", len(gone.split("; ")) if gone else 0, where=gone or recording.source)


@item("VR-AFTER-01")
def test_vr_works_after_the_deployment(answers, performance, evidence):
    """VR works in the deployed version."""
    evidence.request(answers.status)
    evidence.request(performance)
    status, said = answers.status.object(), performance.object()

    assert status.get("vr_initialized") is True, f"GET /status says vr_initialized: {status.get('vr_initialized')}"
    assert said.get("vr_active") is True, f"GET /performance says vr_active: {said.get('vr_active')}"


@item("VR-AFTER-04")
def test_vr_starts_on_the_deployed_version(attempt, answers, evidence):
    """VR starts on the deployed version."""
    evidence.request(answers.status)
    evidence.saw("states", len(attempt.states))
    if attempt.trouble and "FOCUSED" not in attempt.states:
        raise LookError(f"no session was started: {attempt.sentence}")

    assert answers.status.object().get("vr_initialized") is True, "GET /status says that VR is not initialised"
