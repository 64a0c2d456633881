"""The JWT secret is new, old tokens are dead and new ones alive.

Checklist lines 868-870.
"""

from preflight.fixtures import item, not_built


@item("SEC-ROT-01")
def test_new_secret_was_generated():
    """A new JWT secret was generated for this deployment."""
    not_built()


@item("SEC-ROT-02")
def test_old_token_is_dead():
    """A token from before the rotation is no longer valid."""
    not_built()


@item("SEC-ROT-03")
def test_new_token_is_issued():
    """A new token is issued and is let in."""
    not_built()
