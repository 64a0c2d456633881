"""From outside only HTTPS, and HTTP for the redirect, can be reached.

Checklist lines 388-392, 399, 1536-1541.
"""

from preflight.errors import LookError
from preflight.fixtures import item
from preflight.probes import metrics, ports, redirects


def tried_every_way(evidence, untried):
    """A port that was tried by one family of addresses alone is not proven to be closed."""
    if untried:
        evidence.warn(f"not tried, since this machine has no way there: {', '.join(untried)}")


@item("SEC-FW-01")
def test_https_port_is_open(front, evidence):
    """HTTPS can be reached from outside (port 443)."""
    seen, _ = ports.look(front.host, [front.port])
    evidence.saw("ports", len(seen))

    # refused from here is closed for everybody; open from the deployment's own machine says nothing about outsiders
    assert all(port.state == "open" for port in seen), "; ".join(str(port) for port in seen if port.state != "open")
    ports.from_outside(front.host)


@item("SEC-FW-02")
def test_http_port_is_open_for_renewals(target, evidence):
    """HTTP can be reached from outside for the renewal of certificates (port 80)."""
    plain = redirects.plain_place(target)
    seen, _ = ports.look(plain.host, [plain.port])
    evidence.saw("ports", len(seen))

    assert all(port.state == "open" for port in seen), "; ".join(str(port) for port in seen if port.state != "open")
    ports.from_outside(plain.host)


@item("SEC-FW-03")
def test_api_port_is_closed_from_outside(front, target, host, evidence):
    """The game's own API port can't be reached from outside, by IPv4 or IPv6."""
    ports.from_outside(front.host)
    own = target.port_of_the_game() or ports.GAME_PORTS[0]
    seen, untried = ports.look(front.host, sorted({own, *ports.GAME_PORTS}))
    evidence.saw("ports", len(seen))

    assert not [port for port in seen if port.state == "open"], "; ".join(str(port) for port in seen if port.state == "open")
    if own not in ports.listeners(host):
        raise LookError(f"nothing listens on port {own} of {host.name}, so that a closed port proves nothing")
    tried_every_way(evidence, untried)


@item("SEC-FW-04")
def test_monitoring_ports_are_closed_from_outside(front, target, host, evidence):
    """Telemetry, Prometheus, Grafana and Alertmanager can't be reached from outside."""
    ports.from_outside(front.host)
    listening = ports.listeners(host)
    inner, elsewhere = ports.inner_ports(target, listening)
    seen, untried = ports.look(front.host, list(inner.values()))
    evidence.saw("ports", len(seen))
    evidence.fact("on another machine, and not tried", ", ".join(elsewhere) or "none")

    assert not [port for port in seen if port.state == "open"], "; ".join(str(port) for port in seen if port.state == "open")
    silent = {f"{part} ({port})" for part, port in inner.items() if port not in listening}
    if silent:
        raise LookError(f"nothing listens for {', '.join(sorted(silent))} on {host.name}: a closed port proves nothing")
    tried_every_way(evidence, untried)


@item("SEC-FW-05")
def test_internal_monitoring_can_read_the_metrics(metrics_page, evidence):
    """Internal monitoring can read the metrics."""
    evidence.request(metrics_page)

    assert metrics_page.status_code == 200, f"GET /metrics with the token answers {metrics_page.status_code}"
    assert metrics.families(metrics_page), "GET /metrics answers with no metric"


@item("SEC-FW-06")
def test_firewall_is_active(host, target, evidence):
    """The firewall is active and its rules are the agreed ones."""
    rules = ports.firewall(host, target)
    evidence.saw("rules", len(rules.rules))
    evidence.fact("read from", rules.source)

    assert not rules.wrong(), "; ".join(rules.wrong())
