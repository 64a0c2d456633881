"""Old tokens and old secrets are dead, new ones work.

Checklist lines 868-870.
"""

from preflight.errors import Undecided
from preflight.fixtures import item
from preflight.outcome import Reason
from preflight.probes import rotation, tokens
from preflight.probes.api import PROTECTED


@item("SEC-ROT-01")
def test_new_secret_was_generated(host, target, evidence):
    """A new JWT secret was generated for this deployment."""
    secret = rotation.secret_in_force(host, target).reveal()
    developers = [old.reveal() for old in rotation.development_secrets(host, target)]
    before = [old.reveal() for old in rotation.earlier_secrets(host, target)]
    evidence.saw("settings")
    evidence.fact("compared with", f"{len(developers) + len(before)} earlier secret(s)")
    if not (developers or before):
        raise Undecided(Reason.OPERATOR, "no earlier secret to compare with: no backup env-* of before, no development file")

    assert secret not in developers, "the JWT secret is one that developers use"
    if secret in before and target.facts.times.deployed_at is None:
        raise Undecided(
            Reason.OPERATOR,
            "a backup from before the environment file was last written has the same JWT secret: whether the deployment brought "
            "it, [times] deployed_at tells",
        )
    assert secret not in before, "the JWT secret is one that was in use before"


@item("SEC-ROT-02")
def test_old_token_is_dead(api, target, answers, evidence):
    """A token from before the rotation is no longer valid."""
    old = target.secret("old_token")
    if old is None:
        raise Undecided(Reason.OPERATOR, "no token from before the rotation: give [secrets] old_token")
    if tokens.expired(old):
        raise Undecided(Reason.OPERATOR, "[secrets] old_token has expired by itself, so its refusal would not show a rotation")
    evidence.request(answers.admitted)
    answer = api.get(PROTECTED, token=old, bad_login=True)
    evidence.request(answer)

    assert answer.status_code == 401, f"a token from before the rotation gets {answer.status_code}"


@item("SEC-ROT-03")
def test_new_token_is_issued(api, token, evidence):
    """A new token is issued and is let in."""
    issued = api.ask("POST", "/auth/refresh", token=token, body={})
    evidence.request(issued)
    assert issued.status_code == 200, f"POST /auth/refresh answers {issued.status_code}"
    fresh = rotation.issued_token(issued)
    answer = api.get(PROTECTED, token=fresh)
    evidence.request(answer)

    assert answer.status_code == 200, f"the token just issued gets {answer.status_code}"
