"""The git repository of the project on the host, with a short history."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

_IDENTITY = {
    "GIT_AUTHOR_NAME": "SpaceTime Release",
    "GIT_AUTHOR_EMAIL": "release@spacetime.production.com",
    "GIT_COMMITTER_NAME": "SpaceTime Release",
    "GIT_COMMITTER_EMAIL": "release@spacetime.production.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
_DAY = 86400


def write_repository(project: Path, *, now: float) -> None:
    """Two commits: the project, then this release. `.env.production` is in neither."""
    _git(project, "init", "--quiet", "--initial-branch=main")
    commit(project, [".gitignore", "project.godot", "scenes", "vr_main.tscn"], "Scenes and engine settings", now - 40 * _DAY)
    commit(project, ["."], "Release", now - 2 * _DAY)


def commit(project: Path, paths: list[str], message: str, when: float, *, force: bool = False) -> None:
    """Commit `paths` at the time `when`; `force` takes ignored files too."""
    _git(project, "add", *(["--force"] if force else []), "--", *paths)
    _git(project, "commit", "--quiet", "--message", message, when=when)


def forget(project: Path, path: str, when: float) -> None:
    """Take a file out of the repository, leaving it on the disk: its history stays."""
    _git(project, "rm", "--quiet", "--cached", "--", path)
    _git(project, "commit", "--quiet", "--message", "Clean up", when=when)


def _git(project: Path, *arguments: str, when: float | None = None) -> None:
    # GIT_DIR and its like must not lead git elsewhere when the suite itself runs inside a hook.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    date = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(when)) if when else ""
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if when else {}
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-C", str(project), *arguments]
    subprocess.run(command, check=True, capture_output=True, env={**inherited, **_IDENTITY, **dates})
