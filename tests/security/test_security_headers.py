"""Every answer carries the six security headers, judged by what they mean.

Checklist lines 72, 79, 908-911, 1200, 1276 and the listing at 900-904.
"""

import pytest

from preflight.fixtures import item
from preflight.probes import headers


@pytest.fixture
def successes(answers, evidence):
    """A success through the front, the web page where there is one, and a success of the game itself where it can be asked."""
    looked = [answers.health, *answers.pages, *answers.of_the_game[:1]]
    for answer in looked:
        evidence.request(answer)
    return looked


def hold(rule, answers):
    """The rule holds on every answer."""
    wrong = [f"{answer.method} {answer.url} ({answer.status_code}): {said}" for answer in answers if (said := rule(answer))]
    assert not wrong, "; ".join(wrong)


@item("SEC-HDR-01")
def test_content_type_is_not_to_be_guessed(successes):
    """Every answer forbids guessing its content type (X-Content-Type-Options: nosniff)."""
    hold(headers.content_type_options, successes)


@item("SEC-HDR-02")
def test_framing_is_forbidden(successes):
    """Every answer forbids being shown in a frame (X-Frame-Options: DENY)."""
    hold(headers.frame_options, successes)


@item("SEC-HDR-03")
def test_xss_protection_is_on(successes):
    """Every answer carries X-XSS-Protection: 1; mode=block."""
    hold(headers.xss_protection, successes)


@item("SEC-HDR-04")
def test_content_security_policy_is_strict(successes):
    """The content security policy allows the own origin only and no framing."""
    hold(headers.content_security_policy, successes)


@item("SEC-HDR-05")
def test_browsers_are_told_to_stay_with_https(answers, evidence):
    """Over HTTPS every answer tells browsers to stay with HTTPS for a year, subdomains included."""
    evidence.request(answers.health)
    age, wrong = headers.hsts_age(answers.health)

    assert not wrong, wrong
    evidence.judge("hsts_max_age", age)


@item("SEC-HDR-06")
def test_referrer_is_kept_from_other_sites(successes):
    """Referrer-Policy keeps addresses from other sites: the sixth header."""
    hold(headers.referrer_policy, successes)


@item("SEC-HDR-07")
def test_sensors_are_switched_off(successes):
    """Permissions-Policy switches off geolocation, microphone and camera."""
    hold(headers.permissions_policy, successes)


@item("SEC-HDR-08")
@pytest.mark.parametrize("kind", ["401", "404", "400", "405", "401 of the game itself"])
def test_refusals_and_errors_carry_the_headers_too(answers, evidence, kind):
    """Refusals and errors (400, 401, 404, 405, 429, 500) carry the security headers too."""
    of_the_game = [*answers.of_the_game[1:], answers.refused]
    answer = of_the_game[0] if kind.endswith("itself") else answers.failure(kind)
    evidence.request(answer)
    wrong = [said for said in headers.wrong_in(answer) if not headers.wrong_alike(said, answers.health)]

    assert not wrong, f"the {answer.status_code} of {answer.method} {answer.url}: {'; '.join(wrong)}"


@item("SEC-HDR-09")
def test_no_header_contradicts_itself(successes):
    """No security header stands twice with different values."""
    hold(lambda answer: ", ".join(headers.doubled(answer)), successes)


@item("SEC-HDR-10")
def test_headers_give_nothing_away(answers, evidence):
    """No header gives away tokens, versions or internal addresses."""
    found = []
    for answer in (answers.health, answers.refused, answers.missing):
        evidence.request(answer)
        found += [f"{answer.status_code}: {said}" for said in headers.sensitive(answer)]

    assert not found, "; ".join(found)


@item("SEC-HDR-11")
def test_headers_are_there_after_the_deployment(answers, evidence):
    """After the deployment the answers carry their security headers."""
    evidence.request(answers.health)

    assert not headers.wrong_in(answers.health), "; ".join(headers.wrong_in(answers.health))


@item("SEC-HDR-12")
def test_no_answer_lacks_a_header_after_the_deployment(answers, evidence):
    """No security header is missing on any kind of answer since the deployment."""
    wrong = []
    for answer in (answers.health, *answers.pages, answers.refused, answers.missing):
        evidence.request(answer)
        wrong += [f"{answer.method} {answer.url} ({answer.status_code}): {said}" for said in headers.wrong_in(answer)]

    assert not wrong, "; ".join(wrong)


@item("SEC-HDR-13")
def test_refusal_by_the_limiter_carries_the_headers_too(spent_bucket, answers, evidence):
    """A refusal by the limiter (429) carries the security headers too."""
    evidence.request(spent_bucket.refused)
    wrong = [said for said in headers.wrong_in(spent_bucket.refused) if not headers.wrong_alike(said, answers.health)]

    assert not wrong, f"the 429: {'; '.join(wrong)}"
