"""The API is up, says how it is, and tells the truth about it.

Checklist lines 91, 95, 98-99, 103-106, 1148, 1256-1260, 1264.
"""

import pytest

from preflight.errors import LookError, Undecided
from preflight.fixtures import item
from preflight.outcome import Reason
from preflight.probes import health, metrics
from preflight.probes.api import SAFE_GETS
from preflight.windowfixtures import judge_share


@item("HLT-API-01")
def test_api_answers(answers, evidence):
    """The API server answers."""
    evidence.request(answers.health)

    assert answers.health.status_code in (200, 503), f"GET /health answers {answers.health.status_code}"
    assert health.is_one(answers.health), (
        f"GET /health answers {answers.health.status_code} with something else than a health check"
    )


@item("HLT-API-02")
def test_api_has_its_own_port(answers, target, evidence):
    """The API server has its own port and did not have to fall back to another one."""
    evidence.request(answers.health)
    port = target.port_of_the_game()
    if port is None:
        raise Undecided(Reason.OPERATOR, "the target file does not say where the game itself listens: give [api] internal_url")
    evidence.saw("ports")
    evidence.fact("port", port)

    assert port not in range(8083, 8086), f"the game listens on the fall-back port {port}: its own was taken"


@item("HLT-API-03")
def test_health_is_not_unhealthy(game_health, answers, evidence):
    """The health check does not say unhealthy."""
    evidence.request(answers.health)

    if game_health.status == "unknown":
        raise LookError(f"GET /health does not say how the game is: {game_health.raw['status']!r}")
    assert game_health.status != "unhealthy", f"GET /health says unhealthy: {', '.join(game_health.issues) or 'no issue named'}"


@item("HLT-API-04")
def test_health_is_healthy(game_health, answers, evidence):
    """The health check says healthy rather than degraded."""
    evidence.request(answers.health)

    assert game_health.status in ("healthy", "unhealthy"), (
        f"GET /health says {game_health.status}: {', '.join(game_health.issues)}"
    )


@item("HLT-API-05")
def test_all_subsystems_are_initialised(game_health, evidence):
    """All subsystems are initialised."""
    evidence.saw("samples", len(game_health.subsystems))
    absent = [name for name in health.SUBSYSTEMS if name not in game_health.subsystems]
    unknown = [name for name, state in game_health.subsystems.items() if state == "unknown"]

    assert not absent, f"GET /health does not name {', '.join(absent)}"
    assert not unknown, f"not initialised: {', '.join(unknown)}"


@item("HLT-API-06")
def test_no_critical_subsystem_fails(game_health, evidence):
    """The scene loader and the file system work: no critical subsystem fails."""
    for name in health.CRITICAL:
        evidence.saw("samples", name in game_health.subsystems)
        state = game_health.subsystems.get(name, "not named")

        assert state in ("healthy", "degraded", "not named", "unknown"), f"{name} is {state}"


@item("HLT-API-07")
def test_total_agrees_with_its_subsystems(game_health, answers, evidence):
    """The health check's total agrees with its subsystems."""
    evidence.saw("samples", len(game_health.subsystems))
    quick = answers.public("/health/quick")
    evidence.request(quick)
    contradiction = health.quick_contradicts(game_health, quick)

    assert not contradiction, contradiction

    assert not game_health.contradictions, "; ".join(game_health.contradictions)


@item("HLT-API-08")
def test_health_check_is_alive(api, evidence):
    """The health check is alive: it changes from one look to the next."""
    first, second = health.twice(api)
    evidence.request(first)
    evidence.request(second)

    assert not health.frozen(health.read(first), health.read(second)), "two looks more than a second apart are the same"


@item("HLT-API-09")
def test_memory_is_as_planned(memory, host_memory, evidence):
    """The game uses no more memory than planned."""
    evidence.saw("samples", len(memory))
    for source, megabytes in memory.items():
        evidence.fact(source, f"{megabytes:.0f} MB")
    if not memory:
        raise LookError("no source says how much memory the game uses")
    source, most = max(memory.items(), key=lambda pair: pair[1])

    evidence.judge("memory", most, where=source)
    judge_share(evidence, most, host_memory, where=source)


@item("HLT-API-10")
def test_status_is_complete(answers, evidence):
    """The status answer is complete and every autoload is loaded."""
    evidence.request(answers.status)
    said = answers.status.object()
    evidence.fact("version", said.get("api_version", "not said"))
    absent = [name for name in ("status", "http_api", "environment", "api_version", "autoloads") if name not in said]
    missing = health.autoloads_missing(said)

    assert not absent, f"GET /status lacks {', '.join(absent)}"
    assert not missing, f"not loaded: {', '.join(missing)}"
    assert str(said["environment"]).lower() == "production", f"GET /status says that the environment is {said['environment']}"


@item("HLT-API-11")
@pytest.mark.parametrize("path", SAFE_GETS)
def test_readable_endpoint_answers_as_documented(api, token, evidence, path):
    """Every readable endpoint answers 200 with the fields it is documented to have."""
    answer = api.get(path, token=token)
    evidence.request(answer)
    evidence.saw("endpoints")

    assert answer.status_code == 200, f"GET {path} answers {answer.status_code}"
    if path == "/metrics":
        assert metrics.families(answer), "GET /metrics has no metric"
    else:
        lacking = health.missing_fields(answer, path)
        assert not lacking, f"GET {path} lacks {', '.join(lacking)}"


@item("HLT-API-11")
def test_endpoint_of_the_target_file_answers(api, token, target, evidence):
    """Endpoints that the target file adds answer 200 too."""
    evidence.saw("settings")
    evidence.fact("added by the target file", ", ".join(target.facts.api.endpoints) or "none")
    for path in target.facts.api.endpoints:
        answer = api.get(path, token=token)
        evidence.request(answer)
        evidence.saw("endpoints")

        assert answer.status_code == 200, f"GET {path} answers {answer.status_code}"


@item("HLT-API-12")
def test_clocks_agree(answers, game_health, evidence):
    """The clocks of the deployment and of this machine agree."""
    evidence.request(answers.health)
    skews = health.clock_skew(answers.health, game_health)
    evidence.saw("samples", len(skews))
    for source, seconds in skews.items():
        evidence.judge("clock_skew", abs(seconds), where=source)
