"""nginx passes on what it should, as it should.

Checklist lines 97, 291-336, 356, 358, 360, 395, 909, 974-976, 1251, 1548.
"""

from preflight.fixtures import item
from preflight.probes import connections, nginx, nginxrules, nginxtest, redirects, tls
from preflight.probes.processes import host_is_folder


@item("SEC-FRONT-01")
def test_plain_http_is_redirected_to_the_same_path(api, target, evidence):
    """Plain HTTP is redirected to HTTPS, to the same path."""
    path = "/health?preflight=1"
    answer = redirects.plain(api, target, path)
    evidence.request(answer)

    assert not redirects.wrong(answer, target, path), redirects.wrong(answer, target, path)


@item("SEC-FRONT-02")
def test_plain_http_never_serves_the_api(api, target, evidence):
    """Over plain HTTP the front gives no answer of the API."""
    for path in ("/health", "/scene"):
        answer = redirects.plain(api, target, path)
        evidence.request(answer)

        assert answer.status_code >= 300 and answer.status_code != 401, f"GET {path} over plain HTTP answers {answer.status_code}"
    answer = redirects.plain(api, target, "/scene", "POST")
    evidence.request(answer)

    # without a token: the game would say 401, or carry it out
    assert answer.status_code >= 300 and answer.status_code != 401, f"POST /scene over plain HTTP answers {answer.status_code}"


@item("SEC-FRONT-03")
def test_nginx_finds_its_configuration_valid(host, target, evidence):
    """nginx finds its configuration valid."""
    main = nginx.read_main(host, target.facts.paths.nginx)
    own = nginx.read_site(host, target.facts.paths.nginx)
    evidence.saw("files", len(main.files))
    errors = list(dict.fromkeys([*main.errors, *own.errors]))

    assert not errors, f"not valid: {'; '.join(errors[:3])}"
    said = nginxtest.on_copy(main, host) if host_is_folder(target) else nginxtest.on_host(host)
    assert said.status == 0, f"nginx -t says: {nginxtest.complaint(said)}"


@item("SEC-FRONT-04")
def test_site_is_enabled_on_both_ports(host, target, evidence):
    """The site file is enabled and listens for TLS on 443 and for the redirect on 80."""
    path = target.facts.paths.nginx
    evidence.saw("files", host.facts(path) is not None)
    assert host.facts(path) is not None, f"{path} is missing"
    servers = nginx.read_site(host, path).servers()
    listening = [(port, tls, server) for server in servers for port, tls in nginx.ports(server).items()]
    evidence.saw("settings", len(listening))
    plain = [server for port, tls, server in listening if port == 80 and not tls]
    serving = [server for server in plain if not nginxrules.only_redirects(server)]

    assert nginx.is_enabled(host, path), f"{path} is not among the files that nginx.conf includes"
    assert any(port == 443 and tls for port, tls, _ in listening), f"no server of {path} listens for TLS on 443"
    assert plain, f"no server of {path} listens on 80 for the redirect"
    assert not serving, f"a server of {path} on port 80 does something else than to redirect to HTTPS"


@item("SEC-FRONT-05")
def test_tls_directives_are_the_agreed_ones(site, host, evidence):
    """The site file names certificate and key, modern protocols and the server's choice of ciphers."""
    server = nginx.with_tls(site)
    evidence.saw("files")
    names = ("ssl_certificate", "ssl_certificate_key", "ssl_protocols", "ssl_ciphers", "ssl_prefer_server_ciphers")
    values = {name: server.value(name) for name in names}
    if values["ssl_protocols"] == "TLSv1.3":  # its ciphers are not chosen by these two
        values |= {name: values[name] or unset for name, unset in (("ssl_ciphers", "HIGH:!aNULL:!MD5"), (names[4], "on"))}
    evidence.saw("settings", sum(value is not None for value in values.values()))
    for name, value in values.items():
        assert value is not None, f"{name} is not set for the server on 443"
    for name in names[:2]:
        assert host.facts(nginxrules.on_host(values[name])) is not None, f"{name} names {values[name]}, which is missing"
    old = set(values["ssl_protocols"].split()) - {"TLSv1.2", "TLSv1.3"}
    weak = nginxrules.weak_ciphers(values["ssl_ciphers"])

    assert not old, f"ssl_protocols offers {', '.join(sorted(old))}"
    assert not weak, f"ssl_ciphers {values['ssl_ciphers']!r} allows {', '.join(weak[:4])}"
    assert values["ssl_prefer_server_ciphers"] == "on", f"ssl_prefer_server_ciphers is {values['ssl_prefer_server_ciphers']}"


