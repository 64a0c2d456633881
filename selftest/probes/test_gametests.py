"""JUnit files of the game's own tests, and Prometheus's configuration: both as other tools write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from preflight.errors import LookError
from preflight.probes import gametests, yamlfiles

MODIFIED = datetime(2026, 1, 5, tzinfo=UTC)
CASE = '<testcase classname="tests.{0}" name="test_{1}"/>'
FAILED = '<testcase classname="tests.{0}" name="test_{1}"><failure message="x"/></testcase>'
SKIPPED = '<testcase classname="tests.{0}" name="test_{1}"><skipped/></testcase>'
BROKEN = '<testcase classname="tests.{0}" name="test_{1}"><error message="x"/></testcase>'


def report(*cases: str, head: str = "", wrapped: bool = True, stamp: str = "2026-01-02T10:00:00") -> gametests.Report:
    suite = f'<testsuite name="http_api" tests="99" failures="0" timestamp="{stamp}">{head}{"".join(cases)}</testsuite>'
    text = f"<testsuites>{suite}</testsuites>" if wrapped else suite
    return gametests.parse(f"<?xml version='1.0'?>{text}".encode(), "/r/http_api.xml", MODIFIED)


@pytest.mark.parametrize("wrapped", [True, False])
def test_cases_are_counted_not_what_the_head_says(wrapped: bool) -> None:
    found = report(
        CASE.format("auth", 1), FAILED.format("auth", 2), BROKEN.format("x", 3), SKIPPED.format("x", 4), wrapped=wrapped
    )

    assert [case.result for case in found.cases] == ["passed", "failed", "failed", "skipped"]
    assert gametests.pass_rate(list(found.cases)) == 25


def test_53_of_57_is_enough_and_52_is_not() -> None:
    def rate(passed: int) -> float:
        cases = [CASE.format("http", n) for n in range(passed)] + [FAILED.format("http", n) for n in range(passed, 57)]
        return gametests.pass_rate(list(report(*cases).cases))

    assert rate(53) >= 92.98 > rate(52)


def test_times_and_builds_are_what_the_file_says() -> None:
    head = '<properties><property name="build" value="v2.5.0"/><property name="python" value="3.11"/></properties>'
    found = report(CASE.format("a", 1), head=head)

    assert gametests.same_build(found.builds, "2.5.0")
    assert not gametests.same_build(found.builds, "2.5.1")
    assert gametests.age_in_days(found, datetime(2026, 1, 4, 10, tzinfo=UTC)) == 2
    assert report(CASE.format("a", 1), stamp="").ran_at == MODIFIED
    assert report(CASE.format("a", 1), stamp="2026-01-02T10:00:00+02:00").ran_at == datetime(2026, 1, 2, 8, tzinfo=UTC)
    assert gametests.age_in_days(found, MODIFIED - timedelta(days=30)) == 0


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("test_authentication.py test_no_header", "authentication"),
        ("JwtTest expired", "authentication"),
        ("test_security_headers csp", "security headers"),
        ("test_rate_limiting test_429", "rate limiting"),
        ("RateLimiterTest refill", "rate limiting"),
    ],
)
def test_topics_are_told_by_names(name: str, topic: str) -> None:
    found = report(CASE.format(*name.split(maxsplit=1)))

    assert gametests.on([found], topic)


def test_no_test_of_a_topic_is_no_success() -> None:
    with pytest.raises(LookError, match="no test of rate limiting"):
        gametests.on([report(CASE.format("author", "biography"))], "rate limiting")
    with pytest.raises(LookError, match="no test of authentication"):
        gametests.on([report(CASE.format("author", "biography"))], "authentication")


@pytest.mark.parametrize("data", [b"", b"<html/>", b"{}", b"<testsuite", b"\xff\xfe"])
def test_what_is_no_junit_file_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(LookError, match="no JUnit file"):
        gametests.parse(data, "/r/x.xml", MODIFIED)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15s", 15), ("1m", 60), ("1m30s", 90), ("0", 0), ("500ms", 0.5), ("15", None), ("15 s", None), ("", None)],
)
def test_durations_of_prometheus(text: str, seconds: float | None) -> None:
    assert yamlfiles.seconds(text) == seconds


def job(text: str) -> yamlfiles.Job:
    head = "global: {scrape_interval: 30s}\nscrape_configs:\n- job_name: a\n"
    found = yamlfiles.Prometheus(yaml.safe_load(head + text)).job("a")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "credentials"),
    [
        ("  authorization: {credentials_file: /t}\n", "Bearer"),
        ("  authorization: {type: bearer, credentials: x}\n", "Bearer"),
        ("  bearer_token_file: /t\n", "Bearer"),
        ("  basic_auth: {username: a, password: b}\n", "Basic"),
        ("  metrics_path: /metrics\n", ""),
        ("  authorization: {type: Bearer}\n", ""),
    ],
)
def test_credentials_of_a_job(text: str, credentials: str) -> None:
    assert job(text).credentials == credentials


def test_defaults_of_a_job_are_those_of_prometheus() -> None:
    assert job("  static_configs: [{targets: ['a:1', 'b:2']}]\n").targets == ("a:1", "b:2")
    assert job("  scheme: http\n").interval == 30
    assert job("  scheme: http\n").path == "/metrics"
    assert job("  file_sd_configs: []\n").discovered
    assert yamlfiles.Prometheus({}).interval("scrape_interval") == 60


def test_secrets_in_yaml_are_known_as_such() -> None:
    said = yaml.safe_load("a: {smtp_auth_password: hunter2hunter2, credentials_file: /a/b/c/d}\nb: [{service_key: 0123456789}]\n")

    assert [secret.reveal() for secret in yamlfiles.secrets(said)] == ["hunter2hunter2", "0123456789"]
