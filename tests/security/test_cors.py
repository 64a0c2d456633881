"""Only the production origins may call from a browser.

Checklist line 250 and the listings at 198, 213-215, 819-820, 883-888.
"""

from preflight.fixtures import item
from preflight.probes import cors
from preflight.probes.answers import FOREIGN_ORIGIN, NEARLY_OURS, PRODUCTION_ORIGINS
from preflight.probes.api import PROTECTED


@item("SEC-CORS-01")
def test_foreign_origin_gets_no_permission(api, token, evidence):
    """A foreign origin gets no permission: it is not echoed, and '*' is never sent."""
    for path, credential in (("/health", None), (PROTECTED, token)):
        answer = api.get(path, token=credential, headers={"Origin": FOREIGN_ORIGIN})
        evidence.request(answer)
        given = cors.permission(answer)

        assert not given.any_origin, f"GET {path} allows every origin (*)"
        assert not given.grants(FOREIGN_ORIGIN), f"GET {path} allows {FOREIGN_ORIGIN}"
    for origin in NEARLY_OURS:
        answer = api.get("/health", headers={"Origin": origin})
        evidence.request(answer)

        assert not cors.permission(answer).grants(origin), f"GET /health allows {origin}"


@item("SEC-CORS-02")
def test_production_origin_is_allowed_or_cors_is_off(api, evidence):
    """A production origin is either allowed by name or CORS is off altogether."""
    for origin in PRODUCTION_ORIGINS:
        answer = api.get("/health", headers={"Origin": origin})
        evidence.request(answer)
        given = cors.permission(answer)

        assert not given.origin or given.grants(origin), f"to {origin} GET /health allows {given.origin!r}"
        assert not given.any_origin, "GET /health allows every origin (*)"


@item("SEC-CORS-03")
def test_credentials_are_for_listed_origins_only(api, evidence):
    """Credentials are allowed to a listed origin only."""
    for origin in (FOREIGN_ORIGIN, "null"):
        answer = api.get("/health", headers={"Origin": origin})
        evidence.request(answer)
        given = cors.permission(answer)

        assert not (given.credentials and given.grants(origin)), f"{origin} may call with credentials"


@item("SEC-CORS-04")
def test_preflight_grants_the_four_methods_only(api, evidence):
    """A preflight request is answered at once and grants no method beyond GET, POST, PUT and DELETE."""
    asked = {"Origin": PRODUCTION_ORIGINS[0], "Access-Control-Request-Method": "PATCH"}
    answer = api.ask("OPTIONS", PROTECTED, headers=asked, total_seconds=5.0)
    evidence.request(answer)
    beyond = cors.permission(answer).methods - cors.METHODS

    assert answer.status_code < 500, f"OPTIONS {PROTECTED} answers {answer.status_code}"
    assert not beyond, f"a preflight request is granted {', '.join(sorted(beyond))}"
