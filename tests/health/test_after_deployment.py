"""The first fifteen minutes: everything runs and answers.

Checklist lines 1140, 1143, 1148-1149, 1184, 1186, 1192, 1206-1207, 1216-1217, 1283, 1314.
"""

import pytest

from preflight.errors import LookError
from preflight.fixtures import item
from preflight.probes import gamelog, gathered, health, processes, telemetry
from preflight.probes.api import PROTECTED
from preflight.windowfixtures import judge_share

ENDPOINTS = ("/health", "/status", "/scene", "/scenes", "/performance")
TELEMETRY_SECONDS = 5.0


@item("HLT-AFTER-01")
def test_health_check_says_healthy(answers, game_health, evidence):
    """After the deployment the health check says healthy."""
    evidence.request(answers.health)

    assert game_health.status == "healthy", f"GET /health says {game_health.status}: {', '.join(game_health.issues)}"


@item("HLT-AFTER-04")
def test_all_processes_are_running(host, target, evidence):
    """All processes of the deployment are running."""
    processes.must_be_a_machine(target)
    commands = processes.running(host)
    evidence.saw("samples", len(commands))
    missing = processes.missing(commands, target)

    assert not missing, f"not running on {host.name}: {', '.join(missing)}"


@item("HLT-AFTER-12")
def test_logs_are_gathered(api, token, gathered_logs, session, target, evidence):
    """Logs are gathered where they are looked for: the line of a request of this run arrives there."""
    answer = api.get(f"{PROTECTED}?run={session.run_id}", token=token)
    found = gathered.arrival(gathered_logs, answer, session.run_id, target)
    evidence.saw("lines", bool(found.own))
    evidence.fact("gathered at", gathered_logs.name)
    evidence.fact("line", found.own or f"none in {gathered.ARRIVES_WITHIN_S:g} s; {found.lines} of others")

    what = f"{found.lines} lines of others are there" if found.lines else "nothing of after the request is there"
    assert found.own, f"{gathered_logs.name} has no line of a request of this run after {gathered.ARRIVES_WITHIN_S:g} s: {what}"


@item("HLT-AFTER-13")
def test_health_can_be_reached_from_outside(api, answers, evidence):
    """The health endpoints can be reached from outside through the front."""
    for answer in (answers.health, api.get("/health/quick")):
        evidence.request(answer)
        evidence.saw("endpoints")

        assert answer.status_code in (200, 503), f"GET {answer.url} answers {answer.status_code}"


@item("HLT-AFTER-14")
@pytest.mark.parametrize("path", ENDPOINTS)
def test_endpoints_respond(api, token, evidence, path):
    """The API endpoints respond after the deployment."""
    answer = api.get(path, token=token)
    evidence.request(answer)
    evidence.saw("endpoints")

    assert answer.status_code == 200, f"GET {path} answers {answer.status_code}"


@item("HLT-AFTER-17")
def test_critical_features_work(people):
    """All critical features work in the deployed version."""
    people.attested()


@item("HLT-AFTER-18")
def test_critical_features_are_not_broken_altogether(answers, session, target, evidence):
    """The critical features are not broken altogether: health, scenes and telemetry answer."""
    for name, answer in (("health", answers.health), ("scenes", answers.admitted)):
        evidence.request(answer)
        evidence.saw("endpoints")
        # the operator's token may be an old one: what it is refused says nothing of the scenes
        refused = name == "scenes" and answer.status_code in (401, 403)
        assert refused or answer.status_code == 200, f"{name}: GET {answer.url} answers {answer.status_code}"
        if refused:
            raise LookError(
                f"GET {answer.url} answers {answer.status_code} to the valid token, so nothing follows for the scenes"
            )
        assert answer.object(), f"{name}: GET {answer.url} answers with an empty object"
    assert health.is_one(answers.health), f"health: GET {answers.health.url} answers with something else than a health check"
    if target.facts.telemetry is not None:
        with telemetry.connection(target.facts.telemetry.url, session.user_agent) as made:
            heard = telemetry.listen(made, TELEMETRY_SECONDS, enough=1)
        evidence.saw("endpoints", bool(heard.messages))
        assert heard.messages, f"telemetry: {target.facts.telemetry.url} says nothing for {TELEMETRY_SECONDS:g} s"


@item("HLT-AFTER-20")
def test_no_lesser_feature_is_broken(people):
    """No lesser feature is broken in the deployed version."""
    people.attested()


@item("HLT-AFTER-21")
def test_game_does_not_crash_again_and_again(game_log, process_started, target, evidence):
    """The game does not crash again and again after the deployment."""
    seen = game_log.since_deployment
    evidence.saw("files")
    evidence.saw("samples", seen.lines > 0)
    evidence.fact("starts in the log", seen.count("starts"))
    evidence.fact("the process began", f"{process_started:%Y-%m-%d %H:%M:%S} UTC" if process_started else "not said")
    restarts = gamelog.restarts(seen, target.facts.times.deployed_at, process_started)

    evidence.judge("restarts", restarts, where=seen.first("crashes"))


@item("HLT-AFTER-22")
def test_memory_stays_as_planned(memory, host_memory, evidence):
    """Memory after the deployment stays as planned."""
    evidence.saw("samples", len(memory))
    if not memory:
        raise LookError("no source says how much memory the game uses")
    source, most = max(memory.items(), key=lambda pair: pair[1])

    evidence.judge("memory", most, where=source)
    judge_share(evidence, most, host_memory, where=source)
