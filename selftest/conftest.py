"""Shared by the suite's own tests: a small acceptance project in a folder of its own, and a server to point it at."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

HEAD = """version = "test 1"
"""

SECRET = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwcmVmbGlnaHQifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"


def pytest_collection_finish() -> None:
    """Leave three thousand tests, which stay, out of every search for garbage: what makes many objects was slow by it."""
    gc.collect()
    gc.freeze()


def entry(name: str, *, severity: str = "mandatory", stage: str = "predeploy", section: str = "security", **more: Any) -> str:
    """One item of a checklist, as TOML."""
    fields = {"lines": [41], "rows": [36], "evidence": {"requests": 1}, "title": f"What {name} says holds", **more}
    fields.setdefault("remedy", "Mend it, then run the suite again.")
    rows = [f'[[item]]\nid = "{name}"\nsection = "{section}"\nstage = "{stage}"\nseverity = "{severity}"']
    rows += [f"{key} = {_toml(value)}" for key, value in fields.items()]
    return "\n".join(rows) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(entry_)}" for key, entry_ in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(entry_) for entry_ in value) + "]"
    return json.dumps(value)


class Project:
    """A folder with a checklist, tests and a target, run by pytest as a user would."""

    def __init__(self, pytester: pytest.Pytester, url: str) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.url = url
        (self.path / "tests" / "security").mkdir(parents=True)
        (self.path / "pyproject.toml").write_text(
            '[tool.pytest.ini_options]\ntestpaths = ["tests"]\naddopts = "--import-mode=importlib -p no:locust"\n'
        )
        (self.path / "conftest.py").write_text('pytest_plugins = ["preflight.plugin"]\n')
        self.target()
        pytester.plugins.clear()

    def target(self, text: str = "", **secrets: str) -> None:
        """Write target.toml; `text` is added to its end."""
        lines = "\n".join(f'{name} = "{value}"' for name, value in secrets.items()) or 'token = "env:PROJECT_TOKEN"'
        (self.path / "target.toml").write_text(
            f'name = "test"\nbuild = "1.0"\n[api]\nurl = "{self.url}"\n[secrets]\n{lines}\n{text}\n'
        )

    def checklist(self, *items: str) -> None:
        """Write checklist.toml."""
        (self.path / "checklist.toml").write_text(HEAD + "\n".join(items))

    def tests(self, text: str, name: str = "test_it.py") -> None:
        """Write a test module."""
        head = "import pytest\nfrom preflight.fixtures import item\nfrom preflight.errors import *\n\n"
        (self.path / "tests" / "security" / name).write_text(head + text)

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in a process of its own."""
        return self.pytester.runpytest_subprocess(*arguments)

    def record(self) -> dict[str, Any]:
        """The newest record."""
        record: dict[str, Any] = json.loads((self.path / "reports" / "latest" / "record.json").read_text())
        return record

    def statuses(self) -> dict[str, str]:
        """Status by item of the newest record."""
        return {i["id"]: i["status"] for i in self.record()["items"]}


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Start a small HTTP server: `serve({"/path": (status, headers, body)})` gives its URL."""
    servers = []

    def start(answers: dict[str, tuple[int, dict[str, str], bytes]] | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, headers, body = (answers or {}).get(self.path.split("?")[0], (200, {}, b"{}"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, serve: Callable[..., str]) -> Project:
    """A project whose target answers `{}` to everything."""
    monkeypatch.setenv("PROJECT_TOKEN", SECRET)
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path / "cache"))
    monkeypatch.delenv("PREFLIGHT_TARGET", raising=False)
    return Project(pytester, serve())


@pytest.fixture
def root() -> Path:
    """The repository."""
    return Path(__file__).resolve().parents[1]
