"""The limiter counts each client, refuses with 429, and can't be talked round.

Checklist lines 71, 78, 1199, 1253, 1345. Emptying a bucket of 100 would trip intrusion detection, so the refusal is
shown on GET /scene (30 a minute) and the hundred is read from the headers and the configuration (docs/rulings.md).
"""

import pytest

from preflight.fixtures import item
from preflight.probes.api import PROTECTED, counted
from preflight.probes.limiter import ALLOWED, own_address, refused_again, spoofed


@item("SEC-RATE-01")
def test_limiter_refuses_after_the_last_allowed_request(spent_bucket, evidence):
    """The limiter refuses with 429 once an address has used up its requests on GET /scene."""
    evidence.saw("admitted", spent_bucket.admitted)
    evidence.request(spent_bucket.last)
    evidence.fact("burst", f"{spent_bucket.admitted} let in within {spent_bucket.seconds:.1f} s from {spent_bucket.address}")

    assert spent_bucket.refusal is not None, f"{spent_bucket.admitted} requests to GET {PROTECTED} and no refusal"
    assert spent_bucket.refusal.status_code == 429, f"the refusal is {spent_bucket.refusal.status_code}, not 429"
    evidence.judge("allowed_requests", spent_bucket.allowed, n=spent_bucket.admitted)


@item("SEC-RATE-02")
@pytest.mark.parametrize("path", ["/status", PROTECTED])
def test_announced_limit_is_the_documented_one(answers, evidence, path):
    """The limit announced to clients is the documented one, at most 100 requests a minute."""
    answer = answers.status if path == "/status" else answers.admitted
    evidence.request(answer)
    announced = counted(answer, "X-RateLimit-Limit")

    assert announced is not None, f"GET {path} announces no limit (X-RateLimit-Limit: {answer.header('X-RateLimit-Limit')})"
    evidence.judge("announced_limit", announced, where=path)
    if path == PROTECTED:
        assert announced <= ALLOWED, f"GET {path} announces {announced:g} a minute where {ALLOWED} are documented"


@item("SEC-RATE-03")
def test_spoofed_forwarded_address_does_not_get_round_the_limiter(api, token, spent_bucket, evidence):
    """An invented X-Forwarded-For does not get a client round the limiter."""
    evidence.request(spent_bucket.refused)
    evidence.request(refused_again(api, token, spent_bucket))
    answer = spoofed(api, token, spent_bucket)
    evidence.request(answer)
    if answer.status_code < 400:  # the bucket may have regained one meanwhile: let in twice is beyond that
        evidence.request(refused_again(api, token, spent_bucket))
        answer = spoofed(api, token, spent_bucket)
        evidence.request(answer)

    assert answer.status_code >= 400, "another X-Forwarded-For, or another query, is another client to the limiter"


@item("SEC-RATE-04")
def test_busy_client_does_not_lock_others_out(api, session, token, spent_bucket, evidence):
    """One busy client does not lock the others out: addresses are counted one by one, behind the front too."""
    evidence.request(spent_bucket.refused)
    busy = spent_bucket.address or "this machine"
    assert spent_bucket.admitted or not spent_bucket.address, f"{busy} had sent nothing and is refused at its first request"
    other = own_address(session.budget)
    answer = api.get(PROTECTED, token=token, address=other, may_refuse=True, paced=False)
    evidence.request(answer)

    assert answer.status_code != 429, f"{other} is refused because {busy} was busy"
    assert answer.status_code == 200, f"another address gets {answer.status_code}"


@item("SEC-RATE-05")
def test_limiter_refuses_after_the_deployment(spent_bucket, evidence):
    """After the deployment the limiter refuses with 429 at its threshold."""
    evidence.saw("admitted", spent_bucket.admitted)
    evidence.request(spent_bucket.last)

    assert spent_bucket.refusal is not None, f"{spent_bucket.admitted} requests to GET {PROTECTED} and no refusal"
    assert spent_bucket.refusal.status_code == 429, f"the refusal is {spent_bucket.refusal.status_code}, not 429"


@item("SEC-RATE-06")
def test_limiter_still_counts_after_the_first_hours(api, token, evidence):
    """The limiter is still counting after the first hours."""
    for _ in range(2):
        answer = api.get(PROTECTED, token=token)
        evidence.request(answer)
        allowed, left = counted(answer, "X-RateLimit-Limit"), counted(answer, "X-RateLimit-Remaining")

        assert left is not None, f"GET {PROTECTED} does not say how many requests are left: X-RateLimit-Remaining is missing"
        assert left < (allowed or left), f"GET {PROTECTED} was asked, and {left:g} of {allowed or left:g} requests are left"
