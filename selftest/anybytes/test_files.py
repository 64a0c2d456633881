"""Files of the host and of the station: every reader, with files that are nearly right and bytes that are none."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from preflight.openxr import frames_file
from preflight.probes import (
    accesslog,
    auditentry,
    backups,
    documents,
    envfile,
    gamelog,
    gametests,
    gdscript,
    logrotate,
    logs,
    nginx,
    yamlfiles,
)
from preflight.target import Target, load
from selftest.anybytes.making import anything, as_json, looked, mangled, nearly, tries
from selftest.probes.hosts import Files

LOG = b"""Godot Engine v4.5.1.stable.official
[2026-01-01T00:00:00Z] [INFO] started
[2026-01-01 00:00:01] [ERROR] SCRIPT ERROR: Parse Error: x
   at: res://a.gd:1
{"timestamp": 1760000000, "level": "ERROR", "client_ip": "::1", "endpoint": "GET /scene", "result": "FAIL"}
[2026-01-01T00:00:02+14:00] [WARN] [127.0.0.1] [GET /scene] [RATE_LIMIT] details
127.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET /scene HTTP/1.1" 200 5
handle_crash: Program crashed with signal 11
"""
ENV = b"ENVIRONMENT=production\nexport JWT_SECRET_KEY='abc\\'def'\nCORS_ALLOWED_ORIGINS=\"https://a,https://b\" # x\nRATE_LIMIT_PER_IP=100\n"
NGINX = b"""upstream game { server 127.0.0.1:8080; }
server {
    listen 443 ssl http2;
    server_name a.example;
    location / { proxy_pass http://game; include other.conf; }
    add_header X-Frame-Options "DENY" always;
    access_log /var/log/nginx/access.log combined;
}
"""
GDSCRIPT = b"""extends Node
const LIMIT = 100
var settings := {"a": 1, "b": [1, 2.5, "x"]}
static var on = true
func _ready():
    LIMIT += 1
    if on:
        settings["a"] = LIMIT * 60 ** 2
"""
PROMETHEUS = b"""global: {scrape_interval: 15s, external_labels: {cluster: a}}
scrape_configs:
  - job_name: godot_http_api
    scrape_interval: 1m30s
    metrics_path: /metrics
    static_configs: [{targets: ["a:1", "b:2"]}]
    authorization: {type: Bearer, credentials: "0123456789abcdef"}
    basic_auth: {password: "0123456789abcdef"}
"""
JUNIT = b"""<?xml version="1.0"?>
<testsuites><testsuite name="auth" timestamp="2026-01-01T00:00:00"><properties><property name="build" value="1"/></properties>
<testcase classname="a" name="b"/><testcase name="c"><failure message="x"/></testcase><testcase name="d"><skipped/></testcase>
</testsuite></testsuites>
"""
ROTATE = b'/var/log/audit/*.log "/a b" {\n  daily\n  rotate 30\n  maxage 90\n  postrotate\n    x\n  endscript\n}\n'
DOCUMENT = b"# Runbook v1.0\n\n- **On-call engineer**: [name]\n| DevOps lead | a person |\nBuild 1.0 of 2026-01-01\n"
SESSION = {
    "schema": "preflight-session/1",
    "headset": "a",
    "simulated": True,
    "hz": 90,
    "build": "1",
    "first_frame_s": 0.5,
    "frames": {"display_time_s": [0.0, 0.011, 0.022], "phases": [[0, "steady"]]},
    "telemetry": [[0.1, "fps", {"fps": 90}]],
    "inputs": [["left", "trigger", 0.1, 0.2]],
    "bound": ["a"],
}
PRESENTMON = b"Application,SwapChainAddress,Dropped,msBetweenDisplayChange\na,0x1,0,11.1\na,0x1,1,0\nb,0x2,0,11.1\n"
PRESENTMON_2 = b"Application,SwapChainAddress,DisplayedTime\na,0x1,11.1\na,0x1,NA\n"
OVR = b"Time Stamp,average_frame_rate,display_refresh_rate,stale_frame_count\n1000,90,90,0\n2000,89,90,1\n"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def an_archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("project/VERSION")
        entry.size = 3
        archive.addfile(entry, io.BytesIO(b"1.0"))
    return made.getvalue()[:2048]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    file = tmp_path_factory.mktemp("target") / "target.toml"
    file.write_text('name = "any"\nbuild = "1.0"\n[api]\nurl = "http://127.0.0.1:1"\n')
    return load(file)


def some(valid: bytes) -> st.SearchStrategy[bytes]:
    return mangled(valid) | st.binary(max_size=60) | mangled(valid).map(lambda made: made * 2)


@given(some(LOG), st.sampled_from([None, SINCE]))
@example(b"[0001-01-01T00:00:00+14:00] [ERROR] x", SINCE)
@example(b"[9999-12-31T23:59:59-14:00] [ERROR] x", SINCE)
@example(b'{"a": ' + b"[" * 100_000, None)
@example(b'{"a": ' + b"1" * 5000 + b"}", None)
@example(b'127.0.0.1 - - [99/Foo/2026:99:00:00 +0000] "GET /scene HTTP/1.1" 200', SINCE)
@example(b'127.0.0.1 - - [31/Dec/9999:23:59:59 -1400] "GET /scene HTTP/1.1" 200', SINCE)
@tries(150)
def test_logs(text: bytes, since: datetime | None) -> None:
    for line in text.split(b"\n"):
        entry = auditentry.read_entry(line)
        assert isinstance(entry.lacking, list)
        assert entry.outcome in ("", "success", "failure")
    seen = gamelog.read_lines(logs.lines_since(io.BytesIO(text), since), since)
    assert seen.since_start.lines <= seen.since_deployment.lines
    gamelog.about_the_scene(seen.since_deployment, "res://a/b.tscn")
    gamelog.restarts(seen.since_deployment, SINCE, SINCE)
    host = Files({"/log/access.log": text})
    assert looked(accesslog.protected_requests, host, "/log/access.log", SINCE, datetime.now(UTC)) is not None


@given(some(ENV))
@tries(100)
def test_environment_files(text: bytes) -> None:
    read = looked(envfile.read, Files({"/x/.env": text}), "/x/.env")
    for name in envfile.SETTINGS:
        read.switch(name), read.number(name), read.words(name), read.count(name)
    read.contradicting(), [envfile.guessable(secret.reveal()) for secret in read.secrets()]


@given(some(NGINX), some(NGINX))
@tries(60)
def test_nginx(site: bytes, other: bytes) -> None:
    host = Files({"/etc/nginx/sites-enabled/a": site, "/etc/nginx/other.conf": other, "/etc/nginx/nginx.conf": site})
    for read in (nginx.read_site, nginx.read_main):
        found = looked(read, host, "/etc/nginx/sites-enabled/a")
        for server in found.servers() if found else ():
            nginx.ports(server), nginx.locations(server), server.value("add_header")
    looked(nginx.is_enabled, host, "/etc/nginx/sites-enabled/a")


@given(some(GDSCRIPT))
@example(b"var a = " + b"(" * 3000 + b"1" + b")" * 3000)
@example(b"var a = 9" + b"*9" * 2000)
@example(b"var a = 9 ** 9 ** 9 ** 9")
@example(b"var a = 0x" + b"f" * 5000)
@example(b"var a = " + b"9" * 5000)
@example(b'var a = "\\ud800\\uZZZZ"')
@tries(40)
def test_scripts(text: bytes) -> None:
    script = looked(gdscript.read, Files({"/a.gd": text}), "/a.gd")
    if script is not None:
        for name in ("LIMIT", "settings", "on", "a"):
            looked(script.find, name)


@given(some(PROMETHEUS))
@example(b"a: &a [*a]")
@example(b"a: &a {b: *a}")
@example(b"a: 2026-99-99")
@example(b"a: " + b"[" * 3000)
@example(b"? [a, b]\n: c")
@example(b"x0: &x0 [a, a]\n" + b"".join(b"x%d: &x%d [*x%d, *x%d]\n" % (n, n, n - 1, n - 1) for n in range(1, 40)))
@example(b"a: " + b"9" * 5000)
@example(b"global: {scrape_interval: " + b"9" * 5000 + b"s}")
@example(b"scrape_configs: [{job_name: godot_http_api, static_configs: [{targets: 5}], 5: 6}]")
@tries(150)
def test_yaml(target: Target, text: bytes) -> None:
    said = looked(yamlfiles.load, Files({"/p.yml": text}), "/p.yml", target)
    if said is not None:
        made = yamlfiles.Prometheus(said)
        for name in ("scrape_interval", "evaluation_interval"):
            looked(made.interval, name)
        made.label("cluster"), looked(made.job, "godot_http_api")


@given(some(JUNIT))
@example(b'<testsuites><testsuite name="a" timestamp="0001-01-01T00:00:00+14:00"><testcase/></testsuite></testsuites>')
@example(b"<a>" * 5000)
@tries(100)
def test_junit(target: Target, text: bytes) -> None:
    host = Files({f"{target.facts.paths.test_reports}/a.xml": text})
    for report in looked(gametests.read_reports, host, target) or ():
        report.about("auth"), gametests.age_in_days(report, SINCE), gametests.same_build(report.builds, "1")
        cases = looked(gametests.on, [report], "authentication")
        assert cases is None or 0 <= gametests.pass_rate(cases) <= 100


@given(some(an_archive()), st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress]), st.data())
@example(b"", gzip.compress, None)
@tries(100)
def test_archives(content: bytes, pack: Callable[[bytes], bytes], data: Any) -> None:
    packed = data.draw(mangled(pack(content))) if data is not None else b"\x1f\x8b"
    host = Files({"/b/a.tar.gz": packed})
    facts = host.facts("/b/a.tar.gz")
    assert facts is not None
    file = backups.File("/b/a.tar.gz", facts)
    read = looked(backups.read_archive, host, file)
    assert read is not None
    looked(backups.version_in, host, file)


@given(some(ROTATE), some(DOCUMENT))
@example(b"/a {\n rotate x\n maxage y\n}", b"")
@example(b"/a ' {\n}", b"")
@tries(100)
def test_rules_of_rotation_and_documents(target: Target, rules: bytes, document: bytes) -> None:
    project = target.facts.paths.project
    host = Files({"/etc/logrotate.d/game": rules, f"{project}/README.md": document, f"{project}/CONTACTS.md": document})
    looked(logrotate.rules_for, host, "/var/log/audit")
    looked(documents.contacts, host, target)
    text = documents.text(host, target, "README.md") or ""
    documents.names_build(text, "1.0"), documents.sections(text), documents.after(text, SINCE)


@given(
    nearly(SESSION).map(as_json)
    | anything.map(as_json)
    | some(PRESENTMON)
    | some(PRESENTMON_2)
    | some(OVR)
    | some(json.dumps(SESSION).encode())
)
@example(PRESENTMON + b"a,0x1\n")
@example(PRESENTMON + b"a,0x1,0," + b"1" * 200_000)
@example(json.dumps({**SESSION, "frames": {"display_time_s": [0], "phases": [[float("inf"), "x"]]}}).encode())
@example(b'{"schema": ' + b"1" * 5000 + b"}")
@tries(200)
def test_recordings(folder: Path, content: bytes) -> None:
    (folder / "recording").write_bytes(content)
    looked(frames_file.read, folder / "recording")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")
