"""nginx passes on what it should, as it should.

Checklist lines 97, 291-336, 356, 358, 360, 395, 909, 974-976, 1251, 1548.
"""

from preflight.fixtures import item, not_built


@item("SEC-FRONT-01")
def test_plain_http_is_redirected_to_the_same_path():
    """Plain HTTP is redirected to HTTPS, to the same path."""
    not_built()


@item("SEC-FRONT-02")
def test_plain_http_never_serves_the_api():
    """Over plain HTTP the front gives no answer of the API."""
    not_built()


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
def test_websocket_gets_through_the_front():
    """A WebSocket upgrade gets through the front."""
    not_built()


@item("SEC-FRONT-12")
def test_http_2_is_offered():
    """The front offers HTTP/2."""
    not_built()


@item("SEC-FRONT-13")
def test_json_is_compressed():
    """JSON answers leave the front compressed when the client asks for it."""
    not_built()


@item("SEC-FRONT-14")
def test_connections_are_kept_for_the_next_request():
    """The front keeps client connections open for the next request."""
    not_built()
