"""The front speaks modern TLS with a certificate that can be trusted.

Checklist lines 356-359, 398, 1202, 1203, 1279 and the listing at 301-302.
"""

import pytest

from preflight.fixtures import item
from preflight.probes import redirects, tls
from preflight.session import now


@item("SEC-TLS-01")
def test_certificate_is_valid(certificate, evidence):
    """The certificate is trusted, in date and made out to this name, with its whole chain."""
    evidence.saw("handshakes")
    evidence.fact("certificate", f"{certificate.subject}, until {certificate.not_after:%Y-%m-%d}, SHA-256 {certificate.sha256}")

    assert not certificate.wrong, f"the certificate is refused: {certificate.wrong}"


@item("SEC-TLS-02")
def test_certificate_is_good_for_another_month(certificate, evidence):
    """The certificate is good for another thirty days."""
    evidence.saw("handshakes")

    evidence.judge("days_left", certificate.days_left(now()), where=f"until {certificate.not_after:%Y-%m-%d %H:%M} UTC")


@item("SEC-TLS-03")
@pytest.mark.parametrize("version", tls.VERSIONS)
def test_only_modern_tls_is_spoken(front, evidence, version):
    """The front speaks TLS 1.2 and 1.3 and nothing older."""
    offered = tls.offers_version(front, version)
    evidence.saw("handshakes")
    evidence.fact(version, "offered" if offered else "refused")

    if version in ("TLS 1.0", "TLS 1.1"):
        assert not offered, f"{front} speaks {version}"
    elif version == "TLS 1.2":
        assert offered or tls.offers_version(front, "TLS 1.3"), f"{front} speaks neither TLS 1.2 nor 1.3"
    elif not offered:
        evidence.warn(f"{front} does not speak TLS 1.3")


@item("SEC-TLS-04")
def test_weak_ciphers_are_refused(front, evidence):
    """The front refuses weak ciphers."""
    weak = tls.offers_weak_cipher(front)
    evidence.saw("handshakes", 2)
    if unknown := tls.unoffered():
        evidence.fact("not tried", f"{', '.join(unknown)}: this machine's OpenSSL has none; the site file says (SEC-FRONT-05)")

    assert not weak, f"{front} agrees to {weak}"


@item("SEC-TLS-05")
def test_api_can_be_reached_over_https(answers, front, evidence):
    """The API can be reached over HTTPS."""
    evidence.request(answers.health)
    evidence.saw("handshakes")

    assert answers.health.status_code < 500, f"https://{front} answers {answers.health.status_code}"


@item("SEC-TLS-06")
def test_https_is_enforced_after_the_deployment(api, answers, target, evidence):
    """After the deployment HTTPS is enforced."""
    evidence.request(answers.health)
    evidence.saw("handshakes")
    plain = redirects.plain(api, target, "/health")
    evidence.request(plain)

    assert not redirects.wrong(plain, target, "/health"), redirects.wrong(plain, target, "/health")


@item("SEC-TLS-07")
def test_certificate_gives_no_cause_for_concern_after_the_deployment(certificate, evidence):
    """The certificate gives no cause for concern after the deployment."""
    evidence.saw("handshakes")

    assert not certificate.wrong, f"the certificate is refused: {certificate.wrong}"
    evidence.judge("days_left", certificate.days_left(now()))
