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


@item("HLT-SCENE-02")
def test_scene_can_be_loaded_and_restored(api, token, target, evidence):
    """A scene can be loaded, and the one before it put back."""
    scenes.must_be_free(api, token, target)
    with scenes.put_back(api, token) as before:
        other = scenes.another(target, before)
        answer = scenes.load(api, token, other)
        evidence.request(answer)
        loaded = scenes.wait_until_loaded(api, token, other)
    evidence.saw("requests", 3)
    evidence.fact("loaded", f"{other}, then {before} again")

    assert answer.status_code == 200, f"POST /scene for {other} answers {answer.status_code}"
    assert loaded, f"{other} was not loaded within 20 s"


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
    scenes.must_be_free(api, token, target)
    with scenes.put_back(api, token) as before:
        other = scenes.another(target, before)
        answer = scenes.load(api, token, other)
        evidence.request(answer)
        loaded = scenes.wait_until_loaded(api, token, other)
    evidence.saw("requests", 3)
    evidence.fact("loaded", f"{other}, then {before} again")

    assert answer.status_code == 200, f"POST /scene for {other} answers {answer.status_code}"
    assert loaded, f"{other} was not loaded within 20 s"
