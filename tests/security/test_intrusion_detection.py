"""Whoever attacks is noticed and shut out for a time.

Checklist lines 74 and 1347. Each ban is provoked from an address of its own, with consent, and ends that address.
"""

from preflight.errors import LookError, NotApplicable
from preflight.fixtures import item
from preflight.probes import limiter, metrics
from preflight.probes.spans import FOUR_HOURS


@item("SEC-IDS-01")
def test_intrusion_detection_is_running(target, metrics_page, evidence):
    """Intrusion detection is running and says so."""
    if "intrusion_alerts_total" in target.facts.absent_metrics:
        raise NotApplicable(target.facts.absent_metrics["intrusion_alerts_total"])
    evidence.request(metrics_page)
    alerts = metrics.samples(metrics_page, "intrusion_alerts_total")
    evidence.saw("lines", len(alerts))

    assert alerts, "GET /metrics has no intrusion_alerts_total: nothing says that intrusion detection runs"


@item("SEC-IDS-02")
def test_repeated_failed_logins_bring_a_ban(login_ban, evidence):
    """Five failed logins within a minute get the address banned."""
    for answer in (*login_ban.provocations, login_ban.afterwards):
        evidence.request(answer)
    if any(answer.status_code < 400 for answer in login_ban.provocations):
        raise LookError("a token with a spoilt signature was let in, so no login failed and no ban was due (SEC-AUTH-06)")
    limited = sum(answer.status_code == 429 for answer in login_ban.provocations)
    if limited and not login_ban.banned:
        raise LookError(f"{limited} of the failed logins were refused by the limiter (429), so no ban was due (SEC-RATE-04)")

    assert login_ban.banned, (
        f"after {len(login_ban.provocations)} failed logins {login_ban.address} is still served: {login_ban.afterwards.status_code}"
    )


@item("SEC-IDS-04")
def test_repeated_refusals_bring_a_ban(api, session, token, evidence):
    """Five refusals by the limiter within ten minutes get the address banned."""
    burst, after_one, ban = limiter.by_refusals(api, session.budget, token)
    evidence.saw("admitted", burst.admitted)
    for answer in (*ban.provocations, ban.afterwards):
        evidence.request(answer)

    assert burst.refused
    assert after_one.status_code < 400, f"one refusal is enough for a ban: another endpoint then answers {after_one.status_code}"
    assert ban.banned, f"after {len(ban.provocations)} refusals {ban.address} is still served: {ban.afterwards.status_code}"
    evidence.judge("ban", (limiter.announced_end(ban.refusal) or 0.0) / 60.0)


@item("SEC-IDS-05")
def test_injection_pattern_brings_a_ban(api, session, token, evidence):
    """An injection pattern in a request is noticed and gets the address banned."""
    limiter.must_be_watched(session.target)
    ban = limiter.by_injection(api, session.budget, token)
    for answer in (*ban.provocations, ban.afterwards):
        evidence.request(answer)

    assert ban.banned, f"after an injection pattern {ban.address} is still served: {ban.afterwards.status_code}"


@item("SEC-IDS-06")
def test_security_alerts_stayed_quiet(watched):
    """Security alerts stayed quiet in the first four hours."""
    watched.judge("security_alerts", watched.over(FOUR_HOURS).security_alerts())


@item("SEC-IDS-03")
def test_ban_ends_when_it_says(api, token, login_ban, evidence):
    """A ban says when it ends, and ends then."""
    evidence.request(login_ban.refusal)
    end = limiter.announced_end(login_ban.refusal)
    assert end is not None, "the refusal does not say when the ban ends (Retry-After, X-RateLimit-Reset or the body)"
    evidence.fact("ban ends after", f"{end:.0f} s")
    answer = limiter.after_the_ban(api, token, login_ban, end)
    evidence.request(answer)

    assert answer.status_code == 200, (
        f"the ban was announced to end after {end:.0f} s, but then the answer is {answer.status_code}"
    )
