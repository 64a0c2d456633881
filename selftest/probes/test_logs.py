"""Logs: which files of a folder are logs, compressed ones, and the time that a line carries."""

from __future__ import annotations

import base64
import gzip
import io
from datetime import UTC, datetime

import pytest

from preflight.errors import LookError
from preflight.probes import logs
from preflight.redact import Secret
from selftest.probes.hosts import Files


def test_what_logrotate_makes_of_a_log_is_a_log() -> None:
    made = [
        "audit.log",
        "audit.log.1",
        "audit.log-20260701",
        "audit.log.2.gz",
        "audit-20260701.log.gz",
        "audit.ndjson",
        "a.jsonl",
    ]
    other = ["audit.log.bak", "audit.logs", "notes.txt", "audit.log.tar", "audit.gz", "catalog", "audit.log.gz.part"]
    host = Files({f"/a/{name}": "" for name in [*made, *other]})

    assert logs.logs_in(host, "/a") == sorted(f"/a/{name}" for name in made)


@pytest.mark.parametrize("since", [None, datetime(2026, 1, 2, tzinfo=UTC)])
def test_a_compressed_log_is_read_as_what_it_holds(since: datetime | None) -> None:
    packed = io.BytesIO(gzip.compress(b"[2026-01-02 10:00:00] one\ntwo\nthree"))

    assert list(logs.lines_since(packed, since)) == [b"[2026-01-02 10:00:00] one", b"two", b"three"]


@pytest.mark.parametrize("end", [-4, -12, 40, 5])
def test_one_that_is_cut_off_could_not_be_looked_at(end: int) -> None:
    whole = gzip.compress(b"".join(b"%d line\n" % number for number in range(1000)))

    with pytest.raises(LookError, match="can't be unpacked"):
        list(logs.lines_since(io.BytesIO(whole[:end]), None))


def test_a_damaged_one_could_not_be_looked_at() -> None:
    whole = gzip.compress(b"".join(b"%d line\n" % number for number in range(1000)))

    with pytest.raises(LookError, match="can't be unpacked"):
        list(logs.lines_since(io.BytesIO(whole[:100] + b"damage" + whole[106:]), None))


def test_one_that_never_ends_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_BYTES", 4 << 20)

    with pytest.raises(LookError, match="more than 4 MiB"):
        list(logs.lines_since(io.BytesIO(gzip.compress(b"x" * 80 + b"\n" * (5 << 20))), None))


def test_a_log_that_was_not_written_to_since_is_left_out() -> None:
    host = Files({"/a/new.log": "", "/a/old.log": ""}, ages={"/a/old.log": 48})
    since = datetime.fromtimestamp(host.facts("/a/new.log").modified - 3600, UTC)  # type: ignore[union-attr]

    assert logs.written_since(host, ["/a/new.log", "/a/old.log"], since) == ["/a/new.log"]
    assert len(logs.written_since(host, ["/a/new.log", "/a/old.log"], None)) == 2


def test_a_known_secret_is_seen_in_any_spelling_and_any_line() -> None:
    secret = Secret("k9-Vq7-hunter2-Zk-and-more")
    coded = base64.b64encode(secret.reveal().encode()).decode()
    lines = [f"[2026-07-01 02:00:00] [INFO] Heartbeat {number}" for number in range(2_500)]
    lines[1_499] += f" state {coded}"
    lines[2_400] += f" state {secret.reveal().encode().hex()}"
    scan = logs.scan_for_secrets(Files({"/log": "\n".join(lines) + "\n"}), ["/log"], [secret])

    assert scan.lines == 2_500
    assert scan.found == [f"one of the target's own secrets in line {number} of /log" for number in (1_500, 2_401)]


@pytest.mark.parametrize(
    "credential",
    [
        "eyJhbGciOi.x",
        "-----BEGIN RSA Private Key-----",
        "PASSWORD=x",
        "passwd",
        "Pwd",
        "SECRET",
        "Api-Key",
        "access_key",
        "privateKey",
        "Token",
        "SessionID",
        "JWT",
        "Basic dXNlcg==",
        "BEARER x",
        "A" * 32 + "0" * 32,
        "postgres://game:x@db",
        "AKIAX",
        "ASIAX",
        *(f"gh{letter}_x" for letter in "pousr"),
        "AIzaX",
        "xoxb",
        "sk_live_x",
    ],
)
def test_what_the_expression_suspects_the_words_let_through(credential: str) -> None:
    line = f"[2026-07-01 02:00:00] state ({credential})".encode()
    assert logs._SUSPECT.search(line)
    assert logs._may_suspect(line.lower())
    assert not logs._may_suspect(b"[2026-07-01 02:00:00] [info] heartbeat 7 of res://main.tscn in 9.1 ms")
