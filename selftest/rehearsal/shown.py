"""How a client sees that a fault is there."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from preflight.rehearsal import tokens
from selftest.rehearsal.conftest import Client

Probe = Callable[[Client], bool]
JSON = {"Content-Type": "application/json"}


def let_in(make: Callable[[Client], str]) -> Probe:
    return lambda client: client.ask("GET /scene", token=make(client)).status_code == 200


def forged(**changes: object) -> Probe:
    def make(client: Client) -> str:
        secret = changes.get("secret", client.rehearsal.environment["PREFLIGHT_REHEARSAL_JWT_SECRET"])
        return tokens.issue(str(secret), **{name: value for name, value in changes.items() if name != "secret"})  # type: ignore[arg-type]

    return let_in(make)


def unsigned(client: Client) -> str:
    return f"{tokens._encode({'alg': 'none', 'typ': 'JWT'})}.{client.token.split('.')[1]}."


def future(client: Client) -> str:
    secret = client.rehearsal.environment["PREFLIGHT_REHEARSAL_JWT_SECRET"]
    head = f"{client.token.split('.')[0]}.{tokens._encode({'sub': 'operator', 'nbf': time.time() + 9000})}"
    return f"{head}.{tokens._base64(tokens._signature(secret, head))}"


def padded(client: Client) -> str:
    return client.token + "=" * (-len(client.token.split(".")[2]) % 4)


def raw_header(form: str) -> Probe:
    return lambda client: (
        client.ask("GET /scene", token=None, headers={"Authorization": form.format(client.token)}).status_code == 200
    )


def open_to_all(endpoint: str) -> Probe:
    return lambda client: client.ask(endpoint, token=None, json={}).status_code != 401


def status_of(endpoint: str, status: int, *, token: str | None = "valid", **more: object) -> Probe:
    return lambda client: client.ask(endpoint, token=token, **more).status_code == status  # type: ignore[arg-type]


def loads(path: str) -> Probe:
    return status_of("POST /scene", 200, json={"scene_path": path})


def sends(body: bytes | str, status: int) -> Probe:
    def probe(client: Client) -> bool:
        try:
            return client.ask("POST /scene", data=body, headers=JSON).status_code == status
        except requests.ConnectionError:
            return status == 0

    return probe


def text_has(endpoint: str, *words: str) -> Probe:
    def probe(client: Client) -> bool:
        text = client.ask(endpoint).text
        return any(
            word.format(token=client.token, secret=client.rehearsal.environment["PREFLIGHT_REHEARSAL_JWT_SECRET"]) in text
            for word in words
        )

    return probe


def header(endpoint: str, name: str, value: str | None, *, front: bool = False, token: str | None = None) -> Probe:
    def probe(client: Client) -> bool:
        base = client.rehearsal.api_url if front else None
        return client.ask(endpoint, token=token, base=base, headers={"Origin": "https://evil.example"}).headers.get(name) == value

    return probe


def statuses(endpoint: str, count: int, wanted: Callable[[list[int]], bool], **more: object) -> Probe:
    return lambda client: wanted([client.ask(endpoint, token=None, **more).status_code for _ in range(count)])  # type: ignore[arg-type]


def spoofing_helps(base: str) -> Probe:
    def probe(client: Client) -> bool:
        url = getattr(client.rehearsal, base)
        answers = [client.ask("GET /jobs", base=url, headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(3)]
        return answers[-1].headers["X-RateLimit-Remaining"] == "99"

    return probe


def shared_through_front(client: Client) -> bool:
    other = Client(client.rehearsal, "127.0.0.98")
    other.ask("GET /webhooks", base=client.rehearsal.api_url)
    return client.ask("GET /webhooks", base=client.rehearsal.api_url).headers["X-RateLimit-Remaining"] == "98"


def tls(version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> Probe:
    def probe(client: Client) -> bool:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers(ciphers)
        context.minimum_version = context.maximum_version = version
        port = int(client.rehearsal.api_url.rpartition(":")[2])
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock, context.wrap_socket(sock):
                return True
        except ssl.SSLError:
            return False

    return probe


def untrusted(client: Client) -> bool:
    try:
        client.ask("GET /status", base=client.rehearsal.api_url)
    except requests.exceptions.SSLError:
        return True
    return False


def redirect(check: Callable[[str], bool]) -> Probe:
    def probe(client: Client) -> bool:
        answer = client.ask("GET /scene?a=1", base=client.rehearsal.http_url)
        return check(f"{answer.status_code} {answer.headers.get('Location')}")

    return probe


def http_refused(client: Client) -> bool:
    try:
        client.ask("GET /scene", base=client.rehearsal.http_url)
    except requests.ConnectionError:
        return True
    return False


def hangs_on_options(client: Client) -> bool:
    try:
        client.session.options(f"{client.rehearsal.internal_url}/scene", timeout=0.5)
    except requests.Timeout:
        return True
    return False


def upgrade_fails(client: Client) -> bool:
    context = ssl.create_default_context(cafile=str(client.rehearsal.folder / "certificates/ca.pem"))
    try:
        url = client.rehearsal.api_url.replace("https", "wss") + "/telemetry"
        with connect(url, ssl=context, additional_headers={"Authorization": f"Bearer {client.token}"}, proxy=None):
            return False
    except WebSocketException:
        return True


def audited(check: Callable[[list[str]], bool]) -> Probe:
    def probe(client: Client) -> bool:
        client.ask("GET /jobs")
        client.ask("GET /jobs", token=None)
        folder = client.rehearsal.host / "var/log/spacetime/audit"
        today = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        lines = [line for path in folder.glob("*.log") for line in path.read_text().splitlines()]
        return check([line for line in lines if f"[{client.address}]" in line or f"[{today}" in line])

    return probe


def stream(check: Callable[[list[str | bytes]], bool]) -> Probe:
    def probe(client: Client) -> bool:
        got: list[str | bytes] = []
        try:
            with connect(client.rehearsal.telemetry_url, proxy=None) as socket_:
                while len(got) < 8:
                    got.append(socket_.recv(timeout=0.5))
        except (TimeoutError, OSError):
            pass
        return check(got)

    return probe


def heads(messages: list[str | bytes]) -> list[list[float]]:
    events = [json.loads(message) for message in messages if isinstance(message, str)]
    return [event["data"]["headset"]["position"] for event in events if event.get("event") == "vr_tracking"]


def slower_than(endpoint: str, ms: float, count: int = 14) -> Probe:
    return lambda client: any(client.ask(endpoint).elapsed.total_seconds() * 1000 > ms for _ in range(count))


def host_file(check: Callable[[Path], bool]) -> Probe:
    return lambda client: check(client.rehearsal.host)


def in_git(host: Path) -> bool:
    command = ["git", "-c", "safe.directory=*", "-C", str(host / "opt/godot"), "log", "--all", "--name-only", "--format="]
    return ".env.production" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def rolled_back_to_nothing(host: Path) -> bool:
    script = host / "opt/godot/deploy/rollback.sh"
    subprocess.run([script, "--quick"], capture_output=True, check=True, timeout=30)
    version = (host / "opt/godot/VERSION").read_text()
    subprocess.run(
        [script, "--to", host / "backup/spacetime/releases/left-2.5.0-production.tar.gz"],
        capture_output=True,
        check=True,
        timeout=30,
    )
    return version == "2.5.0-production\n"
