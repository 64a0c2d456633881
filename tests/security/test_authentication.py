"""Only a token that the server itself has issued opens the API.

Checklist lines 70, 77, 1138, 1198, 1249, 1278, 1305-1310, 1315-1316, 1344.
"""

from contextlib import suppress
from datetime import UTC, datetime

import pytest

from preflight.errors import LookError, Undecided
from preflight.fixtures import item
from preflight.probes import audit, breakins, tokens
from preflight.probes.api import PROTECTED, PROTECTED_CALLS
from preflight.probes.spans import FOUR_HOURS, QUARTER, since_deployment
from preflight.session import now


@pytest.fixture
def let_in(answers, evidence):
    """A request with a valid token was let in: only then does a refusal prove anything."""
    evidence.request(answers.opened)


@item("SEC-AUTH-01")
def test_request_without_a_token_is_refused(answers, evidence):
    """A request without a token is refused with 401."""
    evidence.request(answers.refused)
    evidence.request(answers.admitted)

    assert answers.refused.status_code == 401, f"GET {PROTECTED} without a token answers {answers.refused.status_code}"


@item("SEC-AUTH-02")
def test_token_that_nobody_issued_is_refused(api, answers, evidence):
    """A token that nobody issued is refused with 401."""
    answer = api.get(PROTECTED, token="invalid_token_12345", bad_login=True)

    evidence.request(answer)
    evidence.request(answers.admitted)
    assert answer.status_code == 401, f"an invented token gets {answer.status_code}"


@item("SEC-AUTH-03")
def test_malformed_authorization_header_is_refused(api, answers, evidence):
    """A malformed Authorization header is refused with 401 and upsets nothing."""
    answer = api.get(PROTECTED, authorization="InvalidFormat", bad_login=True)

    evidence.request(answer)
    evidence.request(answers.admitted)
    assert answer.status_code == 401, f"a malformed header gets {answer.status_code}"


@item("SEC-AUTH-04")
def test_valid_token_is_let_in(answers, evidence):
    """A valid token is let in where a request without one is refused."""
    evidence.request(answers.admitted)
    evidence.request(answers.refused)

    assert answers.admitted.status_code == 200, f"the valid token gets {answers.admitted.status_code} on GET {PROTECTED}"


@item("SEC-AUTH-05")
def test_no_protected_endpoint_opens_without_a_token(api, answers, target, evidence):
    """No protected endpoint opens without a token, by any of its methods."""
    evidence.request(answers.admitted)
    is_login = not target.facts.manners.missing_token_is_no_login
    calls = [*PROTECTED_CALLS, *(("GET", path) for path in target.facts.api.protected)]
    got_in = []
    for method, path in calls:
        answer = api.ask(method, path, body=b"{}" if method in ("POST", "PUT") else None, bad_login=is_login)
        evidence.request(answer)
        if not tokens.is_refusal(path, answer.status_code):
            got_in.append(f"{method} {path} answers {answer.status_code}")

    assert not got_in, f"without a token: {', '.join(got_in)}"


@item("SEC-AUTH-06")
@pytest.mark.parametrize("flaw", tokens.FORGED)
def test_forged_token_is_refused(api, evidence, token, let_in, flaw):
    """A token that the server did not sign opens nothing, whatever is wrong with it."""
    answer = api.get(PROTECTED, token=tokens.forge(flaw, token), bad_login=True)

    evidence.request(answer)
    assert answer.status_code == 401, f"a token with the flaw {flaw} gets {answer.status_code}"


@item("SEC-AUTH-14")
def test_secret_is_no_known_word(token, answers, evidence, let_in):
    """The token is not signed with a word that anybody can guess."""
    evidence.request(answers.refused)
    word = tokens.guessed_secret(token)
    evidence.saw("samples", len(tokens.KNOWN_WORDS))

    assert not word, f"the token is signed with a known word of {len(word)} letters: anybody can make tokens"


@item("SEC-AUTH-07")
@pytest.mark.parametrize("place", tokens.MISPLACED)
def test_token_in_the_wrong_place_opens_nothing(api, evidence, token, let_in, place):
    """A token in the query string, under another scheme or without a scheme opens nothing."""
    answer = tokens.present(api, place, token)

    evidence.request(answer)
    assert answer.status_code == 401, f"a valid token given as {place} gets {answer.status_code}"


@item("SEC-AUTH-08")
@pytest.mark.parametrize("flaw", tokens.LAPSED)
def test_expired_or_early_token_is_refused(api, evidence, target, token, let_in, flaw):
    """An expired token and one that is not valid yet are refused."""
    answer = api.get(PROTECTED, token=tokens.lapsed(flaw, target, token), bad_login=True)

    evidence.request(answer)
    assert answer.status_code == 401, f"a token that is {flaw} gets {answer.status_code}"


@item("SEC-AUTH-09")
def test_request_without_a_token_is_refused_after_the_deployment(answers, evidence):
    """After the deployment a request without a token is refused with 401."""
    evidence.request(answers.refused)
    evidence.request(answers.admitted)

    assert answers.refused.status_code == 401, f"GET {PROTECTED} without a token answers {answers.refused.status_code}"


@item("SEC-AUTH-10")
def test_valid_request_succeeds_after_the_deployment(answers, evidence):
    """After the deployment valid requests succeed and get their data."""
    evidence.request(answers.status)
    evidence.request(answers.admitted)

    assert answers.status.status_code == 200, f"GET /status answers {answers.status.status_code}"
    assert answers.status.object(), "GET /status answers with an empty object"
    assert answers.admitted.status_code == 200, f"GET {PROTECTED} with the token answers {answers.admitted.status_code}"


@item("SEC-AUTH-11")
def test_authentication_is_not_broken(answers, evidence):
    """Authentication is not broken: it lets the right ones in and keeps the others out."""
    evidence.request(answers.admitted)
    evidence.request(answers.refused)

    assert answers.admitted.status_code == 200, f"the valid token gets {answers.admitted.status_code}"
    assert answers.refused.status_code == 401, f"no token gets {answers.refused.status_code}"


@item("SEC-AUTH-12")
def test_failed_logins_stay_at_the_usual_level(watched):
    """Failed logins stay at the usual level since the deployment."""
    watched.judge("auth_failures", watched.over(QUARTER).failed_logins())


@item("SEC-AUTH-13")
def test_nobody_got_in_without_a_right_to(host, target, request, evidence):
    """Nobody got in without a right to in the first four hours."""
    start, end = since_deployment(target, FOUR_HOURS, now())
    found = breakins.guesses(host, target, datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
    evidence.saw("lines", found.entries)
    known = set(target.facts.manners.addresses)
    if found.admitted and len(found.clients) > 1:  # one that stands for everybody is a proxy's
        with suppress(LookError, Undecided):  # then nobody is taken for us
            known.add(audit.own_client(request.getfixturevalue("recorded"), target))
    if ours := [one for one in found.admitted if one.partition(" ")[0] in known]:
        evidence.fact("by this suite's own addresses", ", ".join(ours))
    others = [one for one in found.admitted if one not in ours]

    assert not others, f"refused again and again, then admitted: {', '.join(others)}"
