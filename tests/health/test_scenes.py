"""Scenes are listed, loaded and reloaded.

Checklist lines 1209, 1330.
"""

from preflight.fixtures import item
from preflight.probes import scenes


@item("HLT-SCENE-01")
def test_scenes_are_listed(api, token, evidence):
    """The scenes of the project are listed."""
    answer = api.get("/scenes", token=token)
    evidence.request(answer)
    listed = answer.object().get("scenes")

    assert isinstance(listed, list), "GET /scenes has no list of scenes"
    assert listed, "GET /scenes lists no scene"
    assert answer.object().get("count", len(listed)) == len(listed), "GET /scenes counts another number than it lists"


def loaded_and_restored(change, evidence):
    """The scene was loaded, and the one before it is back."""
    evidence.request(change.answer)
    evidence.saw("requests", change.looks)
    evidence.fact("loaded", f"{change.scene}, then {change.before} again")

    assert change.answer.status_code == 200, f"POST /scene for {change.scene} answers {change.answer.status_code}"
    assert change.loaded, f"{change.scene} was not loaded within 20 s"


@item("HLT-SCENE-02")
def test_scene_can_be_loaded_and_restored(api, token, target, evidence):
    """A scene can be loaded, and the one before it put back."""
    loaded_and_restored(scenes.change_and_restore(api, token, target), evidence)


@item("HLT-SCENE-03")
def test_scene_can_be_reloaded(api, token, target, evidence):
    """The current scene can be reloaded."""
    scenes.must_be_free(api, token, target)
    before = scenes.current(api, token)
    answer = api.ask("POST", "/scene/reload", token=token, body={})
    evidence.request(answer)
    loaded = scenes.wait_until_loaded(api, token, before)
    evidence.saw("requests")

    assert answer.status_code == 200, f"POST /scene/reload answers {answer.status_code}"
    assert loaded, f"{before} was not back within 20 s after its reload"


@item("HLT-AFTER-16")
def test_scene_is_loaded_after_the_deployment(api, token, answers, evidence):
    """A scene is loaded and the last loads succeeded."""
    evidence.request(answers.opened)
    history = api.get("/scene/history", token=token)
    evidence.request(history)
    failed = scenes.failed_loads(history)

    assert answers.opened.object().get("status") == "loaded", f"GET /scene says {answers.opened.object().get('status')}"
    assert history.status_code == 200, f"GET /scene/history answers {history.status_code}"
    assert not failed, f"the last loads failed: {', '.join(failed)}"


@item("HLT-HOUR-05")
def test_scene_can_be_loaded_on_the_deployed_version(api, token, target, evidence):
    """A scene can be loaded on the deployed version."""
    loaded_and_restored(scenes.change_and_restore(api, token, target), evidence)
