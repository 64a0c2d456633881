"""What the VR tests ask for: the station's looks, recordings of the game, what the game says of VR."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from preflight.errors import LookError, NotApplicable, Undecided
from preflight.evidence import Evidence
from preflight.fixtures import People
from preflight.openxr.recording import NOT_RECORDED
from preflight.outcome import Reason
from preflight.probes import project
from preflight.probes.api import Api
from preflight.probes.http import Answer
from preflight.redact import Secret
from preflight.session import Session, read_people
from preflight.target import Target

if TYPE_CHECKING:
    from preflight.openxr.engine import Drawn
    from preflight.openxr.figures import Figures
    from preflight.openxr.look import Look
    from preflight.openxr.recording import Happened, Recording
    from preflight.openxr.sitting import Sitting
    from preflight.openxr.station import Station
    from preflight.openxr.streamed import Streamed

_SIMULATION = "PREFLIGHT_REHEARSAL_HEADSET"
_FRAMES = "PREFLIGHT_FRAMES"
_CHECKLIST_HZ, _REHEARSED_HZ = 90.0, 60.0


@pytest.fixture(scope="session")
def station(target: Target) -> Station:
    """The VR station: the simulated headset in a rehearsal, else the active OpenXR runtime of this machine."""
    from preflight.openxr.station import Station, simulation

    own = target.facts.rehearsal
    return Station(own=own, simulated=simulation(os.environ.get(_SIMULATION, "") if own else ""))


@pytest.fixture(scope="session")
def _look(station: Station) -> Look:
    return station.play()


@pytest.fixture
def attempt(_look: Look, target: Target, evidence: Evidence) -> Look:
    """A session that was tried, whatever came of it; the headset is named in the item's evidence.

    On a real target, a machine without a headset is no answer: PENDING.
    """
    from preflight.openxr.station import admit

    evidence.fact("headset", _look.headset)
    evidence.how("pytest -m vr")
    return _look if target.facts.rehearsal else admit(_look)


@pytest.fixture
def played(attempt: Look) -> Look:
    """A session that came into focus and went to its end. Raises LookError for any other."""
    from preflight.openxr.station import remedy

    if attempt.trouble:
        raise LookError(f"no VR session to look at: {remedy(attempt)}")
    return attempt


@pytest.fixture(scope="session")
def _sitting(_look: Look, target: Target, session: Session, pytestconfig: pytest.Config) -> tuple[Sitting, str]:
    """The live session, held when the first item asks for it, and why it ended early (empty: it did not).

    Raises Undecided without a terminal, a headset that may speak for the target, or a process to itself.
    """
    from preflight.openxr.guide import at_the_terminal
    from preflight.openxr.sitting import Sitting
    from preflight.openxr.station import admit

    if session.distributed:
        raise Undecided(Reason.ALONE, "--live leads one person through one session; run it without -n")
    look = _look if target.facts.rehearsal else admit(_look)
    held = Sitting(
        target=target,
        items=session.items,
        user_agent=session.user_agent,
        redact=session.redact,
        headset=look.headset,
        simulated=look.simulated,
        minutes=pytestconfig.getoption("--live-minutes"),
    )
    session.waiting.hush()
    with at_the_terminal() as guide:
        ended = held.hold(guide)
    session.attestations, _ = read_people(target, session.checklist)
    return held, ended


@pytest.fixture
def testers(people: People, request: pytest.FixtureRequest) -> Testers:
    """What people have said of this item, in a live session of this run too."""
    return Testers(people, request)


class Testers:
    """The people of a VR session. With --live they are led through it before they are asked."""

    def __init__(self, people: People, request: pytest.FixtureRequest) -> None:
        self._people, self._request = people, request

    def attested(self) -> None:
        """Somebody who may say so has said yes for this build. Raises Undecided while nobody has; a no is a definite no."""
        why_not = ""
        if self._request.config.getoption("--live"):
            try:
                _, why_not = self._request.getfixturevalue("_sitting")
            except Undecided as error:
                why_not = error.text
        try:
            self._people.attested()
        except Undecided as error:
            raise Undecided(error.reason, f"{why_not}; {error.text}" if why_not else error.text) from None


@pytest.fixture(scope="session")
def _recording(target: Target, session: Session, pytestconfig: pytest.Config, request: pytest.FixtureRequest) -> Recording:
    from preflight.openxr import frames_file, rehearsed
    from preflight.openxr.station import simulation

    given = pytestconfig.getoption("--frames", default=None) or os.environ.get(_FRAMES)
    if pytestconfig.getoption("--live"):
        held, ended = request.getfixturevalue("_sitting")
        played: Recording | None = held.recording(session.folder / "live-session.json")
        if played is None:
            raise Undecided(Reason.PERSON, ended or "the live session recorded nothing; give [telemetry] url")
        if given is None:
            return played
        # the tool knows single frames, the live session what was done in them
        frames, facts = frames_file.read(Path(given)), dict(played.facts)
        return replace(
            frames,
            build=frames.build or played.build,
            telemetry=played.telemetry,
            inputs=played.inputs,
            bound=played.bound,
            facts={**frames.facts, **facts},
        )
    if given:
        return frames_file.read(Path(given))
    if not target.facts.rehearsal:
        raise Undecided(
            Reason.PERSON,
            "the game was not recorded while somebody played; play it now (--live), or record it (PresentMon, "
            "OVR Metrics Tool: docs/vr.md) and give --frames FILE",
        )
    kind = simulation(os.environ.get(_SIMULATION, "")).headset.recording
    # each worker its own file: two that write one would read halves
    place = session.folder / f"rehearsed-session-{session.worker}.json"
    return frames_file.read(rehearsed.write(place, kind, target.facts.build))


@pytest.fixture
def recording(_recording: Recording, target: Target, evidence: Evidence) -> Recording:
    """The recorded session of the game. Undecided when it is of another build, or of no headset at all."""
    evidence.fact("recording", f"{_recording.source}, {_recording.headset}")
    for name, value in _recording.facts.items():
        evidence.fact(name, value)
    if lacking := _recording.facts.get(NOT_RECORDED):
        evidence.warn(f"the live session was not played to its end, {NOT_RECORDED}: {lacking}")
    if not target.facts.rehearsal and _recording.simulated:
        from preflight.openxr.station import NOTHING_SAID

        raise Undecided(Reason.OPERATOR, NOTHING_SAID)
    if not _recording.build:
        evidence.warn(f"{_recording.source} names no build, so that nothing says that it shows {target.facts.build}")
    if _recording.build and _recording.build != target.facts.build:
        raise Undecided(Reason.STALE, f"{_recording.source} is of build {_recording.build}, not of {target.facts.build}")
    return _recording


@pytest.fixture
def figures(recording: Recording, evidence: Evidence) -> Figures:
    """The frame figures of the recorded game."""
    from preflight.openxr.figures import drawn, of_recording

    found = of_recording(recording)
    evidence.samples.update(drawn(recording))
    evidence.fact("frames", found.words)
    evidence.saw("frames", found.frames)
    return found


@pytest.fixture
def live(target: Target, evidence: Evidence, request: pytest.FixtureRequest) -> Figures | None:
    """The frame figures of this suite's own session on a rehearsal's headset; None on a real target.

    There it would say how this suite runs on the station and nothing about the game. None as well on a machine so busy
    that the frames would speak of it.
    """
    if not target.facts.rehearsal:
        return None
    from preflight.openxr.figures import of_look

    look: Look = request.getfixturevalue("played")
    found = of_look(look)
    if look.busy:
        evidence.fact("live, not judged", f"this machine is busy ({look.load:.1f} programs a processor); {found.words}")
        return None
    evidence.fact("live", f"{found.words}; limits scaled from 90 Hz")
    return found


@pytest.fixture(scope="session")
def engine(target: Target, session: Session, pytestconfig: pytest.Config) -> Drawn | None:
    """What the engine drew on the simulated headset, in a rehearsal that was asked for it; else None."""
    if not (target.facts.rehearsal and pytestconfig.getoption("--engine")):
        return None
    from preflight.openxr.engine import Engine

    with Engine() as running:
        return running.drawn(session.user_agent)


@pytest.fixture
def refresh_rates(target: Target, request: pytest.FixtureRequest) -> list[tuple[str, float]]:
    """The refresh rate (Hz) by source: the headset's, and the recording's where there is one.

    The simulated headset of a rehearsal can't hold 90 Hz: its rate stands for what it is asked to keep, 60 for 90.
    """
    rehearsal = target.facts.rehearsal
    look: Look = request.getfixturevalue("played")
    found = []
    if rehearsal or request.config.getoption("--frames", default=None) or os.environ.get(_FRAMES):
        recorded: Recording = request.getfixturevalue("recording")
        found += [(recorded.source, recorded.hz)] if recorded.hz is not None else []
    if look.hz is None:
        raise LookError(f"{look.headset} does not tell its refresh rate")
    if rehearsal:
        scale = _CHECKLIST_HZ / _REHEARSED_HZ
        found.append((f"{look.hz:.1f} Hz, scaled by {_CHECKLIST_HZ:.0f}/{_REHEARSED_HZ:.0f}; {look.headset}", look.hz * scale))
    else:
        found.append((look.headset, look.hz))
    return found


@pytest.fixture
def told(recording: Recording) -> Sequence[Happened]:
    """The telemetry of the recorded session. Undecided when it holds none."""
    if not recording.telemetry:
        raise Undecided(Reason.PERSON, f"{recording.source} holds no telemetry of the game; a live session with a person does")
    return recording.telemetry


@pytest.fixture(scope="session")
def performance(api: Api, token: Secret) -> Answer:
    """GET /performance, with the token, asked once for all items."""
    return api.get("/performance", token=token)


@pytest.fixture(scope="session")
def streamed(target: Target, request: pytest.FixtureRequest) -> Streamed | None:
    """What the game streams of head and hands; None where the target names no telemetry."""
    if target.facts.telemetry is None:
        return None
    from preflight.openxr.streamed import of_stream

    return of_stream(request.getfixturevalue("stream"))


@pytest.fixture(scope="session")
def promised_hands(target: Target, request: pytest.FixtureRequest) -> None:
    """Hand tracking is promised. NotApplicable where the game's project switches it off, Undecided where nobody can tell."""
    if target.facts.host is None:
        raise Undecided(Reason.OPERATOR, "whether the game follows hands stands in its project; give [host]")
    setting = project.setting(request.getfixturevalue("host"), target.facts.paths.project, "xr/openxr/extensions/hand_tracking")
    if setting != "true":
        raise NotApplicable("the game's project.godot does not switch hand tracking on (xr/openxr/extensions/hand_tracking)")
