"""The real `nginx -t` on a copy of a host's folder: what crossplane can't know, nginx says."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
import trustme

from preflight import programs
from preflight.errors import Undecided
from preflight.probes import nginx, nginxtest
from preflight.probes.host import LocalHost

SITE = "/etc/nginx/sites-available/game"
MAIN = "events {}\nhttp {\n    include /etc/nginx/sites-enabled/*;\n}\n"
SERVER = """upstream game { server 127.0.0.1:8080; }
server {
    listen 443 ssl;
    listen [::]:443 ssl;
    access_log /var/log/nginx/game.log;
    ssl_certificate /etc/tls/chain.pem;
    ssl_certificate_key /etc/tls/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { proxy_pass http://game; }
}
"""
needs_nginx = pytest.mark.skipif(programs.find("nginx") is None, reason=f"program missing: nginx; {programs.HOW_TO_GET}")


@pytest.fixture
def host(tmp_path: Path) -> LocalHost:
    for folder in ("etc/nginx/sites-available", "etc/nginx/sites-enabled", "etc/tls"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/nginx/nginx.conf").write_text(MAIN)
    (tmp_path / "etc/nginx/sites-enabled/game").symlink_to("../sites-available/game")
    leaf = trustme.CA().issue_cert("localhost")
    leaf.private_key_pem.write_to_path(str(tmp_path / "etc/tls/key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "etc/tls/chain.pem"))
    return LocalHost(PurePosixPath(tmp_path))


def said(host: LocalHost, site: str) -> str:
    host.real(SITE).write_text(site)
    ran = nginxtest.on_copy(nginx.read_main(host, SITE), host)
    return "" if ran.status == 0 else nginxtest.complaint(ran)


@needs_nginx
def test_a_right_configuration_is_valid(host: LocalHost) -> None:
    assert said(host, SERVER) == ""


@needs_nginx
@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("TLSv1.2 TLSv1.3", "TLSv9", "TLSv9"),
        ("http://game", "http://nobody.invalid", "host not found in upstream"),
        ("/etc/tls/key.pem", "/etc/tls/lost.pem", "/etc/tls/lost.pem"),
        ("listen 443 ssl;", "listen 443 ssl", "ssl_"),
    ],
)
def test_what_nginx_refuses_is_said_with_the_deployments_paths(host: LocalHost, old: str, new: str, complaint: str) -> None:
    words = said(host, SERVER.replace(old, new))

    assert "[emerg]" in words
    assert complaint in words or "invalid parameter" in words
    assert str(host.real("/")) not in words


@needs_nginx
def test_a_directive_of_another_build_is_no_verdict(host: LocalHost) -> None:
    with pytest.raises(Undecided, match="lacks what the deployment's has"):
        said(host, SERVER.replace("location /", "brotli on;\n    location /"))


def test_without_nginx_it_is_pending(host: LocalHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_PROGRAMS", str(tmp_path / "none"))

    with pytest.raises(Undecided, match="nginx is not on this machine"):
        said(host, SERVER)
