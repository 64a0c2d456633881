"""Faults show where they should: each probe says no on the clean deployment and yes on the broken one."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

import pytest

from preflight.rehearsal.behaviour import Deployment
from preflight.rehearsal.faults import FAULTS, LOOK_ALIKES
from selftest.rehearsal.conftest import Client
from selftest.rehearsal.shown import (
    Probe,
    audited,
    forged,
    future,
    hangs_on_options,
    header,
    host_file,
    http_refused,
    in_git,
    let_in,
    loads,
    open_to_all,
    padded,
    raw_header,
    redirect,
    rolled_back_to_nothing,
    sends,
    shared_through_front,
    slower_than,
    spoofing_helps,
    status_of,
    statuses,
    stream,
    text_has,
    tls,
    unsigned,
    untrusted,
    upgrade_fails,
)

PROBES: dict[str, Probe] = {
    "auth_missing_on_refresh": open_to_all("POST /auth/refresh"),
    "alg_none_accepted": let_in(unsigned),
    "signature_not_checked": forged(secret="whatever"),
    "expired_accepted": forged(life_s=-60),
    "not_before_ignored": let_in(future),
    "known_word_secret_accepted": forged(secret="changeme"),
    "lower_case_scheme_accepted": raw_header("bearer {}"),
    "bare_token_accepted": raw_header("{}"),
    "query_token_accepted": lambda client: client.ask(f"GET /scene?token={client.token}", token=None).status_code == 200,
    "old_token_valid": let_in(lambda client: client.rehearsal.environment["PREFLIGHT_REHEARSAL_OLD_TOKEN"]),
    "token_in_status": text_has("GET /status", "{token}"),
    "token_in_header": lambda client: client.ask("GET /health").headers.get("X-Api-Token") == client.token,
    "refusal_is_200": status_of("GET /scene", 200, token=None),
    "malformed_header_crashes": lambda client: (
        client.ask("GET /scene", token=None, headers={"Authorization": "InvalidFormat"}).status_code == 500
    ),
    "valid_token_refused": status_of("GET /jobs", 401),
    "limiter_absent": statuses("GET /scene", 31, lambda seen: seen[-1] == 401),
    "limiter_per_connection": lambda client: all(
        Client(client.rehearsal, client.address).ask("GET /scene", token=None).status_code == 401 for _ in range(31)
    ),
    "limiter_trusts_everybody": spoofing_helps("internal_url"),
    "limit_ten_times_too_high": header("GET /scene", "X-RateLimit-Limit", "300"),
    "refusal_is_503": statuses("POST /auth/rotate", 11, lambda seen: seen[-1] == 503),
    "ban_missing": lambda client: (
        statuses("POST /auth/rotate", 15, lambda seen: seen[-1] == 429)(client) and status_of("GET /health", 200)(client)
    ),
    "front_counted_as_one": shared_through_front,
    "forwarded_unfiltered": spoofing_helps("api_url"),
    "intrusion_logins_ignored": lambda client: [client.ask("GET /jobs", token="x" * 30).status_code for _ in range(6)][-1] == 401,
    "x_frame_options_missing": header("GET /health", "X-Frame-Options", None),
    "frame_options_doubled": header("GET /health", "X-Frame-Options", "DENY, SAMEORIGIN", front=True),
    "headers_missing_on_401": header("GET /scene", "X-Frame-Options", None),
    "version_banner": header("GET /health", "Server", "Godot/4.5.1 (Linux; SpaceTimeHTTP 2.5.0)", front=True),
    "hsts_missing": header("GET /health", "Strict-Transport-Security", None, front=True),
    "hsts_only_on_200": header("GET /scene", "Strict-Transport-Security", None, front=True),
    "front_drops_headers": header("GET /health", "Content-Security-Policy", None, front=True),
    "traversal_plain": loads("res://../../etc/x.tscn"),
    "oversize_body_accepted": lambda client: client.ask("POST /scene", json={"x": "a" * 1_200_000}).status_code != 413,
    "content_type_ignored": status_of(
        "PUT /scene", 200, data='{"scene_path": "res://vr_main.tscn"}', headers={"Content-Type": "text/plain"}
    ),
    "nesting_crashes": sends("[" * 10_000 + "]" * 10_000, 500),
    "bad_utf8_closes": sends(b'{"scene_path": "\xff"}', 0),
    "page_reflects_script": text_has("GET /web/scene_manager.html?q=<script>alert(1)</script>", "<script>alert(1)"),
    "options_unanswered": hangs_on_options,
    "cors_reflects_origin": header("GET /health", "Access-Control-Allow-Origin", "https://evil.example"),
    "debug_profile_open": status_of("GET /debug/profile", 200, token=None),
    "env_served_by_front": lambda client: client.ask("GET /.env.production", base=client.rehearsal.api_url).status_code == 200,
    "token_in_audit_log": audited(lambda lines: any("token=ey" in line for line in lines)),
    "token_logged_on_request": lambda client: (
        bool(client.ask("GET /jobs")) and client.token in (client.rehearsal.host / "var/log/spacetime/godot.log").read_text()
    ),
    "audit_rotated_away": audited(lambda lines: not lines),
    "audit_without_failures": audited(lambda lines: not any("AUTH_FAILURE" in line for line in lines)),
    "certificate_expired": untrusted,
    "chain_incomplete": untrusted,
    "tls_1_1_offered": tls(ssl.TLSVersion.TLSv1_1),
    "weak_cipher": tls(ssl.TLSVersion.TLSv1_2, "eNULL:@SECLEVEL=0"),
    "http_served": redirect(lambda seen: seen.startswith("200")),
    "http_refused": http_refused,
    "redirect_to_http": redirect(lambda seen: "301 http://" in seen),
    "no_websocket_upgrade": upgrade_fails,
    "front_without_gzip": header("GET /health", "Content-Encoding", None, front=True),
    "health_frozen": lambda client: client.ask("GET /health").text == client.ask("GET /health").text,
    "health_html": header("GET /health", "Content-Type", "text/html"),
    "memory_811_mb": text_has("GET /metrics", "process_resident_memory_bytes 8.50395136e+08"),
    "clock_an_hour_ahead": lambda client: (
        abs(
            time.mktime(time.strptime(client.ask("GET /health").json()["timestamp"], "%Y-%m-%dT%H:%M:%SZ"))
            - time.mktime(time.gmtime())
        )
        > 3000
    ),
    "telemetry_refuses": stream(lambda got: not got),
    "telemetry_garbage": stream(lambda got: any(isinstance(m, bytes) and len(m) == 31 for m in got)),
    "left_controller_missing": stream(lambda got: not any("left_controller" in str(m) for m in got)),
    "page_missing": status_of("GET /web/scene_manager.html", 404),
    "reload_button_dead": lambda client: "reloadScene);" not in client.ask("GET /web/scene_manager.js").text,
    "health_always_slow": slower_than("GET /health", 59, 1),
    "fast_errors": statuses("GET /status", 10, lambda seen: seen.count(500) == 2),
    "one_error_in_100_mb": host_file(lambda host: (host / "var/log/spacetime/godot.log").stat().st_size > 100_000_000),
    "env_once_committed": host_file(in_git),
    "rollback_keeps_new_version": host_file(rolled_back_to_nothing),
    "backup_two_days_old": host_file(
        lambda host: time.time() - max(p.stat().st_mtime for p in (host / "backup/spacetime").glob("godot*")) > 2 * 86400
    ),
    "headers_lower_case": lambda client: "x-frame-options" in list(client.ask("GET /health").headers),
    "closes_connections": header("GET /health", "Connection", "close"),
    "chunked_answers": header("GET /health", "Transfer-Encoding", "chunked"),
    "padded_tokens_accepted": let_in(padded),
    "no_retry_after": lambda client: (
        "Retry-After" not in [client.ask("POST /auth/rotate", token=None) for _ in range(11)][-1].headers
    ),
    "path_prefix": lambda client: client.rehearsal.api_url.endswith("/game/v1") and client.ask("GET /health").status_code == 200,
    "audit_as_json": lambda client: (
        bool(client.ask("GET /jobs"))
        and f'"client_ip": "{client.address}"' in (client.rehearsal.host / "var/log/spacetime/audit/audit.log").read_text()
    ),
    "tls_1_3_only": lambda client: not tls(ssl.TLSVersion.TLSv1_2)(client),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", PROBES)
def test_the_fault_shows(client: Client, start: Callable[[Deployment], Client], name: str) -> None:
    assert not PROBES[name](client), "the probe sees the fault on the clean deployment"
    assert PROBES[name](start({**FAULTS, **LOOK_ALIKES}[name].change(Deployment())))
