"""Only the production origins may call from a browser.

Checklist lines 250.
"""

from preflight.fixtures import item, not_built


@item("SEC-CORS-01")
def test_foreign_origin_gets_no_permission():
    """A foreign origin gets no permission: it is not echoed, and '*' is never sent."""
    not_built()


@item("SEC-CORS-02")
def test_production_origin_is_allowed_or_cors_is_off():
    """A production origin is either allowed by name or CORS is off altogether."""
    not_built()


@item("SEC-CORS-03")
def test_credentials_are_for_listed_origins_only():
    """Credentials are allowed to a listed origin only."""
    not_built()


@item("SEC-CORS-04")
def test_preflight_grants_the_four_methods_only():
    """A preflight request is answered at once and grants no method beyond GET, POST, PUT and DELETE."""
    not_built()
