"""Logs: which files of a folder are logs, compressed ones, and the time that a line carries."""

from __future__ import annotations

import gzip
import io
from datetime import UTC, datetime

import pytest

from preflight.errors import LookError
from preflight.probes import logs
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
