"""What tests ask for: the target, ways to look at it, and a place for what was seen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime

import pytest

from preflight.errors import LookError, NotApplicable, Undecided
from preflight.evidence import Evidence
from preflight.manners import admit
from preflight.outcome import Reason
from preflight.people import said
from preflight.probes import health, metrics, page, scenes, telemetry, tls
from preflight.probes.answers import Answers
from preflight.probes.api import PROTECTED, Api
from preflight.probes.host import Host, host_of
from preflight.probes.http import Answer, readable
from preflight.probes.intruder import Intruder
from preflight.probes.limiter import Ban, Burst, by_bad_logins, empty_bucket, must_be_watched, must_not_ban
from preflight.probes.page import Look, Press
from preflight.redact import Secret
from preflight.session import Session, now
from preflight.target import Target

item = pytest.mark.item
"""Names the item of checklist.toml that a test answers: `@item("SEC-AUTH-01")`."""

session_key = pytest.StashKey[Session]()
evidence_key = pytest.StashKey[Evidence]()


class People:
    """What people have said of the item under test."""

    def __init__(self, session: Session, evidence: Evidence) -> None:
        self._session = session
        self._evidence = evidence

    def attested(self) -> None:
        """Somebody who may say so has said yes for this build.

        Raises Undecided while nobody has; a no is a definite no.
        """
        session, evidence = self._session, self._evidence
        facts = session.target.facts
        folder = session.target.beside(facts.people.attestations).parent
        answer = said(evidence.item, session.attestations, facts.build, now(), folder)
        if answer.word is None:
            raise Undecided(Reason.PERSON, answer.why_not)
        word = answer.word
        evidence.saw("attestations")
        evidence.fact("attested by", f"{word.who}, {word.role}, {word.when:%Y-%m-%d %H:%M} UTC")
        if word.note:
            evidence.fact("note", word.note)
        if word.evidence:
            evidence.fact("evidence", f"{word.evidence} (SHA-256 {word.evidence_sha256})")
        if word.record_sha256:
            evidence.fact("given on the record", f"SHA-256 {word.record_sha256}")
        assert word.outcome == "yes", f"{word.role} {word.who} says no: {word.note or 'without a note'}"


@pytest.fixture(scope="session")
def session(pytestconfig: pytest.Config) -> Session:
    """The run."""
    return pytestconfig.stash[session_key]


@pytest.fixture(scope="session")
def target(session: Session) -> Target:
    """The deployment under test."""
    return session.target


@pytest.fixture(scope="session")
def api(session: Session) -> Api:
    """The HTTP API of the target, asked at a guest's pace."""
    return session.api


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Where the test keeps what it saw."""
    kept: Evidence = request.node.stash[evidence_key]
    return kept


@pytest.fixture
def people(session: Session, evidence: Evidence) -> People:
    """What people have said of this item."""
    return People(session, evidence)


@pytest.fixture(scope="session")
def token(target: Target) -> Secret:
    """The token that opens the API."""
    given = target.secret("token")
    if given is None:
        raise Undecided(Reason.OPERATOR, "no API token: give [secrets] token = env:NAME in the target file")
    return given


@pytest.fixture(scope="session")
def answers(api: Api, token: Secret, session: Session) -> Answers:
    """Answers that many items judge, asked once."""
    return Answers(api, token, session.run_id)


@pytest.fixture(scope="session")
def spent_bucket(api: Api, token: Secret, session: Session) -> Burst:
    """The bucket of GET /scene, emptied from an address of its own.

    Where there is no other it is this machine's own, once its bucket is full again: the run has used some of it.
    Raises Undecided where the refusals to come would get it banned, with those of the run before.
    """
    address = next(iter(session.budget.fresh()), "")
    must_not_ban(session.budget, address)
    if not address:
        session.budget.rest(PROTECTED, "")
    return empty_bucket(api, token, address)


@pytest.fixture(scope="session")
def host(target: Target) -> Iterator[Host]:
    """The host of the deployment, for reading."""
    found = host_of(target)
    yield found
    found.close()


@pytest.fixture(scope="session")
def front(target: Target) -> tls.Place:
    """Where the front shakes hands."""
    return tls.place(target.facts.api.url)


@pytest.fixture(scope="session")
def certificate(front: tls.Place, target: Target) -> tls.Certificate:
    """The certificate that the front shows."""
    return tls.certificate(front, target.facts.api.ca_file)


@pytest.fixture(scope="session")
def telemetry_url(target: Target) -> str:
    """The address of the telemetry WebSocket."""
    part = target.facts.telemetry
    if part is None:
        raise Undecided(Reason.OPERATOR, "no telemetry: give [telemetry] url in the target file")
    return part.url


@pytest.fixture(scope="session")
def listener(telemetry_url: str, session: Session) -> Iterator[telemetry.Listener]:
    """A telemetry client that listens in the background."""
    # what needs longer never runs beside others, and nobody is to find one client more than there should be
    seconds = telemetry.LISTEN_SECONDS if session.distributed else telemetry.STABLE_SECONDS
    listening = telemetry.Listener(telemetry_url, session.user_agent, seconds)
    yield listening
    listening.stop()


@pytest.fixture(scope="session", autouse=True)
def _listening_meanwhile(request: pytest.FixtureRequest) -> None:
    """The listener begins with the run, where a test of this process will ask what it heard: nobody waits for it then."""
    session = request.config.stash.get(session_key, None)
    if session is None or session.distributed:
        return
    for test in request.session.items:
        marker = test.get_closest_marker("item")
        if marker and "listener" in getattr(test, "fixturenames", ()):
            with contextlib.suppress(Undecided, NotApplicable):
                admit(session.items[marker.args[0]], session.target, session.stages, distributed=False)
                request.getfixturevalue("listener")
                return


@pytest.fixture(scope="session")
def stream(listener: telemetry.Listener) -> telemetry.Listening:
    """Ten seconds of telemetry."""
    return listener.heard(telemetry.LISTEN_SECONDS)


@pytest.fixture(scope="session")
def game_health(answers: Answers) -> health.Health:
    """What the game says of its health."""
    return health.read(answers.health)


@pytest.fixture(scope="session")
def memory(api: Api, token: Secret, game_health: health.Health, metrics_page: Answer) -> dict[str, float]:
    """Memory of the game in MB, by every source there is."""
    quick = readable(api.get("/health/quick"))
    performance = readable(api.get("/performance", token=token))
    return health.memory_mb(game_health, quick, performance, metrics.resident_bytes(metrics_page))


@pytest.fixture(scope="session")
def metrics_page(api: Api, token: Secret) -> Answer:
    """GET /metrics, with the token."""
    return api.get("/metrics", token=token)


@pytest.fixture(scope="session")
def process_started(request: pytest.FixtureRequest) -> datetime | None:
    """When the game's process began, where its metrics can be read and say it."""
    try:
        return metrics.started(request.getfixturevalue("metrics_page"))
    except (LookError, Undecided):
        return None


