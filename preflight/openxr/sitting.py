"""The live session with a person: scenario by scenario played, recorded, looked at, attested; stopped and taken up again.

A finished scenario is kept as a file beside the attestations, one folder a build, so that the next run goes on after it.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w

from preflight.attest import attest
from preflight.checklist import Item
from preflight.errors import LookError, UsageError
from preflight.openxr import frames_file, live
from preflight.openxr.guide import Guide
from preflight.openxr.recording import ENDED_EARLY, NOT_RECORDED, Recording
from preflight.openxr.scenarios import SCENARIOS, Scenario
from preflight.people import read_attestations, said
from preflight.probes import telemetry
from preflight.record.write import atomic
from preflight.redact import Redactor
from preflight.target import Target

ROLES = ("QA Lead", "VR Tester")
_PLAYER = json.dumps({"command": "configure", "config": {"player": True}})
_PING = json.dumps({"command": "ping"})


@dataclass(frozen=True)
class Sitting:
    """One live session: on what, for how long. `minutes` shortens every scenario; None takes as long as the checklist."""

    target: Target
    items: Mapping[str, Item]
    user_agent: str
    redact: Redactor
    headset: str
    simulated: bool
    minutes: float | None = None

    @property
    def folder(self) -> Path:
        """Where finished scenarios of this build are kept."""
        facts = self.target.facts
        build = re.sub(r"[^A-Za-z0-9._-]+", "-", facts.build)
        return self.target.beside(facts.people.attestations).parent / f"live-{build}"

    def long(self, scenario: Scenario) -> float:
        """How many minutes the scenario is to take."""
        return min(scenario.minutes, self.minutes or scenario.minutes)

    def kept(self, scenario: Scenario) -> dict[str, Any] | None:
        """The finished recording of a scenario, if there is one that is long enough and of a headset of the same kind."""
        try:
            found: dict[str, Any] = json.loads(self._file(scenario).read_text("utf-8"))
            fits = found["minutes"] >= self.long(scenario) and found["headset"] == self.headset
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if fits else None

    def _file(self, scenario: Scenario) -> Path:
        return self.folder / f"{scenario.name.replace(' ', '-')}.json"

    def open(self, scenario: Scenario, *, again: bool = False) -> list[Item]:
        """The items of a scenario that nobody has attested yet (or all, `again`), and that it can say something of."""
        facts = self.target.facts
        file = self.target.beside(facts.people.attestations)
        words = read_attestations(file, self.items)
        # a shortened session says nothing of twenty minutes; in a rehearsal nothing is said of anything
        short = self.long(scenario) < scenario.minutes and not facts.rehearsal
        asked = [self.items[name] for name in scenario.asks if not (short and name in scenario.by_the_clock)]
        now = datetime.now(UTC)
        return [item for item in asked if again or said(item, words, facts.build, now, file.parent).word is None]

    @property
    def left(self) -> list[Scenario]:
        """The scenarios that are not finished."""
        return [s for s in SCENARIOS if self.open(s) or (self._recorded(s) and self.kept(s) is None)]

    def _recorded(self, scenario: Scenario) -> bool:
        return bool(scenario.minutes) and self.target.facts.telemetry is not None

    def hold(self, guide: Guide) -> str:
        """Lead the person through what is left. Says why it ended early; empty when it went to its end."""
        left, doing = self.left, "the beginning"
        try:
            again = not left
            if again:
                name = guide.which([scenario.name for scenario in SCENARIOS])
                left = [scenario for scenario in SCENARIOS if name in (scenario.name, "all")]
            if not left:
                return ""
            guide.say(f"\nThe live session: {', '.join(s.name for s in left)}. Headset: {self.headset}.")
            if self.target.facts.rehearsal:
                guide.say("This is a REHEARSAL: the stand-in plays by itself, and nobody needs to wear anything.")
            who, role = guide.person(ROLES)
            for scenario in left:
                doing = scenario.name
                try:
                    self._one(guide, scenario, who, role, again=again)
                except KeyboardInterrupt:
                    self._broken_off(guide, scenario, who, role)
                    raise
        except (KeyboardInterrupt, EOFError):
            guide.say(f"\nStopped at {doing}. What was finished is kept; the same command goes on there.")
            return f"the live session was stopped at {doing}; the same command goes on there"
        except LookError as error:
            guide.say(f"\n{error}")
            return f"the live session ended at {doing}: {error}"
        guide.say("\nThat was all of it. Thank you; the record follows.")
        return ""

    def _one(self, guide: Guide, scenario: Scenario, who: str, role: str, *, again: bool) -> None:
        place = f"{SCENARIOS.index(scenario) + 1} of {len(SCENARIOS)}"
        minutes, began = self.long(scenario), datetime.now(UTC)
        guide.show(scenario, place, minutes)
        if self._recorded(scenario) and (again or self.kept(scenario) is None):
            guide.ready("to start the clock")
            earlier: list[str] = []  # takes that are not kept: what became of them is kept
            while not self._play(guide, scenario, minutes, began := datetime.now(UTC), earlier):
                guide.show(scenario, place, minutes)
                guide.ready("to start the clock")
        else:
            guide.ready("when it is done")
        answers = guide.answers([item for item in self.open(scenario, again=again) if role in item.roles])
        short = f", shortened to {minutes:g} of {scenario.minutes:g} min" if minutes < scenario.minutes else ""
        self._attest(guide, answers, who, role, f"live session {began:%Y-%m-%d %H:%M} UTC, {scenario.name}{short}")

    def _broken_off(self, guide: Guide, scenario: Scenario, who: str, role: str) -> None:
        """Somebody who felt unwell does not play to the end: a no counts all the same, a yes would not."""
        asked = [item for item in self.open(scenario, again=True) if role in item.roles]
        if asked and guide.again("\nStopped. Is there something to record, such as somebody who felt unwell?"):
            noes = [answer for answer in guide.answers(asked) if answer[1] == "no"]
            self._attest(guide, noes, who, role, f"live session, {scenario.name} was broken off")

    def _play(self, guide: Guide, scenario: Scenario, minutes: float, began: datetime, earlier: list[str]) -> bool:
        """Record while the clock runs, show what was seen, keep it unless it is to be played again."""
        heard = self._listen(guide, scenario, 60 * minutes)
        if heard.closed or heard.seconds < 60 * minutes - 1:
            guide.say(
                f"The game closed its telemetry after {heard.seconds:.0f} s ({heard.closed}); the scenario is played again."
            )
            earlier.append(f"{ENDED_EARLY} {heard.seconds:.0f} s ({heard.closed or 'silence'})")
            return False
        played = live.part(heard)
        told = self._told([played], {})
        findings = [live.LOOKS[name](told) for name in scenario.looks]
        guide.found(findings)
        if not all(finding.seen for finding in findings) and guide.again("Not all was seen. Play it again?"):
            earlier.append("not all was seen")
            return False
        guide.ready("to go on")
        about = {"headset": self.headset, "minutes": minutes, "began": f"{began:%Y-%m-%d %H:%M} UTC", "earlier": earlier}
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic(self._file(scenario), json.dumps(self.redact.tree({**about, **played})))
        return True

    def _listen(self, guide: Guide, scenario: Scenario, seconds: float) -> telemetry.Listening:
        part = self.target.facts.telemetry
        if part is None:
            raise LookError("no telemetry: give [telemetry] url in the target file")
        with telemetry.connection(part.url, self.user_agent) as made, ThreadPoolExecutor(1) as pool:
            if self.target.facts.rehearsal:
                made.send(_PLAYER)
            listening = pool.submit(telemetry.listen, made, seconds)
            try:
                guide.countdown(scenario.name, seconds, lambda: not listening.done(), lambda: made.send(_PING))
            except BaseException:
                made.close()  # or the pool would wait for the listener to its end
                raise
            return listening.result()

    def _attest(self, guide: Guide, answers: Sequence[tuple[Item, str, str]], who: str, role: str, about: str) -> None:
        if not answers:
            return
        until = datetime.now(UTC).replace(microsecond=0)
        about = f"{about} to {until:%H:%M} UTC, on {self.headset}"
        words = [
            {
                "item": item.id,
                "outcome": outcome,
                "who": who,
                "role": role,
                "when": until,
                "build": self.target.facts.build,
                "note": f"{about}: {note}" if note else about,
            }
            for item, outcome, note in answers
        ]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "live.toml"
            file.write_text(tomli_w.dumps({"attestation": words}), "utf-8")
            try:
                # the person has just seen every word of it: what the command prints would say it twice
                with contextlib.redirect_stdout(io.StringIO()):
                    attest(self.target.path, None, file, {"yes": "yes"}, lambda _: "yes")
            except UsageError as error:
                raise LookError(f"the answers could not be kept: {error}") from error
        where = self.target.beside(self.target.facts.people.attestations)
        guide.say(f"{len(words)} answer(s) written to {where}")

    def _told(self, parts: list[dict[str, Any]], facts: Mapping[str, str]) -> Recording:
        about = {"headset": self.headset, "simulated": self.simulated, "build": self.target.facts.build, "facts": dict(facts)}
        return frames_file.of(live.joined(parts, about), "live session")

    def recording(self, place: Path) -> Recording | None:
        """What was recorded of the scenarios so far, written to `place` too; None when nothing was."""
        parts = [(s, kept) for s in SCENARIOS if s.minutes and (kept := self.kept(s)) is not None]
        if not parts:
            return None
        words = [
            f"{s.name} {kept['minutes']:g} min"
            + (f" (shortened from {s.minutes:g})" if kept["minutes"] < s.minutes else "")
            + f", {kept['began']}"
            + "".join(f", after a take that is not kept: {why}" for why in kept.get("earlier", ()))
            for s, kept in parts
        ]
        done = {s.name for s, _ in parts}
        facts = {
            "scenarios": "; ".join(words),
            ENDED_EARLY: "; ".join(
                f"{s.name}: {why}" for s, kept in parts for why in kept.get("earlier", ()) if why.startswith(ENDED_EARLY)
            ),
            NOT_RECORDED: ", ".join(s.name for s in SCENARIOS if self._recorded(s) and s.name not in done),
        }
        about = {"headset": self.headset, "simulated": self.simulated, "build": self.target.facts.build}
        whole = live.joined([kept for _, kept in parts], {**about, "facts": {name: text for name, text in facts.items() if text}})
        atomic(place, json.dumps(whole))
        return frames_file.read(place)
