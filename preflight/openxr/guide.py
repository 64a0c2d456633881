"""The screen that leads a tester through the live session: what to do, the clock, what was seen, the questions.

pytest holds standard input and output, so this reads and writes the controlling terminal itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.prompt import Prompt
from rich.table import Table
from rich.text import Text

from preflight.checklist import Item
from preflight.errors import Undecided
from preflight.openxr.live import Finding
from preflight.openxr.scenarios import Scenario
from preflight.outcome import Reason
from preflight.waiting import terminal_at_hand

ANSWERS = ("yes", "no", "later")
_TICK_S = 0.25


class _Keys:
    """Lines typed at the terminal; a terminal that is gone ends the session instead of asking for ever."""

    def __init__(self, source: TextIO) -> None:
        self._source = source

    def readline(self) -> str:
        """The next line. Raises EOFError where there will be none."""
        line = self._source.readline()
        if not line:
            raise EOFError("the terminal was closed")
        return line

    def forget(self) -> None:
        """Drop what was typed while nobody asked: it would answer the next question unread."""
        if os.name != "nt":
            import termios

            with contextlib.suppress(OSError, termios.error):
                termios.tcflush(self._source.fileno(), termios.TCIFLUSH)


class Guide:
    """A terminal with a person at it."""

    def __init__(self, console: Console, keys: TextIO) -> None:
        self._console = console
        self._keys = _Keys(keys)

    def _ask(self, question: str, choices: Sequence[str] = (), *, empty: bool = False) -> str:
        """What the person types; with `empty` Enter alone will do."""
        prompt = Prompt(Text(question), console=self._console, choices=list(choices) or None, show_default=False)
        return str(prompt(default="" if empty else ..., stream=cast("TextIO", self._keys))).strip()

    def say(self, text: str) -> None:
        """One line or more, as they are."""
        self._console.print(Text(text))

    def person(self, roles: Sequence[str]) -> tuple[str, str]:
        """Name and role of who is there."""
        name = ""
        while len(name) < 2:
            name = self._ask("Your name")
        return name, self._ask("Your role", roles)

    def show(self, scenario: Scenario, place: str, minutes: float) -> None:
        """A scenario: its place among them, how long, what to do."""
        self._console.clear()
        many = f"{minutes:g} minutes" if minutes else "no clock"
        if minutes and minutes < scenario.minutes:
            many = f"shortened to {minutes:g} of {scenario.minutes:g} minutes"
        steps = Text("\n".join(f"{number}. {step}" for number, step in enumerate(scenario.steps, 1)))
        self._console.print(
            Panel(steps, title=Text(f"{place}: {scenario.name}, {many}"), subtitle="Ctrl-C stops; finished parts are kept")
        )

    def ready(self, what: str) -> None:
        """Wait for Enter."""
        self._ask(f"Press Enter {what}", empty=True)

    def countdown(self, what: str, seconds: float, running: Callable[[], bool], tick: Callable[[], None]) -> None:
        """The clock, while `running`; `tick` is called about every 20 s."""
        columns = (TextColumn("  {task.description}", markup=False), BarColumn(30), TimeRemainingColumn(compact=True))
        began = ticked = time.monotonic()
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(what, total=seconds)
            while running():
                now = time.monotonic()
                progress.update(task, completed=min(seconds, now - began))
                if now - ticked > 20:
                    ticked = now
                    tick()
                time.sleep(_TICK_S)
        self._keys.forget()

    def found(self, findings: Sequence[Finding]) -> None:
        """What telemetry shows of the scenario."""
        table = Table(title="Seen in the telemetry", show_header=False)
        for finding in findings:
            table.add_row("ok" if finding.seen else "NOT SEEN", Text(finding.text))
        self._console.print(table)

    def again(self, question: str) -> bool:
        """A question of yes and no."""
        return self._ask(question, ("yes", "no")) == "yes"

    def which(self, names: Sequence[str]) -> str:
        """Which scenario to play again, when all of them are finished: a name, "all" or "none"."""
        return self._ask("\nEvery scenario of this build is finished. Which is to be played again?", ("none", *names, "all"))

    def answers(self, items: Sequence[Item]) -> list[tuple[Item, str, str]]:
        """Item, yes or no, and a note, for each that the person decides; what is left for later is left out."""
        said = []
        for item in items:
            self.say(f"\n{item.id}  {item.title}")
            outcome = self._ask("Does it hold?", ANSWERS)
            note = self._ask("What happened?", empty=True) if outcome == "no" else ""
            if outcome != "later":
                said.append((item, outcome, note))
        return said


@contextmanager
def at_the_terminal() -> Iterator[Guide]:
    """The guide on the controlling terminal. Raises Undecided where there is none."""
    nobody = Undecided(Reason.PERSON, "--live leads a person through the session, and there is no terminal here to do so")
    with ExitStack() as open_:
        screen = terminal_at_hand()
        if screen is None:
            raise nobody
        open_.enter_context(screen)
        try:
            place = Path("CONIN$" if os.name == "nt" else "/dev/tty")
            keys = open_.enter_context(place.open(encoding="utf-8", errors="replace"))
            width = os.get_terminal_size(screen.fileno()).columns
        except OSError as error:
            raise nobody from error
        width = width or shutil.get_terminal_size().columns
        yield Guide(Console(file=screen, force_terminal=True, width=min(100, max(60, width)), highlight=False), keys)
