"""No vulnerability is known, and none is exposed.

Checklist lines 1142, 1203, 1385.
"""

from preflight.errors import LookError
from preflight.fixtures import item


@item("SEC-VULN-01")
def test_configuration_was_reviewed(people):
    """The security team has reviewed the configuration."""
    people.attested()


@item("SEC-VULN-02")
def test_no_critical_vulnerability_is_known(people):
    """No critical vulnerability is known in what was deployed."""
    people.attested()


@item("SEC-VULN-03")
def test_no_door_is_open_after_the_deployment(api, answers, token, evidence):
    """No door is open after the deployment: protected data, debug endpoints and secret files stay closed."""
    debug, files = api.get("/debug/profile", token=token), answers.file("/.env.production")
    for answer in (answers.admitted, answers.refused, debug, *files):
        evidence.request(answer)
    if answers.admitted.status_code != 200:
        raise LookError(f"the valid token is refused ({answers.admitted.status_code}), so that a refusal proves nothing")

    assert answers.refused.status_code == 401, f"GET /scene without a token answers {answers.refused.status_code}"
    assert debug.status_code in (403, 404), f"GET /debug/profile answers {debug.status_code}"
    for file in files:
        assert not 200 <= file.status_code < 300, f"GET {file.url} answers {file.status_code} with {len(file.body)} bytes"
