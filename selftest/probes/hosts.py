"""A host made of a dictionary, for the probes' tests: paths, contents, modes and times."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from preflight.errors import LookError
from preflight.probes.host import FileFacts, Ran

NOW = time.time()


class Files:
    """A host whose files are given as text or bytes; `modes` and `ages` (hours) by path."""

    name = "a host in memory"

    def __init__(
        self,
        files: Mapping[str, str | bytes],
        modes: Mapping[str, int] | None = None,
        ages: Mapping[str, float] | None = None,
        says: Mapping[str, Ran] | None = None,
    ) -> None:
        self.files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.modes, self.ages, self.says = modes or {}, ages or {}, says or {}

    def facts(self, path: str) -> FileFacts | None:
        path = path.rstrip("/")
        if path in self.files:
            modified = NOW - 3600 * self.ages.get(path, 0)
            return FileFacts(len(self.files[path]), 0o100000 | self.modes.get(path, 0o644), modified, is_folder=False)
        if any(name.startswith(path + "/") for name in self.files):
            return FileFacts(0, 0o40755, NOW, is_folder=True)
        return None

    def listing(self, path: str) -> list[str]:
        inside = [name[len(path.rstrip("/")) + 1 :] for name in self.files if name.startswith(path.rstrip("/") + "/")]
        return sorted({name.split("/")[0] for name in inside})

    @contextmanager
    def open(self, path: str) -> Iterator[IO[bytes]]:
        if path not in self.files:
            raise LookError(f"{path} can't be read")
        yield io.BytesIO(self.files[path])

    def run(self, name: str, *arguments: str, folder: str | None = None) -> Ran:
        del arguments, folder
        return self.says[name]

    def close(self) -> None:
        """Nothing is held open."""
