"""The game log shows a game that compiled, started and runs without errors.

Checklist lines 42-43, 100, 1185, 1258, 1318, 1551.
"""

from preflight.fixtures import item


def none_of(kinds, name, stretch, game_log, target, evidence):
    """Not one such line stands in that stretch of the log."""
    seen = getattr(game_log, stretch)
    evidence.saw("files")
    evidence.saw("lines", seen.lines)
    evidence.fact("log", target.facts.paths.game_log)
    if game_log.earlier:
        evidence.fact("continued from", ", ".join(game_log.earlier))
    first = next((found for kind in kinds if (found := seen.first(kind))), "")
    evidence.judge(name, sum(seen.count(kind) for kind in kinds), n=seen.lines, where=first)


@item("HLT-LOG-01")
def test_game_compiles_without_errors(game_log, target, evidence):
    """The game compiles without new errors."""
    none_of(["compile_errors"], "compile_errors", "since_start", game_log, target, evidence)


@item("HLT-LOG-02")
def test_no_critical_error_at_run_time(game_log, target, evidence):
    """The game log shows no critical run-time error since the game was started."""
    none_of(["critical"], "critical_errors", "since_start", game_log, target, evidence)


@item("HLT-LOG-03")
def test_game_starts_without_a_crash(game_log, target, evidence):
    """The game starts and stays up without a crash."""
    none_of(["crashes"], "crashes", "since_deployment", game_log, target, evidence)


@item("HLT-LOG-04")
def test_game_log_is_written(host, target, evidence):
    """The game writes its log where it is expected."""
    path, deployed = target.facts.paths.game_log, target.facts.times.deployed_at
    facts = host.facts(path)
    evidence.saw("files", facts is not None)

    assert facts is not None, f"{path} is missing"
    assert facts.size > 0, f"{path} is empty"
    assert deployed is None or facts.modified >= deployed.timestamp(), f"{path} was not written since the deployment"


@item("HLT-AFTER-02")
def test_no_critical_error_since_the_deployment(game_log, target, evidence):
    """No critical error stands in the logs since the deployment."""
    none_of(["critical", "compile_errors"], "critical_errors", "since_deployment", game_log, target, evidence)


@item("HLT-AFTER-03")
def test_no_error_since_the_deployment(game_log, target, evidence):
    """No error at all stands in the logs since the deployment."""
    none_of(["errors"], "errors", "since_deployment", game_log, target, evidence)
