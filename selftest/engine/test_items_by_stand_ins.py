"""Items that no fault of the rehearsal breaks: their tests are called with stand-ins, right ones and one that is wrong.

The rehearsal has no network to be looked at from outside, no systemd, no Grafana (selftest/monitoring/test_grafana_items.py),
and nothing is rolled back in it. Which items these are is counted in selftest/rehearsal/test_faults.py.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from preflight import checklist
from preflight.checklist import ROOT
from preflight.evidence import Evidence
from preflight.judge import judge
from preflight.probes import accesslog, alertrouting, alertstates, audit, ports, processes, services
from preflight.probes.gamelog import Event, Seen
from preflight.probes.http import Answer
from preflight.probes.limiter import Ban
from preflight.probes.lines import Figure
from preflight.probes.ports import Port
from preflight.windowfixtures import Watched

ITEMS = checklist.load(ROOT / "checklist.toml").by_id
NOW = datetime.now(UTC)
COMMANDS = [
    "godot /opt/godot/spacetime",
    "nginx nginx: master",
    "prometheus /usr/bin/prometheus",
    "alertmanager /usr/bin/alertmanager",
]
EXPORTERS = ["prometheus-node /usr/bin/prometheus-node-exporter", "nginx-prometheu /usr/bin/nginx-prometheus-exporter"]
"""With names that begin as those of the programs themselves."""
GRAFANA = "grafana /usr/share/grafana/bin/grafana server"


def answer(said: object = None, status: int = 200, path: str = "/") -> Answer:
    body = json.dumps(said if said is not None else {}).encode()
    return Answer("GET", f"https://game.example{path}", status, (), body, 0.01, sent_token=status == 200, curl="curl")


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"stood_in_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_of(item: str) -> Callable[..., None]:
    """The test function of an item, out of the folder of its section."""
    for path in sorted((ROOT / "tests").glob("*/test_*.py")):
        if f'"{item}"' in path.read_text("utf-8"):
            for made in vars(module(path)).values():
                if any(mark.name == "item" and item in mark.args for mark in getattr(made, "pytestmark", ())):
                    found: Callable[..., None] = made
                    return found
    raise AssertionError(f"no test answers {item}")


test_of.__test__ = False  # type: ignore[attr-defined]


def status(item: str, given: dict[str, Any]) -> tuple[str, str]:
    """The engine's status of an item whose test was called with these fixtures."""
    function, evidence = test_of(item), Evidence(ITEMS[item])
    fixtures = {name: one.of(evidence) if isinstance(one, Looking) else one for name, one in given.items()} | {
        "evidence": evidence
    }
    error: BaseException | None = None
    try:
        function(**{name: fixtures[name] for name in inspect.signature(function).parameters})
    except Exception as problem:  # noqa: BLE001 - what it means is for the engine to say
        error = problem
    judged = judge(error, "call", evidence, item, None, alone=True, tests=ROOT / "tests")
    return judged.status.value, judged.reason


@dataclass(frozen=True)
class Looking:
    """A fixture that keeps what it sees as the evidence of the item."""

    of: Callable[[Evidence], Any]


def target(**more: Any) -> SimpleNamespace:
    times = SimpleNamespace(deployed_at=NOW - timedelta(hours=30), rolled_back_at=NOW - timedelta(hours=2))
    part = SimpleNamespace(url="http://localhost:1")
    facts = SimpleNamespace(
        build="2.5.0", times=times, telemetry=None, prometheus=part, grafana=part, alertmanager=part, absent={}, host=None
    )
    return SimpleNamespace(facts=facts, port_of_the_game=lambda: more.get("port", 8080))


def watched(**figures: float) -> Looking:
    """Windows in which each figure has that value."""
    view = SimpleNamespace(**{name: lambda *_, value=value: Figure(value, 600) for name, value in figures.items()})
    made: Any = SimpleNamespace(view=lambda _: view, target=target(), session=SimpleNamespace(started=NOW))
    return Looking(lambda evidence: Watched(made, evidence))


