"""A guest's manners: what a run will send and change, said beforehand, and whether the operator agreed.

The plan is made from checklist.toml alone, so that it can be shown without sending anything.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from preflight import programs
from preflight.budget import DEFAULT_PER_MINUTE, DOCUMENTED_PER_MINUTE, endpoint_of
from preflight.checklist import Item
from preflight.errors import NotApplicable, Undecided
from preflight.outcome import Reason, Stage
from preflight.target import HOW_TO_OFFER, Target

_BAN_RISK: dict[str, str] = {
    "limiter": "one refusal (429) on an address of its own; five within ten minutes would ban that address for an hour",
    "bad_logins": "intrusion detection is expected to ban the address used, for a time",
    "forged_tokens": "each forged token is a failed login; at most 4 a minute are presented from an address",
    "injection": "injection patterns may ban the address used for good",
    "load": "load from an address that is not exempt trips the limiter",
}

_SECONDS_A_REQUEST = 0.05
_COLUMNS = 80


@dataclass(frozen=True)
class Effect:
    """Something a run would change, or a risk it would take."""

    item: str
    consent: str
    text: str
    risk: str
    agreed: bool


@dataclass(frozen=True)
class Plan:
    """What a run would send, to whom, for how long, with which consents missing."""

    requests: Mapping[str, int]
    effects: Sequence[Effect]
    seconds: float
    user_agent: str
    addresses: Sequence[str] = field(default_factory=tuple)

    @property
    def missing(self) -> list[str]:
        """Consents the operator has not given."""
        return sorted({effect.consent for effect in self.effects if not effect.agreed})


def plan(items: Iterable[Item], target: Target, user_agent: str) -> Plan:
    """The plan of a run over `items`."""
    chosen = list(items)
    requests: Counter[str] = Counter()
    measured: dict[str, int] = {}
    effects = []
    for item in chosen:
        applies = not any(part in target.facts.absent for part in item.needs) and all(target.offers(p) for p in item.needs)
        if not applies:
            continue
        agreed = item.consent is None or target.consents(item.consent)
        if item.consent is not None and item.effect is not None:
            effects.append(Effect(item.id, item.consent, item.effect, _BAN_RISK.get(item.consent, ""), agreed))
        if agreed and item.measuring:  # measuring items share the samples of an endpoint
            for call, count in item.sends_to(target.facts.api.endpoints).items():
                measured[call] = max(measured.get(call, 0), count)
        elif agreed:
            requests.update(item.sends_to(target.facts.api.endpoints))
    requests.update(measured)
    addresses = ("this machine's own", *target.facts.manners.addresses)
    per_endpoint: Counter[str] = Counter()
    for call, count in requests.items():
        per_endpoint[endpoint_of(call.split(" ", 1)[-1])] += count
    minutes = [
        max(0.0, count / len(addresses) / DOCUMENTED_PER_MINUTE.get(endpoint, DEFAULT_PER_MINUTE) - 1)
        for endpoint, count in per_endpoint.items()
    ]
    seconds = sum(requests.values()) * _SECONDS_A_REQUEST + 60.0 * max(minutes, default=0.0)
    return Plan(dict(sorted(requests.items())), effects, seconds, user_agent, addresses)


def plan_text(made: Plan, target: Target) -> str:
    """The plan as a person reads it, at 80 columns."""
    rows = _wrapped(f"Plan for {target.facts.name} ({target.facts.api.url}), build {target.facts.build}", 0)
    total = sum(made.requests.values())
    rows += _wrapped(f"{total} requests in about {made.seconds:.0f} s, as User-Agent {made.user_agent}", 2)
    more = " …" if len(made.addresses) > 3 else ""
    rows += _wrapped(f"from {len(made.addresses)} address(es): {', '.join(made.addresses[:3])}{more}", 2)
    rows += [f"  {count:5d}  {call}" for call, count in made.requests.items()]
    for effect in made.effects:
        rows += _wrapped(f"effect of {effect.item}: {effect.text}", 2)
        if effect.risk:
            rows += _wrapped(f"risk: {effect.risk}", 9)
        state = "agreed" if effect.agreed else f"NOT agreed: [consent] {effect.consent} = true, or --intrusive"
        rows += _wrapped(state, 9)
    if made.missing:
        rows += _wrapped(f"consents missing: {', '.join(made.missing)} (their items will be PENDING)", 2)
    return "\n".join(rows)


def _wrapped(text: str, indent: int) -> list[str]:
    first, further = " " * indent, " " * max(9, indent + 2)
    return textwrap.wrap(
        text, _COLUMNS, initial_indent=first, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )


def admit(item: Item, target: Target, stages: Sequence[Stage], *, distributed: bool) -> None:
    """Whether `item` may be looked at now; returns for yes.

    `stages`: those that count for this run's verdict. `distributed`: the run has several workers.
    Raises NotApplicable for a part declared absent, Undecided for a later stage, a part the target file does not
    name, a consent not given, or a look that must not run beside others.
    """
    if item.stage not in stages:
        raise Undecided(Reason.LATER, f"belongs to the stage {item.stage}")
    for part in item.needs:
        if part in target.facts.absent:
            raise NotApplicable(f"{part} is declared absent: {target.facts.absent[part]}")
    for part in item.needs:
        if not target.offers(part):
            raise _not_offered(part, target)
    if item.consent is not None and not target.consents(item.consent):
        raise Undecided(Reason.CONSENT, f"{item.effect}; agree with [consent] {item.consent} = true, or --intrusive")
    if distributed and (item.measuring or item.intrusive):
        raise Undecided(Reason.ALONE, "measures or changes the target, so it never runs beside others; run it without -n")


def _not_offered(part: str, target: Target) -> Undecided:
    lacking = programs.missing(programs.MONITORING)
    if target.facts.rehearsal and part in ("prometheus", "alertmanager") and lacking:
        return Undecided(Reason.PROGRAM, f"{', '.join(lacking)} not on this machine; get them by `{programs.HOW_TO_GET}`")
    return Undecided(Reason.OPERATOR, f"the target file does not name {part}: {HOW_TO_OFFER[part]}")
