"""The front speaks modern TLS with a certificate that can be trusted.

Checklist lines 301-302, 356-357, 359, 398, 1202-1203, 1279.
"""

from preflight.fixtures import item, not_built


@item("SEC-TLS-01")
def test_certificate_is_valid():
    """The certificate is trusted, in date and made out to this name, with its whole chain."""
    not_built()


@item("SEC-TLS-02")
def test_certificate_is_good_for_another_month():
    """The certificate is good for another thirty days."""
    not_built()


@item("SEC-TLS-03")
def test_only_modern_tls_is_spoken():
    """The front speaks TLS 1.2 and 1.3 and nothing older."""
    not_built()


@item("SEC-TLS-04")
def test_weak_ciphers_are_refused():
    """The front refuses weak ciphers."""
    not_built()


@item("SEC-TLS-05")
def test_api_can_be_reached_over_https():
    """The API can be reached over HTTPS."""
    not_built()


@item("SEC-TLS-06")
def test_https_is_enforced_after_the_deployment():
    """After the deployment HTTPS is enforced."""
    not_built()


@item("SEC-TLS-07")
def test_certificate_gives_no_cause_for_concern_after_the_deployment():
    """The certificate gives no cause for concern after the deployment."""
    not_built()
