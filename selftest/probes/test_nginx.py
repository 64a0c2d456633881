"""The front's configuration: inheritance, ports, ciphers and times as nginx takes them."""

from __future__ import annotations

import pytest

from preflight.errors import LookError
from preflight.probes import nginx, nginxrules
from selftest.probes.hosts import Files

SITE = "/etc/nginx/sites-available/spacetime-api"
GOOD = """
upstream godot_api { server 127.0.0.1:8080; keepalive 64; }
server {
    listen [::]:443 ssl; listen 443 ssl;
    include snippets/tls.conf;
    add_header Strict-Transport-Security "max-age=63072000; includeSubDomains; preload" always;
    location / { proxy_pass http://godot_api; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; }
    location /quiet { proxy_pass http://godot_api; add_header X-Quiet 1; }
}
server { listen 80; listen [::]:80; return 308 https://$host$request_uri; }
"""


def site(text: str = GOOD, **more: str) -> nginx.Configuration:
    files = {SITE: text, "/etc/nginx/snippets/tls.conf": "ssl_protocols TLSv1.3;\nssl_prefer_server_ciphers on;\n"}
    return nginx.read_site(Files({**files, **more}), SITE)


def test_includes_are_followed_and_ports_told() -> None:
    read = site()

    assert read.errors == []
    assert [nginx.ports(server) for server in read.servers()] == [{443: True}, {80: False}]
    assert nginx.with_tls(read).value("ssl_protocols") == "TLSv1.3"
    assert nginxrules.upstream_port(read) == 8080
    assert nginxrules.kept_connections(read) == 64


def test_a_headers_of_its_own_drops_those_of_the_block_around() -> None:
    quiet = dict(nginx.locations(nginx.with_tls(site())))["/quiet"]

    assert nginxrules.added(quiet, "X-Quiet")
    assert not nginxrules.added(quiet, "Strict-Transport-Security")


def test_request_headers_are_inherited_the_same_way() -> None:
    text = GOOD.replace("location / {", "proxy_set_header Host $host; location / {")

    assert nginxrules.sent_on(nginxrules.passed_on(site(text)), "Host") is None


@pytest.mark.parametrize("text", [GOOD.replace("listen 80;", "listen 80\n"), GOOD + "}", GOOD.replace("{ listen", "listen", 1)])
def test_what_nginx_would_refuse_is_an_error(text: str) -> None:
    assert site(text).errors


@pytest.mark.parametrize(
    ("said", "seconds"), [("60", 60), ("60s", 60), ("1m", 60), ("1m 30s", 90), ("1h30m", 5400), ("500ms", 0.5), (None, 60)]
)
def test_times_are_read_as_nginx_reads_them(said: str | None, seconds: float) -> None:
    assert nginxrules.seconds(said, default=60) == seconds


@pytest.mark.parametrize("said", ["fast", "60 seconds", "", "$timeout"])
def test_what_is_no_time_is_not_guessed(said: str) -> None:
    with pytest.raises(LookError):
        nginxrules.seconds(said, default=60)


@pytest.mark.parametrize(
    ("ciphers", "weak"),
    [
        ("HIGH:!aNULL:!MD5", False),
        ("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305", False),
        ("EECDH+AESGCM:EDH+AESGCM", False),
        ("DEFAULT", False),
        ("ALL", True),
        ("HIGH", True),
        ("HIGH:!aNULL:RC4", True),
        ("ALL:!aNULL:!eNULL:3DES", True),
        ("ECDHE-ECDSA-CHACHA20-POLY1305:DHE-RSA-AES256-GCM-SHA384", False),
        ("HIGH:!aNULL:!MD5:!3DES:!RC4:!EXPORT:!DES", False),
        ("ECDHE-RSA-AES128-GCM-SHA256:RC4-SHA:DES-CBC3-SHA:!RC4:!3DES", False),
        ("AES128-SHA:RC4-SHA:-RC4", False),
        ("AES128-SHA:EXP-DES-CBC-SHA:!EXPORT", False),
        ("AES128-SHA:DES-CBC3-SHA:!DES", True),
        ("AES128-SHA:-RC4:RC4-SHA", True),
        ("RC4-SHA:DES-CBC3-SHA", True),
        ("AES128-GCM-SHA256:NULL-SHA", True),
    ],
)
def test_weak_ciphers_are_named(ciphers: str, weak: bool) -> None:
    assert bool(nginxrules.weak_ciphers(ciphers)) is weak


@pytest.mark.parametrize(
    ("ciphers", "named"),
    [
        ("ECDHE-RSA-AES128-GCM-SHA256:DES-CBC3-SHA", "DES-CBC3-SHA"),
        ("HIGH:RC4-SHA:!aNULL", "RC4-SHA"),
        ("AES128-SHA:EXP-RC4-MD5", "EXP-RC4-MD5"),
        ("AES128-SHA:EDH-RSA-DES-CBC-SHA", "EDH-RSA-DES-CBC-SHA"),
    ],
)
def test_ciphers_that_this_machine_no_longer_has_are_named(ciphers: str, named: str) -> None:
    assert named in nginxrules.weak_ciphers(ciphers)


