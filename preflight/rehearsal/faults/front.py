"""Faults of TLS and of the front."""

from __future__ import annotations

from preflight.rehearsal.behaviour import Edit
from preflight.rehearsal.faults.model import Fault, at, files, themed

_CERTIFICATE = "front.certificate"
SITE = "etc/nginx/sites-available/spacetime-api"
_WEAK = "ECDHE-ECDSA-NULL-SHA:HIGH:!MD5:@SECLEVEL=0"


def _site(name: str, breaks: str, old: str, new: str) -> Fault:
    return Fault(name, breaks, files(Edit("replace", SITE, new, old)))


FAULTS = themed(
    "tls and front",
    Fault("certificate_expired", "The certificate expired yesterday.", at(_CERTIFICATE, days_left=-1.0)),
    Fault("certificate_29_days", "The certificate is valid for 29 more days.", at(_CERTIFICATE, days_left=29.0)),
    Fault("certificate_not_yet_valid", "The certificate begins tomorrow.", at(_CERTIFICATE, age_days=-1.0)),
    Fault("certificate_self_signed", "The certificate is self-signed.", at(_CERTIFICATE, self_signed=True)),
    Fault("certificate_untrusted", "An authority that nobody trusts issued the certificate.", at(_CERTIFICATE, untrusted=True)),
    Fault("certificate_other_name", "The certificate is for another name.", at(_CERTIFICATE, names=("www.spacetime.example",))),
    Fault("chain_incomplete", "The intermediate certificate is not sent.", at(_CERTIFICATE, send_chain=False)),
    Fault("tls_1_0_offered", "TLS 1.0 is offered.", at("front", lowest_tls="1.0")),
    Fault("tls_1_1_offered", "TLS 1.1 is offered.", at("front", lowest_tls="1.1")),
    Fault("weak_cipher", "A cipher without encryption is offered.", at("front", ciphers=_WEAK)),
    Fault("http_served", "Plain HTTP answers instead of redirecting.", at("front", plain_http="serve")),
    Fault("http_refused", "Nothing listens for plain HTTP, so certificates can't be renewed.", at("front", plain_http="refuse")),
    Fault("http_served_to_post", "Over plain HTTP only what is posted is taken.", at("front", plain_http="serve what is posted")),
    Fault("redirect_to_http", "Plain HTTP redirects to plain HTTP.", at("front", redirect_to="http://{host}:{port}{path}")),
    Fault("redirect_drops_path", "The redirect forgets the path.", at("front", redirect_to="https://{host}:{port}/")),
    Fault("redirect_drops_query", "The redirect forgets the query.", at("front", redirect_to="https://{host}:{port}{bare_path}")),
    Fault(
        "redirect_to_plain_port",
        "The redirect keeps the port of plain HTTP, where nobody speaks TLS.",
        at("front", redirect_to="https://{host}:80{path}"),
    ),
    Fault(
        "redirect_elsewhere",
        "The redirect leads to another host.",
        at("front", redirect_to="https://www.spacetime.example{path}"),
    ),
    Fault("no_websocket_upgrade", "The front does not pass upgrades to WebSocket on.", at("front", websocket=False)),
    Fault("forwarded_unfiltered", "The front passes X-Forwarded-For on as clients send it.", at("front", forwarded="pass")),
    Fault("forwarded_dropped", "The front does not say who the client is.", at("front", forwarded="drop")),
    Fault("front_without_gzip", "JSON is never compressed.", at("front", gzip=False)),
    Fault("front_keeps_no_connections", "The front closes each connection after one answer.", at("front", keep_alive=False)),
    Fault("front_without_http2", "The front offers HTTP/1.1 alone.", at("front", http2=False)),
    _site("nginx_marks_nothing", "nginx does not mark answers as HTTPS.", r"^ *add_header X-Forwarded-Proto.*\n", ""),
    _site("nginx_syntax_error", "The nginx configuration has a syntax error.", r"listen 80;", "listen 80"),
    _site("nginx_old_tls", "The nginx configuration offers TLS 1.1.", r"TLSv1\.2 TLSv1\.3", "TLSv1.1 TLSv1.2 TLSv1.3"),
    _site("nginx_weak_ciphers", "The nginx configuration allows weak ciphers.", r"HIGH:!aNULL:!MD5", "ALL"),
    _site("nginx_no_hsts", "The nginx configuration adds no HSTS.", r"^ *add_header Strict.*\n", ""),
    _site(
        "nginx_forwarded_unfiltered", "nginx passes X-Forwarded-For on.", r"\$proxy_add_x_forwarded_for", "$http_x_forwarded_for"
    ),
    _site(
        "nginx_no_redirect",
        "The nginx configuration serves plain HTTP.",
        r"return 301 .*;",
        "location / { proxy_pass http://godot_api; }",
    ),
    _site("nginx_no_upgrade", "The nginx configuration passes no upgrade on.", r"^ *proxy_set_header Upgrade.*\n", ""),
    _site("nginx_short_timeout", "nginx waits 6 s for the game, not 60.", r"proxy_read_timeout 60s", "proxy_read_timeout 6s"),
    _site("nginx_no_keepalive", "nginx keeps no connections to the game.", r"^ *keepalive 64;\n", ""),
    Fault("nginx_site_missing", "The nginx site is missing.", files(Edit("delete", "etc/nginx/sites-*/spacetime-api"))),
    Fault(
        "nginx_site_not_enabled", "The nginx site is not enabled.", files(Edit("delete", "etc/nginx/sites-enabled/spacetime-api"))
    ),
)
