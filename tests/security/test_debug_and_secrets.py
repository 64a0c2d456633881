"""Nothing that helps an attacker is served or written down.

Checklist lines 251, 397, 911, 1142, 1250, 1252.
"""

import pytest

from preflight.fixtures import item
from preflight.probes import gamelog, leaks, logs
from preflight.probes.answers import SECRET_FILES


@item("SEC-DEBUG-01")
@pytest.mark.parametrize("with_token", [False, True], ids=["without a token", "with a token"])
def test_debug_endpoints_are_closed(api, token, evidence, with_token):
    """The debug endpoints are closed in production, with a token and without."""
    answer = api.get("/debug/profile", token=token if with_token else None)
    evidence.request(answer)
    closed = (403, 404) if with_token else (401, 403, 404)

    assert answer.status_code in closed, f"GET /debug/profile answers {answer.status_code}"


@item("SEC-DEBUG-02")
@pytest.mark.parametrize("path", ["/metrics", "/performance"])
def test_metrics_are_not_open_to_everybody(api, token, evidence, path):
    """Metrics and performance figures are not open to everybody."""
    closed, open_ = api.get(path), api.get(path, token=token)
    evidence.request(closed)
    evidence.request(open_)

    assert closed.status_code in (401, 403, 404), f"GET {path} without a token answers {closed.status_code}"


@item("SEC-LEAK-01")
@pytest.mark.parametrize("path", SECRET_FILES)
def test_no_secret_file_is_served(answers, evidence, path):
    """No configuration file, repository, backup or log is served over HTTP."""
    for answer in answers.file(path):
        evidence.request(answer)

        assert answer.status_code not in range(200, 300), (
            f"GET {answer.url} answers {answer.status_code} with {len(answer.body)} bytes"
        )


@item("SEC-LEAK-02")
@pytest.mark.parametrize("kind", ["/health", "/health/quick", "/status", "/metrics", "the web page", "its script", "401", "404"])
def test_no_public_answer_hands_out_a_secret(answers, target, evidence, kind):
    """No public answer, nor the metrics page, hands out a token, a secret or a password."""
    answer = answers.public(kind)
    evidence.request(answer)
    found = leaks.in_answer(answer, target.known_secrets())

    assert not found, f"{answer.method} {answer.url} ({answer.status_code}) hands out {', '.join(found)}"


@item("SEC-LEAK-03")
@pytest.mark.parametrize("kind", ["401", "404", "400", "400 of PUT", "405"])
def test_errors_show_no_stack_trace(answers, evidence, kind):
    """Error answers show no stack trace, file path or version."""
    answer = answers.failure(kind)
    evidence.request(answer)
    found = list(leaks.exposures(answer.text))

    assert not found, f"{answer.method} {answer.url} ({answer.status_code}) shows {', '.join(found)}"


@item("SEC-LEAK-04")
@pytest.mark.parametrize("log", ["game", "audit"])
def test_no_secret_stands_in_a_log(host, target, evidence, log):
    """No token, secret or password stands in the game log or the audit log."""
    paths = gamelog.files(host, target) if log == "game" else logs.audit_files(host, target)
    scan = logs.scan_for_secrets(host, paths, target.known_secrets())
    evidence.saw("files", scan.files)
    evidence.saw("lines", scan.lines)

    assert not scan.found, f"the {log} log holds {scan.found[0]} ({len(scan.found)} line(s))"
