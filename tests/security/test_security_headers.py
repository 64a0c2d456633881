"""Every answer tells browsers how to protect themselves.

Checklist lines 72, 79, 900-911, 1200, 1276.
"""

from preflight.fixtures import item, not_built


@item("SEC-HDR-01")
def test_content_type_is_not_to_be_guessed():
    """Every answer forbids guessing its content type (X-Content-Type-Options: nosniff)."""
    not_built()


@item("SEC-HDR-02")
def test_framing_is_forbidden():
    """Every answer forbids being shown in a frame (X-Frame-Options: DENY)."""
    not_built()


@item("SEC-HDR-03")
def test_xss_protection_is_on():
    """Every answer carries X-XSS-Protection: 1; mode=block."""
    not_built()


@item("SEC-HDR-04")
def test_content_security_policy_is_strict():
    """The content security policy allows the own origin only and no framing."""
    not_built()


@item("SEC-HDR-05")
def test_browsers_are_told_to_stay_with_https():
    """Over HTTPS every answer tells browsers to stay with HTTPS for a year, subdomains included."""
    not_built()


@item("SEC-HDR-06")
def test_referrer_is_kept_from_other_sites():
    """Referrer-Policy keeps addresses from other sites: the sixth header."""
    not_built()


@item("SEC-HDR-07")
def test_sensors_are_switched_off():
    """Permissions-Policy switches off geolocation, microphone and camera."""
    not_built()


@item("SEC-HDR-08")
def test_refusals_and_errors_carry_the_headers_too():
    """Refusals and errors (401, 404, 429, 500) carry the security headers too."""
    not_built()


@item("SEC-HDR-09")
def test_no_header_contradicts_itself():
    """No security header stands twice with different values."""
    not_built()


@item("SEC-HDR-10")
def test_headers_give_nothing_away():
    """No header gives away tokens, versions or internal addresses."""
    not_built()


@item("SEC-HDR-11")
def test_headers_are_there_after_the_deployment():
    """After the deployment the answers carry their security headers."""
    not_built()


@item("SEC-HDR-12")
def test_no_answer_lacks_a_header_after_the_deployment():
    """No security header is missing on any kind of answer since the deployment."""
    not_built()
