"""Changes to single files of the host, made last: how faults get into files."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from preflight.rehearsal.behaviour import Edit
from preflight.rehearsal.host import repository
from preflight.rehearsal.journal import game_line, stamp
from preflight.rehearsal.runtime import RuntimeSecrets, fill

HOUR = 3600


def apply(root: Path, edit: Edit, secrets: RuntimeSecrets, *, now: float) -> None:
    """Make one change below `root`. Raises ValueError when it changes nothing: such a fault would be none."""
    text = re.sub(r"\{\{ago:(\d+)\}\}", lambda match: stamp(now - int(match[1])), fill(edit.text, secrets))
    if edit.kind == "write":
        path = root / edit.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    newest = edit.path.startswith("newest:")
    paths = sorted(root.glob(edit.path.removeprefix("newest:")))
    paths = paths[-1:] if newest else paths
    if not paths:
        raise ValueError(f"no file of the host matches {edit.path}")
    for path in paths:
        _change(root, path, edit, text, now)


def _change(root: Path, path: Path, edit: Edit, text: str, now: float) -> None:
    if edit.kind == "append":
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    elif edit.kind == "replace":
        _replace(path, edit, text)
    elif edit.kind == "delete":
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    elif edit.kind == "chmod":
        path.chmod(int(edit.number))
    elif edit.kind == "age":
        then = now - edit.number * HOUR
        os.utime(path, (then, then))
    elif edit.kind == "pad":
        _pad(path, edit.number, now)
    elif edit.kind == "truncate":
        os.truncate(path, int(edit.number))
    elif edit.kind == "move":
        path.rename(root / text)
    elif edit.kind == "commit":
        _commit(root / "opt/godot", path, edit, now)


def _pad(path: Path, megabytes: float, now: float) -> None:
    block = "".join(game_line("INFO", f"Heartbeat: fps 90.1, frame {n}", now - 3600) + "\n" for n in range(16_000))
    with path.open("a", encoding="utf-8") as file:
        for _ in range(int(megabytes * 1_000_000 / len(block)) + 1):
            file.write(block)


def _replace(path: Path, edit: Edit, text: str) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        before = file.read()
    after = re.sub(edit.old, lambda _: text, before, flags=re.MULTILINE)
    if after == before:
        raise ValueError(f"{edit.old!r} changes nothing in {edit.path}")
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(after)


def _commit(project: Path, path: Path, edit: Edit, now: float) -> None:
    """Into the history; with `number` not 0, out of the tree again in the next commit."""
    name = str(path.relative_to(project))
    repository.commit(project, [name], "Deploy", now - 48 * HOUR, force=True)
    if edit.number:
        repository.forget(project, name, now - 47 * HOUR)
