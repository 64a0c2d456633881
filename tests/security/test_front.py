"""nginx passes on what it should, as it should.

Checklist lines 97, 291-336, 356, 358, 360, 395, 909, 974-976, 1251, 1548.
"""

from preflight.fixtures import item, not_built
from preflight.probes import connections, redirects, tls


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


@item("SEC-FRONT-03")
def test_nginx_finds_its_configuration_valid():
    """nginx finds its configuration valid."""
    not_built()


@item("SEC-FRONT-04")
def test_site_is_enabled_on_both_ports():
    """The site file is enabled and listens for TLS on 443 and for the redirect on 80."""
    not_built()


@item("SEC-FRONT-05")
def test_tls_directives_are_the_agreed_ones():
    """The site file names certificate and key, modern protocols and the server's choice of ciphers."""
    not_built()


@item("SEC-FRONT-06")
def test_hsts_is_added_to_every_answer():
    """The site file adds HSTS to every answer, errors included."""
    not_built()


@item("SEC-FRONT-07")
def test_answers_are_marked_as_https():
    """The site file marks its answers with X-Forwarded-Proto, as the checklist lists it."""
    not_built()


@item("SEC-FRONT-08")
def test_requests_are_passed_on_over_kept_connections():
    """The front passes requests on over kept HTTP/1.1 connections and waits sixty seconds at most."""
    not_built()


@item("SEC-FRONT-09")
def test_game_learns_who_asks_and_how():
    """The front tells the game host, client address, protocol and token of each request."""
    not_built()


@item("SEC-FRONT-10")
def test_site_file_lets_websockets_through():
    """The site file lets WebSockets through."""
    not_built()


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
def test_connections_are_kept_for_the_next_request(session, target, evidence):
    """The front keeps client connections open for the next request."""
    answered = connections.requests_on_one_connection(target.facts.api.url, "/health", session.user_agent)
    evidence.saw("requests", 2)

    assert answered == 2, "the front closes the connection after one request"
