"""The clean game answers as its documentation says."""

from __future__ import annotations

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from preflight.rehearsal import tokens
from preflight.rehearsal.behaviour import SECURITY_HEADERS
from selftest.rehearsal.conftest import Client

PROTECTED = [
    "GET /scene", "POST /scene", "PUT /scene", "POST /scene/reload", "GET /scene/history", "GET /scenes", "GET /performance",
    "GET /metrics", "POST /auth/rotate", "POST /auth/refresh", "GET /webhooks", "POST /webhooks", "GET /jobs", "POST /jobs",
    "POST /batch", "GET /admin/metrics", "GET /admin/config", "GET /telemetry",
]  # fmt: skip
LOBBY = {"scene_path": "res://scenes/lobby.tscn"}


@pytest.mark.parametrize("endpoint", PROTECTED)
def test_a_protected_endpoint_wants_a_token(client: Client, endpoint: str) -> None:
    answer = client.ask(endpoint, token=None)

    assert answer.status_code == 401
    assert answer.json().keys() >= {"error", "message", "details"}
    assert answer.json()["error"] == "Unauthorized"


@pytest.mark.parametrize("endpoint", ["GET /health", "GET /health/quick", "GET /status", "GET /web/scene_manager.html"])
def test_an_open_endpoint_wants_none(client: Client, endpoint: str) -> None:
    assert client.ask(endpoint, token=None).status_code == 200


def test_health_is_complete(client: Client) -> None:
    health = client.ask("GET /health", token=None).json()

    assert health["status"] == "healthy"
    assert health["healthy"] is True
    assert health["issues"] == []
    assert health["subsystems"].keys() == {"scene_loader", "file_system", "memory", "connections", "resource_loader", "engine"}
    assert health["subsystems"]["memory"]["details"]["total_memory_mb"] < 810
    assert health["subsystems"]["engine"]["details"].keys() >= {"fps", "frame_time_ms", "godot_version", "is_paused"}


def test_status_and_performance(client: Client) -> None:
    assert client.ask("GET /status").json().keys() == {
        "status", "http_api", "environment", "api_version", "vr_initialized", "vr_mode", "autoloads",
    }  # fmt: skip
    assert client.ask("GET /performance").json().keys() == {"fps", "frame_time_ms", "memory_mb", "vr_active", "headset"}


def test_a_scene_is_loaded_validated_and_reloaded(client: Client) -> None:
    loading = client.ask("POST /scene", json=LOBBY)
    time.sleep(0.3)

    assert loading.json()["status"] == "loading"
    assert client.ask("GET /scene").json() == {"scene_name": "lobby", "scene_path": LOBBY["scene_path"], "status": "loaded"}
    assert client.ask("GET /scene/history").json()["history"][0]["scene_path"] == LOBBY["scene_path"]
    assert client.ask("PUT /scene", json=LOBBY).json()["valid"] is True
    assert client.ask("POST /scene/reload").status_code == 200
    assert client.ask("GET /scenes").json()["count"] == len(client.ask("GET /scenes").json()["scenes"]) > 3


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"data": "{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": '{"scene_path": "res://scenes/lobby.tscn"}', "headers": {"Content-Type": "text/plain"}}, 400),
        ({"json": {"scene_path": "res://scenes/lobby.gd"}}, 400),
        ({"json": {"scene_path": "user://lobby.tscn"}}, 400),
        ({"json": {}}, 400),
        ({"json": []}, 400),
        ({"json": {"scene_path": "res://scenes/internal/sandbox.tscn"}}, 403),
        ({"json": {"scene_path": "res://scenes/nowhere.tscn"}}, 404),
        ({"json": {"scene_path": "res://" + "a" * 1_100_000 + ".tscn"}}, 413),
        ({"data": b'{"scene_path": "\xff\xfe"}', "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": '{"scene_path": "a\\u0000b"}', "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": "[" * 10_000 + "]" * 10_000, "headers": {"Content-Type": "application/json"}}, 400),
    ],
)
def test_a_bad_scene_request_is_refused(client: Client, request_: dict[str, object], status: int) -> None:
    assert client.ask("POST /scene", **request_).status_code == status  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/debug/profile", "/.env", "/.git/config", "/nowhere", "/scene/"])
def test_what_is_not_there_is_404(client: Client, path: str) -> None:
    assert client.ask(f"GET {path}", token=None).status_code == 404


def test_methods(client: Client) -> None:
    assert client.ask("DELETE /scene").status_code == 405
    options = client.ask("OPTIONS /scene", token=None)
    assert options.status_code == 204
    assert options.headers["Allow"] == "GET, POST, PUT, OPTIONS"
    assert "Access-Control-Allow-Origin" not in client.ask("GET /scene", headers={"Origin": "https://x.example"}).headers
    assert client.ask("HEAD /health", token=None).status_code == 200