def test_an_expression_that_nobody_understands_is_no_look() -> None:
    with pytest.raises(LookError, match="not understood"):
        nginxrules.weak_ciphers("no such cipher")


@pytest.mark.parametrize(
    ("body", "only"),
    [
        ("listen 80; return 301 https://$host$request_uri;", True),
        ("listen 80; location / { return 301 https://$host$request_uri; }", True),
        ("listen 80; rewrite ^ https://$host$request_uri permanent;", True),
        ("location /.well-known/acme-challenge/ { root /var/www; } location / { return 301 https://$host$request_uri; }", True),
        ("listen 80; location / { proxy_pass http://godot_api; }", False),
        ("listen 80; return 301 http://$host$request_uri;", False),
        ("listen 80; location /api { proxy_pass http://godot_api; } location / { return 301 https://$host$request_uri; }", False),
        ("listen 80; return 200 ok;", False),
        ("if ($host = a.example) { return 301 https://$host$request_uri; } listen 80; return 404;", True),
        ("listen 80; root /var/www; location / { return 301 https://$host$request_uri; }", True),
        ("listen 80; root /var/www; location /api { return 301 https://$host$request_uri; }", False),
        ("if ($host = a.example) { return 301 http://b.example; } listen 80; return 404;", False),
    ],
)
def test_a_redirect_is_a_redirect_only(body: str, only: bool) -> None:
    server = site(f"server {{ {body} }}").servers()[0]

    assert nginxrules.only_redirects(server) is only


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ('"max-age=31536000; includeSubDomains" always', ""),
        ('"includesubdomains;max-age=99999999;preload" always', ""),
        ('"max-age=31535999; includeSubDomains" always', "31535999"),
        ('"max-age=31536000" always', "subdomains"),
        ('"max-age=31536000; includeSubDomains"', "always"),
    ],
)
def test_hsts_is_judged_by_meaning(value: str, wrong: str) -> None:
    server = site(f"server {{ listen 443 ssl; add_header strict-transport-security {value}; }}").servers()[0]
    found = nginxrules.wrong_hsts(nginxrules.added(server, "Strict-Transport-Security")[0])

    assert (wrong in found) if wrong else not found


def test_a_site_counts_as_enabled_by_name_or_by_content() -> None:
    main = {SITE: GOOD, "/etc/nginx/nginx.conf": "events {}\nhttp { include /etc/nginx/sites-enabled/*; }\n"}

    assert nginx.is_enabled(Files({**main, "/etc/nginx/sites-enabled/10-api": GOOD}), SITE)
    assert not nginx.is_enabled(Files({**main, "/etc/nginx/sites-enabled/10-api": GOOD + "# old\n"}), SITE)
    assert nginx.is_enabled(Files({SITE: GOOD, "/etc/nginx/nginx.conf": f"http {{ include {SITE}; }}"}), SITE)


def test_a_named_map_lets_upgrades_through() -> None:
    assert nginxrules.upgrades(site(), "$connection_upgrade")
    assert nginxrules.upgrades(site(), "Upgrade")
    assert not nginxrules.upgrades(site(), "close")
    assert not nginxrules.upgrades(site(), None)


def test_a_snippet_is_in_force_wherever_it_is_included() -> None:
    snippet = {"/etc/nginx/snippets/security.conf": 'add_header Strict-Transport-Security "max-age=31536000" always;\n'}
    text = """server { listen 443 ssl; include snippets/security.conf;
        location / { proxy_pass http://127.0.0.1:8080; }
        location /web/ { include snippets/security.conf; add_header Cache-Control no-store; } }"""
    server = nginx.with_tls(site(text, **snippet))

    assert [len(nginxrules.added(block, "Strict-Transport-Security")) for _, block in nginx.locations(server)] == [1, 1]


def test_a_file_that_includes_itself_is_read_once() -> None:
    assert nginx.read_site(Files({SITE: f"include {SITE};\nserver {{ listen 80; }}\n"}), SITE).servers()


def test_what_nginx_conf_says_holds_for_the_site_that_it_includes() -> None:
    main = """events {} http { ssl_protocols TLSv1.2 TLSv1.3; map $http_upgrade $up { default upgrade; "" close; }
        upstream game { server 127.0.0.1:8080; keepalive 16; } include sites-enabled/*; }"""
    own = "server { listen 443 ssl; location / { proxy_pass http://game; } }"
    read = site(own, **{"/etc/nginx/nginx.conf": main, "/etc/nginx/sites-enabled/api": own})

    assert nginx.with_tls(read).value("ssl_protocols") == "TLSv1.2 TLSv1.3"
    assert nginxrules.upstream_port(read) == 8080
    assert nginxrules.kept_connections(read) == 16
    assert nginxrules.upgrades(read, "$up")
    assert len(read.servers()) == 1
    assert nginx.with_tls(site(own, **{"/etc/nginx/nginx.conf": main})).value("ssl_protocols") is None, "it is not included"


def test_a_catch_all_is_not_taken_for_the_site() -> None:
    text = "server { listen 443 ssl default_server; ssl_reject_handshake on; }" + GOOD

    assert nginxrules.upstream_port(site(text)) == 8080