@pytest.fixture(scope="session")
def intruder_client(api: Api, session: Session, token: Secret) -> Intruder:
    """A client that sends what no honest one does, from addresses that may be banned for it."""
    return Intruder(api, session.budget, token)


@pytest.fixture(scope="session")
def login_ban(api: Api, token: Secret, session: Session) -> Ban:
    """What five failed logins within a minute bring, from an address of its own."""
    must_be_watched(session.target)
    return by_bad_logins(api, session.budget, token)


@pytest.fixture(scope="session")
def loaded_page(api: Api, token: Secret) -> Look:
    """The web dashboard in a browser, loaded and left alone."""
    return page.look(api, token)


@pytest.fixture
def dashboard(loaded_page: Look, session: Session, evidence: Evidence) -> Look:
    """The web dashboard, with a picture of it beside the record."""
    for answer in loaded_page.answers:
        evidence.request(answer)
    if loaded_page.screenshot:
        place = session.folder / f"scene_manager-{session.worker}.png"
        place.write_bytes(loaded_page.screenshot)
        evidence.fact("picture", f"{place.name}, beside the record")
    return loaded_page


@pytest.fixture(scope="session")
def presses(api: Api, token: Secret, target: Target) -> list[Press]:
    """What came of clicking each button of the web dashboard."""
    scenes.must_be_free(api, token, target)
    return page.press(api, token)
