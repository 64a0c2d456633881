"""The way back is ready; once taken, it has led where it should.

Checklist lines 1152-1171.
"""

from preflight.fixtures import item
from preflight.probes import backups, documents, health, rollback
from preflight.probes.spans import QUARTER

SLOW_MS = 1000
"""What a handful of answers may take after a drill: five times the 200 ms that are held to in earnest."""


@item("HLT-ROLL-01")
def test_way_back_is_ready(host, target, evidence, request):
    """The way back is ready: the rollback script may be run and the previous version is kept."""
    script = target.facts.paths.rollback_script
    facts = host.facts(script)
    evidence.saw("files", facts is not None)
    assert facts is not None, f"{script} is missing"
    assert facts.mode & 0o100, f"{script} may not be executed (mode {facts.permissions})"
    folder = request.getfixturevalue("backup_folder")
    previous, broken = backups.previous_version(host, folder, target.facts.build, target.facts.times.deployed_at)
    evidence.saw("archives", bool(previous))
    evidence.fact("previous version", previous or "none")

    assert previous or not broken, f"no archive of an earlier version can be read: {'; '.join(broken)}"
    assert previous, f"no archive in {target.facts.paths.backups} holds an earlier version than {target.facts.build}"
    if broken:
        evidence.warn("; ".join(broken))


@item("HLT-ROLL-02")
def test_drill_brings_the_previous_version_back(api, host, target, token, evidence):
    """A rollback drill brings the previous version back within five minutes."""
    with rollback.drill(host, target, api, token) as done:
        for answer in done.answers:
            evidence.request(answer)
        evidence.how(f"bash {target.facts.paths.rollback_script} --quick")
        evidence.fact("versions", f"{done.before} → {done.version_file}, the game says {done.version_said}")

        assert done.ran.status == 0, f"the script ends with status {done.ran.status}: {done.left}"
        evidence.judge("duration", done.seconds)
        assert done.version_file != done.before, f"the script says that it is done, and VERSION is still {done.before}"
        assert done.version_said == done.version_file, f"the game still says {done.version_said} instead of {done.version_file}"
        assert done.health in ("healthy", "degraded"), f"the health check says {done.health}"
        assert done.without_token == 401, f"no token gets {done.without_token}"
        assert done.with_token == 200, f"the valid token gets {done.with_token}"
        assert not done.failed, f"{done.failed} of {len(done.answers)} requests fail"
        assert done.slowest_ms < SLOW_MS, f"the slowest of {len(done.answers)} answers takes {done.slowest_ms:.0f} ms"


@item("HLT-ROLL-03")
def test_previous_version_is_running(answers, target, evidence):
    """After the rollback the previous version is running."""
    evidence.request(answers.status)
    said = answers.status.object()
    version = str(said.get("api_version") or said.get("version") or "")
    evidence.fact("version", version or "not said")

    assert version, "GET /status names no version"
    assert not documents.names_build(version, target.facts.build), f"{version} is still running"


@item("HLT-ROLL-04")
def test_health_check_passes_after_the_rollback(answers, evidence):
    """After the rollback the health check passes."""
    evidence.request(answers.health)
    found = health.read(answers.health)

    assert found.status == "healthy", f"GET /health says {found.status}: {', '.join(found.issues) or 'no issue named'}"


@item("HLT-ROLL-05")
def test_authentication_works_after_the_rollback(answers, evidence):
    """After the rollback authentication works."""
    evidence.request(answers.refused)
    evidence.request(answers.admitted)

    assert answers.refused.status_code == 401, f"no token gets {answers.refused.status_code}"
    assert answers.admitted.status_code == 200, f"the valid token gets {answers.admitted.status_code}"


@item("HLT-ROLL-06")
def test_few_requests_fail_after_the_rollback(watched):
    """After the rollback fewer than 1 % of requests fail."""
    watched.judge("error_rate", watched.after_rollback(QUARTER).error_rate())


@item("HLT-ROLL-07")
def test_response_times_are_acceptable_after_the_rollback(watched):
    """After the rollback the response times are acceptable."""
    watched.judge("p95", watched.after_rollback(QUARTER).p95())


@item("HLT-ROLL-08")
def test_cause_is_documented(people):
    """The cause of the rollback is documented."""
    people.attested()


@item("HLT-ROLL-09")
def test_team_knows_of_the_rollback(people):
    """The team knows of the rollback, the present state and what comes next."""
    people.attested()


@item("HLT-ROLL-10")
def test_postmortem_is_arranged(people):
    """A postmortem is arranged within a day of the rollback."""
    people.attested()
