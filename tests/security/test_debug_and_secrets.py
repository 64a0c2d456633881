"""Nothing that is meant for developers or kept secret is handed out.

Checklist lines 70, 77, 251, 397, 911, 1250, 1252.
"""

from preflight.fixtures import item, not_built


@item("SEC-DEBUG-01")
def test_debug_endpoints_are_closed():
    """The debug endpoints are closed in production, with a token and without."""
    not_built()


@item("SEC-DEBUG-02")
def test_metrics_are_not_open_to_everybody():
    """Metrics and performance figures are not open to everybody."""
    not_built()


@item("SEC-LEAK-01")
def test_no_secret_file_is_served():
    """No configuration file, repository, backup or log is served over HTTP."""
    not_built()


@item("SEC-LEAK-02")
def test_no_public_answer_hands_out_a_secret():
    """No answer that needs no token hands out a token, a secret or a password."""
    not_built()


@item("SEC-LEAK-03")
def test_errors_show_no_stack_trace():
    """Error answers show no stack trace, file path or version."""
    not_built()


@item("SEC-LEAK-04")
def test_no_secret_stands_in_a_log():
    """No token, secret or password stands in the game log or the audit log."""
    not_built()
