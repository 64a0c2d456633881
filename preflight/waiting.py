"""Says on the terminal what a long look is busy with, so that nobody takes patience for a hang.

pytest captures what tests print, so this goes to the controlling terminal itself; where there is none (a pipeline, a
worker) nothing is said, and the plan has named the time beforehand.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

QUIET_S = 5.0
"""A look may take so long before anything is said of it."""
_EVERY_S = 0.5


def terminal_at_hand() -> TextIO | None:
    """The controlling terminal, None where there is none."""
    try:
        return Path("CONOUT$" if os.name == "nt" else "/dev/tty").open("w", encoding="utf-8")
    except OSError:
        return None


class Waiting:
    """`on` surrounds a look; who knows how long it will take says so with `expect`."""

    def __init__(self, screen: TextIO | None = None) -> None:
        self._screen = screen
        self._began = 0.0
        self._expected: float | None = None
        self._over = threading.Event()
        self._showing: threading.Thread | None = None

    def expect(self, seconds: float) -> None:
        """From now on the look goes on for about so long."""
        self._expected = time.monotonic() - self._began + seconds

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """While the block runs and takes longer than QUIET_S, show `what`, the time gone and the time expected."""
        self._began, self._expected = time.monotonic(), None
        if self._screen is None:
            yield
            return
        self._over = threading.Event()
        self._showing = threading.Thread(target=self._show, args=(what, self._over), daemon=True)
        self._showing.start()
        try:
            yield
        finally:
            self.hush()

    def hush(self) -> None:
        """Show nothing more of this look: the terminal is somebody else's now."""
        self._over.set()
        if self._showing is not None:
            self._showing.join()

    def _show(self, what: str, over: threading.Event) -> None:
        if over.wait(QUIET_S) or self._screen is None:
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("  {task.description}", markup=False),
            BarColumn(20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[of]}"),
        )
        console = Console(file=self._screen, force_terminal=True)
        shown = what if len(what) <= console.width - 50 else what[: max(20, console.width - 51)] + "…"
        with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
            task = progress.add_task(shown, total=None, of="")
            while True:
                gone, expected = time.monotonic() - self._began, self._expected
                of = f"of about {expected:.0f} s" if expected else ""
                progress.update(task, total=expected, completed=min(gone, expected or gone), of=of, refresh=True)
                if over.wait(_EVERY_S):
                    return
