"""What the limiter refuses stands in the audit log.

Checklist line 80. Apart from test_audit_log.py, since it must run after test_rate_limiting.py: waiting for an entry lets
the bucket fill again that the tests there have emptied.
"""

from preflight.fixtures import item
from preflight.probes import audit


@item("SEC-AUDIT-08")
def test_refusal_of_the_limiter_is_recorded(spent_bucket, host, target, evidence):
    """The audit log records what the limiter refuses."""
    evidence.request(spent_bucket.refused)
    entry = audit.record_of_the_limit(host, target, spent_bucket)
    evidence.saw("lines", entry is not None)

    assert entry is not None, f"no entry for the {spent_bucket.refused.status_code} that ended the burst on GET /scene"