@pytest.mark.parametrize("endpoint", ["GET /health", "GET /scene", "GET /nowhere", "DELETE /scene", "OPTIONS /scene"])
def test_every_answer_wears_the_security_headers(client: Client, endpoint: str) -> None:
    answer = client.ask(endpoint, token=None)

    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "Server" not in answer.headers
    assert answer.headers["X-RateLimit-Limit"]


def test_an_answer_to_no_http_wears_them_too(client: Client) -> None:
    import socket

    port = int(client.rehearsal.internal_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n")
        answer = sock.recv(65_536)

    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"X-Frame-Options: DENY" in answer
    assert b"aiohttp" not in answer


def forged(client: Client, **changes: object) -> str:
    secret = client.rehearsal.environment["PREFLIGHT_REHEARSAL_JWT_SECRET"]
    return tokens.issue(str(changes.pop("secret", secret)), **changes)  # type: ignore[arg-type]


def test_a_token_that_is_not_good_opens_nothing(client: Client) -> None:
    head, payload, _ = client.token.split(".")
    none = tokens._encode({"alg": "none", "typ": "JWT"})
    bad = [forged(client, secret="other"), forged(client, life_s=-5), f"{none}.{payload}.", f"{head}.{payload}.AAAA"]

    assert [client.ask("GET /scene", token=token).status_code for token in bad] == [401] * 4


@pytest.mark.parametrize("header", ["InvalidFormat", "Basic abc", "bearer {}", "{}", "Bearer", "Bearer  "])
def test_a_header_of_another_form_is_refused(client: Client, header: str) -> None:
    answer = client.ask("GET /scene", token=None, headers={"Authorization": header.format(client.token)})

    assert answer.status_code == 401


def test_the_token_from_before_the_rotation_is_dead(client: Client) -> None:
    old = client.rehearsal.environment["PREFLIGHT_REHEARSAL_OLD_TOKEN"]

    assert client.ask("GET /scene", token=old).status_code == 401


def test_rotation_ends_the_token_and_refresh_does_not(client: Client) -> None:
    token = forged(client)
    refreshed = client.ask("POST /auth/refresh", token=token).json()["token"]
    assert client.ask("GET /jobs", token=token).status_code == 200
    rotated = client.ask("POST /auth/rotate", token=token).json()["token"]

    assert client.ask("GET /jobs", token=token).status_code == 401
    assert client.ask("GET /jobs", token=refreshed).status_code == 200
    assert client.ask("GET /jobs", token=rotated).status_code == 200


def test_metrics_have_the_documented_names_and_types(client: Client) -> None:
    text = client.ask("GET /metrics").text
    types = {family.name: family.type for family in text_string_to_metric_families(text)}

    assert types.items() >= {
        "http_requests": "counter", "http_request_duration_seconds": "histogram", "http_request_size_bytes": "histogram",
        "http_response_size_bytes": "histogram", "http_request_latency_ms": "gauge", "scene_loads": "counter",
        "scene_load_errors": "counter", "auth_attempts": "counter", "rate_limit_hits": "counter", "active_connections": "gauge",
        "process_resident_memory_bytes": "gauge", "process_cpu_seconds": "counter", "vr_fps": "gauge",
        "vr_frame_time_seconds": "histogram", "vr_active_sessions": "gauge", "audit_log_entries": "counter",
        "intrusion_alerts": "counter", "security_header_violations": "counter", "vr_controller_tracking_ratio": "gauge",
        "vr_input_latency_seconds": "histogram",
    }.items()  # fmt: skip
    assert 'http_requests_total{endpoint="/health",method="GET",status="200"}' in text
    assert 'le="0.005"' in text
    assert 'le="10.0"' in text


def test_the_page_brings_its_parts(client: Client) -> None:
    page = client.ask("GET /web/scene_manager.html", token=None)

    assert page.headers["Content-Type"].startswith("text/html")
    assert all(f">{name}</button>" in page.text for name in ("Reload Scene", "Validate Scene", "Scene Info"))
    for part in ("scene_manager.js", "scene_manager.css", "favicon.svg"):
        assert f"/web/{part}" in page.text
        assert client.ask(f"GET /web/{part}", token=None).status_code == 200


def test_latency_stays_well_inside_the_targets(client: Client) -> None:
    client.ask("GET /status")
    took = sorted(client.ask("GET /status").elapsed.total_seconds() for _ in range(20))

    assert took[10] < 0.012
