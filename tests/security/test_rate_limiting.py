"""The limiter refuses who asks too often, and nobody else.

Checklist lines 71, 78, 1199, 1253, 1345.
"""

from preflight.fixtures import item, not_built


@item("SEC-RATE-01")
def test_limiter_refuses_after_the_last_allowed_request():
    """The limiter refuses with 429 once an address has used up its requests on GET /scene."""
    not_built()


@item("SEC-RATE-02")
def test_announced_limit_is_the_documented_one():
    """The limit announced to clients is the documented one, at most 100 requests a minute."""
    not_built()


@item("SEC-RATE-03")
def test_spoofed_forwarded_address_does_not_get_round_the_limiter():
    """An invented X-Forwarded-For does not get a client round the limiter."""
    not_built()


@item("SEC-RATE-04")
def test_busy_client_does_not_lock_others_out():
    """One busy client does not lock the others out: addresses are counted one by one, behind the front too."""
    not_built()


@item("SEC-RATE-05")
def test_limiter_refuses_after_the_deployment():
    """After the deployment the limiter refuses with 429 at its threshold."""
    not_built()


@item("SEC-RATE-06")
def test_limiter_still_counts_after_the_first_hours():
    """The limiter is still counting after the first hours."""
    not_built()
