"""Scenes are listed, loaded and reloaded.

Checklist lines 1209, 1330.
"""

from preflight.fixtures import item, not_built


@item("HLT-SCENE-01")
def test_scenes_are_listed():
    """The scenes of the project are listed."""
    not_built()


@item("HLT-SCENE-02")
def test_scene_can_be_loaded_and_restored():
    """A scene can be loaded, and the one before it put back."""
    not_built()


@item("HLT-SCENE-03")
def test_scene_can_be_reloaded():
    """The current scene can be reloaded."""
    not_built()


@item("HLT-AFTER-16")
def test_scene_is_loaded_after_the_deployment():
    """A scene is loaded and the last loads succeeded."""
    not_built()


@item("HLT-HOUR-05")
def test_scene_can_be_loaded_on_the_deployed_version():
    """A scene can be loaded on the deployed version."""
    not_built()
