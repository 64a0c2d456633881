"""The clean front, our own and nginx: TLS, redirect, headers, compression, WebSocket; and the telemetry stream."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from preflight import programs
from preflight.rehearsal.behaviour import HSTS, Deployment
from preflight.rehearsal.deploy import Rehearsal
from selftest.rehearsal.conftest import Client

NGINX = programs.find("nginx")
without_nginx = pytest.mark.skipif(NGINX is None, reason=f"program missing: nginx; {programs.HOW_TO_GET}")


@pytest.fixture(scope="module", params=["our own", pytest.param("nginx", marks=without_nginx)])
def clean(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with pytest.MonkeyPatch.context() as patch:
        at_hand = tmp_path_factory.mktemp("programs")
        patch.setenv("PREFLIGHT_PROGRAMS", str(at_hand))
        if request.param == "nginx":
            (at_hand / "nginx").symlink_to(str(NGINX))
        with Rehearsal(Deployment(), tmp_path_factory.mktemp("rehearsal") / "clean") as rehearsal:
            yield rehearsal
            pid = rehearsal.folder / "nginx/nginx.pid"
            assert pid.exists() == (request.param == "nginx")
            process = Path("/proc") / pid.read_text().strip() if pid.exists() else None
        assert process is None or not process.exists(), "nginx is still there"


def test_http_2_is_offered_by_nginx_alone(client: Client) -> None:
    context = ssl.create_default_context(cafile=str(client.rehearsal.folder / "certificates/ca.pem"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    port = int(client.rehearsal.api_url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as tls,
    ):
        by_nginx = (client.rehearsal.folder / "nginx").exists()
        assert tls.selected_alpn_protocol() == ("h2" if by_nginx else "http/1.1")


def handshake(client: Client, version: ssl.TLSVersion) -> str | None:
    context = ssl.create_default_context(cafile=str(client.rehearsal.folder / "certificates/ca.pem"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    port = int(client.rehearsal.api_url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as sock,
        context.wrap_socket(sock, server_hostname="localhost") as tls,
    ):
        return tls.version()


def test_tls_1_2_and_1_3_are_offered(client: Client) -> None:
    assert handshake(client, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert handshake(client, ssl.TLSVersion.TLSv1_3) == "TLSv1.3"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_not(client: Client, version: ssl.TLSVersion) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(client, version)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_certificate_has_the_names(client: Client, name: str) -> None:
    base = client.rehearsal.api_url.replace("localhost", name)

    assert client.ask("GET /status", base=base).status_code == 200


@pytest.mark.parametrize("endpoint", ["GET /status", "GET /scene", "GET /nowhere"])
def test_hsts_is_on_every_answer(client: Client, endpoint: str) -> None:
    answer = client.ask(endpoint, token=None, base=client.rehearsal.api_url)

    assert answer.headers["Strict-Transport-Security"] == HSTS
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_plain_http_redirects_with_path_and_query(client: Client) -> None:
    answer = client.ask("GET /scene?a=1&b=%2F", base=client.rehearsal.http_url)

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{client.rehearsal.api_url}/scene?a=1&b=%2F"


def test_json_is_compressed_for_whoever_takes_it(client: Client) -> None:
    base = client.rehearsal.api_url

    assert client.ask("GET /health", base=base).headers["Content-Encoding"] == "gzip"
    assert client.ask("GET /health", base=base).json()["status"] == "healthy"
    assert "Content-Encoding" not in client.ask("GET /health", base=base, headers={"Accept-Encoding": "identity"}).headers


def test_bodies_pass_the_front(client: Client) -> None:
    answer = client.ask("PUT /scene", json={"scene_path": "res://vr_main.tscn"}, base=client.rehearsal.api_url)

    assert answer.json()["valid"] is True


def test_the_stream_passes_the_front_for_a_token(client: Client) -> None:
    context = ssl.create_default_context(cafile=str(client.rehearsal.folder / "certificates/ca.pem"))
    url = client.rehearsal.api_url.replace("https", "wss") + "/telemetry"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, ssl=context, proxy=None)
    with connect(url, ssl=context, additional_headers={"Authorization": f"Bearer {client.token}"}, proxy=None) as stream:
        assert json.loads(stream.recv(timeout=2))["type"] == "event"
    assert refused.value.response.status_code == 401


def test_the_stream_carries_events_and_both_frames(client: Client) -> None:
    with connect(client.rehearsal.telemetry_url, proxy=None) as stream:
        messages = [stream.recv(timeout=2) for _ in range(12)]
    events = [json.loads(message) for message in messages if isinstance(message, str)]
    frames = [message for message in messages if isinstance(message, bytes)]

    assert {event["event"] for event in events} == {"fps", "vr_tracking"}
    tracking = next(event["data"] for event in events if event["event"] == "vr_tracking")
    assert len(tracking["headset"]["position"]) == 3
    assert len(tracking["headset"]["rotation"]) == 4
    assert tracking["left_controller"]["buttons"].keys() == tracking["right_controller"]["buttons"].keys()
    figures = next(frame for frame in frames if frame[0] == 1)
    _, _, fps, frame_ms, _ = struct.unpack(">BIfff", figures)
    assert len(figures) == 17
    assert 85 < fps < 95
    assert 10 < frame_ms < 12
    packed = next(frame for frame in frames if frame[0] == 2)
    _, plain, size = struct.unpack(">BII", packed[:9])
    assert len(packed) == 9 + size
    assert len(gzip.decompress(packed[9:])) == plain
    assert json.loads(gzip.decompress(packed[9:]))


def test_commands_are_answered(client: Client) -> None:
    with connect(client.rehearsal.telemetry_url, proxy=None) as stream:
        commands = [
            {"command": "ping"}, {"command": "get_snapshot"}, {"command": "configure", "config": {}},
            {"command": "set_update_interval", "interval": 0.2}, {"command": "dance"},
        ]  # fmt: skip
        for command in commands:
            stream.send(json.dumps(command))
        stream.send("no json")
        seen: list[str] = []
        while len(seen) < 6:
            message = stream.recv(timeout=2)
            name = json.loads(message)["event"] if isinstance(message, str) else "fps"
            seen += [] if name in ("fps", "vr_tracking") else [name]
        stream.ping().wait(timeout=2)

    assert seen == ["pong", "snapshot", "configured", "update_interval", "error", "error"]
