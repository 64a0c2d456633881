"""The front as real nginx where it is at hand: its configuration made from the front's settings.

It takes over the sockets that are bound for it, so that no port is lost to anybody else in between.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from preflight import programs
from preflight.rehearsal.behaviour import FRONT_ADDRESS, Front
from preflight.rehearsal.runtime import Assignment, die_with_parent, fill, port_of

_VERSIONS = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}
_READY_S = 5.0


def program(front: Front) -> Path | None:
    """nginx, where it is at hand and can be told these settings; else the front of our own stands in for it."""
    return programs.find("nginx") if can_be(front) else None


def can_be(front: Front) -> bool:
    """Whether nginx can be told these settings.

    It adds a header to every answer or to successes, not to chosen statuses, and the settings name answers by method.
    """
    return not (front.added_on or front.answers or front.plain_http == "serve what is posted")


def configuration(assignment: Assignment, folder: Path, *, https: int, http: int, game: str) -> str:
    """nginx.conf. `folder`: where nginx writes; `game`: the upstream as host:port."""
    front, certificates = assignment.deployment.front, Path(assignment.certificates)
    versions = list(_VERSIONS)
    offered = versions[versions.index(front.lowest_tls) : versions.index(front.highest_tls) + 1]
    old = ":@SECLEVEL=0" if front.lowest_tls in ("1.0", "1.1") else ""
    temporary = "\n".join(f"  {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    added = "\n".join(
        f"    add_header {name} {_quoted(fill(value, assignment.secrets))} always;" for name, value in front.add_headers.items()
    )
    location = _location(front)
    words = {"host": "$host", "port": str(https), "path": "$request_uri", "bare_path": "$uri"}
    plain = (
        location if front.plain_http == "serve" else f"    return {front.redirect_status} {front.redirect_to.format(**words)};"
    )
    return f"""daemon off;
worker_processes 1;
{"user root;" if os.geteuid() == 0 else ""}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log {certificates.parent}/access.log;
{temporary}
  server_tokens off;
{"" if front.keep_alive else "  keepalive_timeout 0;"}
  merge_slashes off;
  client_max_body_size 16m;
  large_client_header_buffers 4 64k;
  gzip {"on" if front.gzip else "off"};
  gzip_types application/json text/plain text/css text/javascript;
  gzip_min_length 256;
  gzip_proxied any;
  map $http_upgrade $onward {{ default upgrade; '' ''; }}
  map $http_x_forwarded_for $unfiltered {{ default $http_x_forwarded_for; '' $remote_addr; }}
  upstream game {{
    server {game};
{"    keepalive 64;" if front.upstream_keep_alive else ""}
  }}
  server {{
    listen 127.0.0.1:{https} ssl{" http2" if front.http2 else ""};
    ssl_certificate {certificates}/fullchain.pem;
    ssl_certificate_key {certificates}/privkey.pem;
    ssl_protocols {" ".join(_VERSIONS[each] for each in offered)};
    ssl_ciphers {front.ciphers}{old};
{added}
{location}
  }}
{f"  server {{ listen 127.0.0.1:{http};" + chr(10) + plain + chr(10) + "  }" if front.plain_http != "refuse" else ""}
}}
"""


def _location(front: Front) -> str:
    forwarded = {"append": "$proxy_add_x_forwarded_for", "pass": "$unfiltered", "drop": '""'}[front.forwarded]
    upgrade = ("$http_upgrade", "$onward") if front.websocket else ('""', '""')
    hidden = "\n".join(f"      proxy_hide_header {name};" for name in front.drop_headers)
    return f"""    location / {{
      proxy_pass http://game;
      proxy_bind {FRONT_ADDRESS};
      proxy_http_version 1.1;
      proxy_next_upstream off;
      proxy_connect_timeout 5s;
      proxy_pass_header Server;
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For {forwarded};
      proxy_set_header Accept-Encoding "";
      proxy_set_header Upgrade {upgrade[0]};
      proxy_set_header Connection {upgrade[1]};
{hidden}
    }}"""


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def start(nginx: Path, assignment: Assignment, https: socket.socket, http: socket.socket, game: str) -> subprocess.Popen[bytes]:
    """nginx, serving; it ends with this process. Raises OSError with its last words when it does not start."""
    folder = Path(assignment.certificates).parent / "nginx"
    folder.mkdir()
    text = configuration(assignment, folder, https=port_of(https), http=port_of(http), game=game)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    taken = [https] if assignment.deployment.front.plain_http == "refuse" else [https, http]
    for sock in taken:
        sock.listen(256)
    handles = [sock.fileno() for sock in taken]
    process = subprocess.Popen(
        [str(nginx), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # how nginx hands its sockets on to a newer nginx
        env={**os.environ, "NGINX": "".join(f"{handle};" for handle in handles)},
        pass_fds=handles,
        # its workers end with it only when it is asked to
        preexec_fn=lambda: die_with_parent(signal.SIGTERM),  # noqa: PLW1509
    )
    until = time.monotonic() + _READY_S
    while not (folder / "nginx.pid").exists():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            process.wait()
            said = (folder / "error.log").read_text("utf-8", "replace").strip().splitlines()
            raise OSError(f"nginx did not start: {said[-1] if said else 'it says nothing'}")
        time.sleep(0.01)
    for sock in taken:
        sock.close()
    return process
