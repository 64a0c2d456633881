"""Where plain HTTP leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from preflight.probes import redirects
from preflight.probes.http import Answer
from preflight.target import load


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://game.example/health", ""),
        ("https://game.example:443/health", ""),
        ("https://game.example:8443/health", ""),
        ("HTTPS://GAME.example/health", ""),
        ("https://game.example:80/health", "redirects to port 80"),
        ("https://game.example:8080/health", "redirects to port 8080"),
        ("https://game.example:none/health", "redirects to https://game.example:none/health"),
        ("https://[game/health", "redirects to https://[game/health"),
        ("http://game.example/health", "redirects to http://game.example/health"),
        ("https://elsewhere.example/health", "another host"),
        ("https://game.example/", "the redirect of /health leads to /"),
        ("", "nowhere"),
    ],
)
def test_a_redirect_leads_to_where_tls_is_spoken(tmp_path: Path, location: str, said: str) -> None:
    path = tmp_path / "target.toml"
    path.write_text('name = "t"\nbuild = "1"\n[api]\nurl = "https://game.example:8443"\nhttp_url = "http://game.example"\n')
    answer = Answer("GET", "http://game.example/health", 301, (("location", location),), b"", 0.0, sent_token=False, curl="")
    wrong = redirects.wrong(answer, load(path), "/health")

    assert said in wrong if said else not wrong
