"""Only a token that the server itself has issued opens the API.

Checklist lines 70, 77, 1138, 1198, 1249, 1278, 1305-1310, 1315-1316, 1344.
"""

from preflight.fixtures import item, not_built


@item("SEC-AUTH-01")
def test_request_without_a_token_is_refused():
    """A request without a token is refused with 401."""
    not_built()


@item("SEC-AUTH-02")
def test_token_that_nobody_issued_is_refused():
    """A token that nobody issued is refused with 401."""
    not_built()


@item("SEC-AUTH-03")
def test_malformed_authorization_header_is_refused():
    """A malformed Authorization header is refused with 401 and upsets nothing."""
    not_built()


@item("SEC-AUTH-04")
def test_valid_token_is_let_in():
    """A valid token is let in where a request without one is refused."""
    not_built()


@item("SEC-AUTH-05")
def test_no_protected_endpoint_opens_without_a_token():
    """No protected endpoint opens without a token, by any of its methods."""
    not_built()


@item("SEC-AUTH-06")
def test_forged_token_is_refused():
    """A token that the server did not sign opens nothing, whatever is wrong with it."""
    not_built()


@item("SEC-AUTH-07")
def test_token_in_the_wrong_place_opens_nothing():
    """A token in the query string, under another scheme or without a scheme opens nothing."""
    not_built()


@item("SEC-AUTH-08")
def test_expired_or_early_token_is_refused():
    """An expired token and one that is not valid yet are refused."""
    not_built()


@item("SEC-AUTH-09")
def test_request_without_a_token_is_refused_after_the_deployment():
    """After the deployment a request without a token is refused with 401."""
    not_built()


@item("SEC-AUTH-10")
def test_valid_request_succeeds_after_the_deployment():
    """After the deployment valid requests succeed and get their data."""
    not_built()


@item("SEC-AUTH-11")
def test_authentication_is_not_broken():
    """Authentication is not broken: it lets the right ones in and keeps the others out."""
    not_built()


@item("SEC-AUTH-12")
def test_failed_logins_stay_at_the_usual_level():
    """Failed logins stay at the usual level since the deployment."""
    not_built()


@item("SEC-AUTH-13")
def test_nobody_got_in_without_a_right_to():
    """Nobody got in without a right to in the first four hours."""
    not_built()