def seen_ports(*states: str) -> Callable[[pytest.MonkeyPatch], None]:
    def change(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(ports, "from_outside", lambda _: None)
        patch.setattr(ports, "listeners", lambda _: {8080, *ports.INNER_PORTS.values()})
        patch.setattr(
            ports,
            "look",
            lambda _, numbers: ([Port("198.51.100.7", number, state) for number in numbers for state in states], []),
        )

    return change


def silence(minutes: float, requests: int) -> Callable[[pytest.MonkeyPatch], None]:
    def change(patch: pytest.MonkeyPatch) -> None:
        start = NOW - timedelta(hours=29)
        found = audit.Silence(minutes, start, start + timedelta(minutes=minutes), 500)
        patch.setattr(audit, "longest_silence", lambda *_: found)
        patch.setattr(accesslog, "path_of", lambda *_: "/var/log/nginx/access.log")
        patch.setattr(accesslog, "protected_paths", lambda _: ())
        patch.setattr(accesslog, "protected_requests", lambda *_: SimpleNamespace(count=requests, whole=True))

    return change


def patched(place: object, **values: Any) -> Callable[[pytest.MonkeyPatch], None]:
    def change(patch: pytest.MonkeyPatch) -> None:
        for name, value in values.items():
            patch.setattr(place, name, lambda *_, value=value, **__: value)

    return change


def alerts(*, ready: int = 200, failed: float = 0.0) -> dict[str, Any]:
    made = SimpleNamespace(ask=lambda path: answer(status=ready, path=path), counts=lambda _: {"email": failed, "pagerduty": 0.0})

    def failures_since(evidence: Evidence) -> Callable[..., float]:
        evidence.saw("samples")
        return lambda *_: failed

    return {"alerts": made, "failures_since": Looking(failures_since)}


def page(**sent: float) -> dict[str, Any]:
    delivery = SimpleNamespace(sent=sent, failed={"pagerduty": 3.0})
    routes = SimpleNamespace(integrations=lambda _: {"pagerduty": [{}]}, group_wait=lambda _: 10.0)
    postman = SimpleNamespace(submit=lambda _: SimpleNamespace(result=lambda: delivery))
    return {"alerts": None, "alert_routes": routes, "postman": postman, "session": SimpleNamespace(run_id="selftest")}


def prometheus(status_code: int) -> dict[str, Any]:
    made = SimpleNamespace(ask=lambda path: answer(status=status_code, path=path), version=lambda: "2.53.0")
    return {"prometheus": made, "rules": 9 * [SimpleNamespace(name="HTTPAPIDown", state="inactive")]}


def answers(**more: Any) -> dict[str, Any]:
    healthy = {"status": "healthy", "subsystems": {}, "issues": []}
    right = {
        "status": answer({"api_version": "2.4.2", "vr_initialized": True}),
        "health": answer(healthy),
        "refused": answer(status=401),
        "admitted": answer(),
    }
    return {"answers": SimpleNamespace(**{**right, **more}), "target": target()}


def critical_features(**more: Any) -> dict[str, Any]:
    right = answers(admitted=answer({"scene_path": "res://a.tscn"}))
    for name, one in more.items():
        setattr(right["answers"], name, one)
    return {**right, "session": None}


def notifying(sent: float, in_vain: float) -> dict[str, Any]:
    made = SimpleNamespace(alertmanagers=lambda: ["http://manager:9093/api/v2/alerts"], notified=lambda _: (sent, in_vain))
    return {"prometheus": made, "target": target()}


def headset(**told: Any) -> dict[str, Any]:
    made = SimpleNamespace(told=told, headset="a headset", head=lambda: [0.0] * 100, states=["READY", "FOCUSED"], trouble="")
    return {"played": made, "attempt": made, "promised_hands": None}


def units(said: str) -> dict[str, Any]:
    ran = SimpleNamespace(output=f"enabled\nenabled\n{said}", status=0)
    return {"host": SimpleNamespace(name="the host", run=lambda _: ran), "target": target()}


FRONT: dict[str, Any] = {
    "front": SimpleNamespace(host="game.example", port=443),
    "host": SimpleNamespace(name="the host"),
    "target": target(),
}
SERVICES = {"environment": None, "host": None}
REDIS = services.Service("redis", "10.20.0.9", 6379)
ERROR = Event("ERROR: Redis connection refused at 10.20.0.9:6379", NOW)

Change = Callable[[pytest.MonkeyPatch], None]
Stood = tuple[dict[str, Any], Change | None]
CASES: dict[str, tuple[Stood, Stood, str]] = {
    "SEC-FW-01": ((FRONT, seen_ports("open")), (FRONT, seen_ports("open", "refused")), "port 443 is refused"),
    "SEC-FW-03": ((FRONT, seen_ports("filtered")), (FRONT, seen_ports("filtered", "open")), "port 8080 is open"),
    "SEC-FW-04": ((FRONT, seen_ports("refused")), (FRONT, seen_ports("open")), "is open"),
    "SEC-AUDIT-07": ((FRONT, silence(5, 9)), (FRONT, silence(41, 9)), "while 9 request(s) came in"),
    "HLT-API-02": (
        (answers(), None),
        ({**answers(), "target": target(port=8083)}, None),
        "fall-back port 8083",
    ),
    "HLT-SVC-01": (
        ({**SERVICES, "game_log": SimpleNamespace(since_start=Seen())}, None),
        ({**SERVICES, "game_log": SimpleNamespace(since_start=Seen(errors=[ERROR]))}, None),
        "Redis connection refused",
    ),
    "HLT-PROM-01": ((prometheus(200), None), (prometheus(503), None), "answers 503"),
    "HLT-ALERT-01": ((alerts(), None), (alerts(ready=503), None), "answers 503"),
    "HLT-ALERT-08": ((alerts(), None), (alerts(failed=2.0), None), "failed_notifications is 2"),
    "HLT-ALERT-10": ((page(pagerduty=1.0), None), (page(), None), "the page was not delivered by pagerduty"),
    "HLT-UNIT-01": ((units("enabled"), None), (units("disabled"), None), "alertmanager is disabled"),
    "HLT-AFTER-04": (
        (FRONT, patched(processes, must_be_a_machine=None, running=[*COMMANDS, GRAFANA])),
        (FRONT, patched(processes, must_be_a_machine=None, running=[COMMANDS[0], COMMANDS[3], GRAFANA, *EXPORTERS])),
        "not running on the host: nginx, Prometheus",
    ),
    "HLT-AFTER-08": (
        (prometheus(200), patched(alertstates, contradictions=[])),
        (prometheus(200), patched(alertstates, contradictions=["HTTPAPIDown is quiet although up == 0 holds"])),
        "is quiet although",
    ),
    "HLT-AFTER-18": (
        (critical_features(), None),
        (critical_features(admitted=answer({"error": "Not Found"}, status=404)), None),
        "scenes: GET https://game.example/ answers 404",
    ),
    "HLT-PROM-07": ((notifying(5, 0), None), (notifying(5, 5), None), "none of 5 alerts has reached"),
    "HLT-ROLL-03": ((answers(), None), (answers(status=answer({"api_version": "2.5.0"})), None), "2.5.0 is still running"),
    "HLT-ROLL-04": ((answers(), None), (answers(health=answer({"status": "degraded"})), None), "says degraded"),
    "HLT-ROLL-05": ((answers(), None), (answers(refused=answer()), None), "no token gets 200"),
    "HLT-ROLL-06": (
        ({"watched": watched(error_rate=0.9)}, None),
        ({"watched": watched(error_rate=1.1)}, None),
        "error_rate is 1.1",
    ),
    "HLT-ROLL-07": (({"watched": watched(p95=199.0)}, None), ({"watched": watched(p95=201.0)}, None), "p95 is 201"),
    "PERF-BASE-05": (
        ({"watched": watched(p95=80.0, worst_p95=158.0)}, None),
        ({"watched": watched(p95=80.0, worst_p95=162.0)}, None),
        "p95_ratio_10min is 2.0",
    ),
    "VR-PREP-02": ((headset(bounds=(2.0, 2.0)), None), (headset(bounds=(2.4, 1.9)), None), "depth is 1.9"),
    "VR-TRACK-04": (
        (headset(hand_tracking=True, joints=[(True, True)]), None),
        (headset(hand_tracking=True, joints=[(True, False)]), None),
        "the right hand was never followed",
    ),
    "VR-AFTER-04": (
        ({**headset(), **answers()}, None),
        ({**headset(), **answers(status=answer({"vr_initialized": False}))}, None),
        "VR is not initialised",
    ),
}
ALWAYS: dict[str, Change] = {
    "HLT-SVC-01": patched(services, named=[REDIS], reach=None),
    "HLT-ALERT-10": patched(alertrouting, receivers_of=["pagerduty"]),
    "HLT-UNIT-01": patched(processes, must_be_a_machine=None),
}


@pytest.mark.parametrize("item", CASES)
def test_item_passes_what_is_right_and_fails_what_is_wrong(item: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (right, before), (wrong, then), says = CASES[item]
    if item in ALWAYS:
        ALWAYS[item](monkeypatch)
    if before:
        before(monkeypatch)
    assert status(item, right) == ("PASS", ""), item
    if then:
        then(monkeypatch)
    found = status(item, wrong)
    assert found[0] == ("FAIL" if ITEMS[item].severity in ("red_flag", "mandatory") else "WARN"), found
    assert says in found[1]


@pytest.mark.parametrize(
    ("provocations", "afterwards", "wanted"),
    [
        ((401, 401, 401, 401, 401), 429, "PASS"),
        ((401, 401, 401, 401, 429), 429, "PASS"),
        ((401, 401, 401, 401, 401), 200, "FAIL"),
        ((401, 401, 401, 429, 429), 200, "ERROR"),
    ],
)
def test_what_the_limiter_refused_is_no_failed_login(provocations: tuple[int, ...], afterwards: int, wanted: str) -> None:
    ban = Ban("127.0.0.7", [answer(status=code) for code in provocations], answer(status=afterwards))
    found, reason = status("SEC-IDS-02", {"login_ban": ban})
    assert found == wanted
    assert wanted != "ERROR" or "2 of the failed logins were refused by the limiter (429)" in reason
