"""The game's own tests pass, on this build.

Checklist lines 36-41, 46-48.
"""

from preflight.errors import Undecided
from preflight.fixtures import item
from preflight.outcome import Reason
from preflight.probes import gametests
from preflight.session import now


def passed_as_expected(cases, evidence):
    """Enough of the tests have passed."""
    evidence.saw("reports")
    evidence.fact("tests", len(cases))
    failed = gametests.names(cases, "failed") or gametests.names(cases, "skipped")
    evidence.judge("pass_rate", gametests.pass_rate(cases), n=len(cases), where=f"failed: {failed}" if failed else "")


def none_failed(cases, evidence):
    """Not one of the tests has failed; one that was skipped proves nothing."""
    evidence.saw("reports")
    evidence.fact("tests", len(cases))
    skipped = gametests.names(cases, "skipped")
    evidence.judge("failed", sum(c.result == "failed" for c in cases), n=len(cases), where=gametests.names(cases, "failed"))
    if skipped:
        evidence.warn(f"skipped: {skipped}")


@item("HLT-GAME-01")
def test_http_api_tests_pass_as_expected(game_reports, evidence):
    """The game's HTTP API tests pass as expected (53 of 57)."""
    passed_as_expected(gametests.of_kind(game_reports, "http"), evidence)


@item("HLT-GAME-02")
def test_all_property_tests_pass(game_reports, evidence):
    """All property tests of the game pass."""
    passed_as_expected(gametests.of_kind(game_reports, "property", "hypothesis"), evidence)


@item("HLT-GAME-03")
def test_no_authentication_test_fails(game_reports, evidence):
    """None of the game's authentication tests fails."""
    none_failed(gametests.on(game_reports, "authentication"), evidence)


@item("HLT-GAME-04")
def test_no_security_header_test_fails(game_reports, evidence):
    """None of the game's security header tests fails."""
    none_failed(gametests.on(game_reports, "security headers"), evidence)


@item("HLT-GAME-05")
def test_no_rate_limiting_test_fails(game_reports, evidence):
    """None of the game's rate limiting tests fails."""
    none_failed(gametests.on(game_reports, "rate limiting"), evidence)


@item("HLT-GAME-06")
def test_reports_are_fresh_and_of_this_build(host, target, evidence, request):
    """The test reports are fresh and belong to this build."""
    folder = target.facts.paths.test_reports
    assert host.facts(folder) is not None, f"{folder} is missing: there are no results of the game's own tests"
    reports, build = request.getfixturevalue("game_reports"), target.facts.build
    evidence.saw("reports", len(reports))
    for report in reports:
        assert not report.builds or gametests.same_build(report.builds, build), (
            f"{report.path} is of {', '.join(report.builds)}, and {build} is to be deployed"
        )
        evidence.judge("report_age", gametests.age_in_days(report, target.facts.times.deployed_at or now()), where=report.path)
    silent = [report.path for report in reports if not report.builds]
    if silent:
        raise Undecided(
            Reason.OPERATOR, f"{silent[0]} names no build: have the test runner write a property `build`, such as {build}"
        )