@item("SEC-FRONT-06")
def test_hsts_is_added_to_every_answer(site, evidence):
    """The site file adds HSTS to every answer, errors included."""
    server = nginx.with_tls(site)
    evidence.saw("files")
    for name, block in [("the server", server), *nginx.locations(server)]:
        found = nginxrules.added(block, "Strict-Transport-Security")
        evidence.saw("settings", len(found))
        assert found, f"{name} adds no Strict-Transport-Security" + ("" if block is server else " (its own add_header drops it)")
        wrong = nginxrules.wrong_hsts(found[-1])
        assert not wrong, f"{name}: {wrong} ({found[-1].place})"


@item("SEC-FRONT-07")
def test_answers_are_marked_as_https(site, evidence):
    """The site file marks its answers with X-Forwarded-Proto, as the checklist lists it."""
    found = nginxrules.added(nginx.with_tls(site), "X-Forwarded-Proto")
    evidence.saw("files")
    evidence.saw("settings")

    assert found, "the server on 443 adds no X-Forwarded-Proto"
    assert found[-1].args[1:2] in (("https",), ("$scheme",)), f"X-Forwarded-Proto is {' '.join(found[-1].args[1:])}"


@item("SEC-FRONT-08")
def test_requests_are_passed_on_over_kept_connections(site, evidence):
    """The front passes requests on over kept HTTP/1.1 connections and waits sixty seconds at most."""
    place = nginxrules.passed_on(site)
    evidence.saw("files")
    evidence.saw("settings", 3)
    version = place.value("proxy_http_version")

    assert version in ("1.1", "2"), f"proxy_http_version is {version or 'not set, so 1.0'}: no connection is kept"
    assert nginxrules.kept_connections(site) > 0, f"proxy_pass {place.value('proxy_pass')}: no upstream that keeps connections"
    for name in ("proxy_connect_timeout", "proxy_send_timeout", "proxy_read_timeout"):
        wait = nginxrules.seconds(place.value(name), default=60)
        evidence.saw("settings")
        evidence.judge("proxy_timeout", wait, where=name)
        if name != "proxy_connect_timeout":
            evidence.judge("proxy_patience", wait, where=name)


@item("SEC-FRONT-09")
def test_game_learns_who_asks_and_how(site, evidence):
    """The front tells the game host, client address, protocol and token of each request."""
    place = nginxrules.passed_on(site)
    evidence.saw("files")
    for header, allowed in nginxrules.TOLD.items():
        value = nginxrules.sent_on(place, header)
        evidence.saw("settings")
        assert value in allowed, f"proxy_set_header {header} is {value or 'not set'} instead of {allowed[0]}"


@item("SEC-FRONT-10")
def test_site_file_lets_websockets_through(site, evidence):
    """The site file lets WebSockets through."""
    place = nginxrules.passed_on(site)
    evidence.saw("files")
    upgrade, connection = nginxrules.sent_on(place, "Upgrade"), nginxrules.sent_on(place, "Connection")
    evidence.saw("settings", 2)

    assert upgrade == "$http_upgrade", f"proxy_set_header Upgrade is {upgrade or 'not set'}"
    assert nginxrules.upgrades(site, connection), f"proxy_set_header Connection is {connection or 'not set'}"


@item("SEC-FRONT-11")
def test_websocket_gets_through_the_front(session, target, token, evidence):
    """A WebSocket upgrade gets through the front."""
    status = connections.upgrade(target, token, session.user_agent)
    evidence.saw("handshakes")

    assert status == 101, f"a WebSocket upgrade is answered with {status} instead of 101"


@item("SEC-FRONT-12")
def test_http_2_is_offered(front, evidence):
    """The front offers HTTP/2."""
    protocol = tls.agreed_protocol(front)
    evidence.saw("handshakes")

    assert protocol == "h2", f"the front chooses {protocol or 'nothing'} of HTTP/2 and HTTP/1.1"


@item("SEC-FRONT-13")
def test_json_is_compressed(api, evidence):
    """JSON answers leave the front compressed when the client asks for it."""
    answer = api.get("/health", headers={"Accept-Encoding": "gzip"})
    evidence.request(answer)

    assert (answer.header("Content-Encoding") or "").lower() == "gzip", "GET /health is not compressed although gzip is accepted"


@item("SEC-FRONT-14")
def test_connections_are_kept_for_the_next_request(api, evidence):
    """The front keeps client connections open for the next request."""
    answered = connections.requests_on_one_connection(api, "/health")
    evidence.saw("requests", 2)

    assert answered == 2, "the front closes the connection after one request"
