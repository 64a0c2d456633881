"""Signatures: made offline, by a key that only its owner reads, over every file; any DSSE reader can check them."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from preflight.cli import main
from preflight.outcome import Status
from preflight.record import html, write
from preflight.record.seal import SIGNATURE, seal
from preflight.record.sign import new_key
from preflight.record.tree import Record
from preflight.redact import Redactor
from selftest.record.conftest import EVERY, looked


@pytest.fixture
def folder(tmp_path: Path, record: Callable[..., Record]) -> Path:
    place = tmp_path / "run"
    place.mkdir()
    some = EVERY.item
    made = record([looked(some[0]), looked(some[1], Status.FAIL), looked(some[2], Status.WARN)])
    write.atomic(place / "record.json", write.record_json(made, Redactor()))
    write.atomic(place / "record.html", html.page(made, Redactor()))
    seal(place)
    return place


@pytest.fixture
def key(tmp_path: Path) -> Path:
    assert main(["key", "new", str(tmp_path / "release.key")]) == 0
    return tmp_path / "release.key"


def verify(folder: Path, key: Path) -> int:
    return main(["verify", str(folder), "--key", f"{key}.pub"])


def test_a_key_is_its_owners_and_never_replaced(key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert os.name == "nt" or key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes(), Path(f"{key}.pub").read_bytes()
    assert main(["key", "new", str(key)]) == 4
    key.unlink()
    assert main(["key", "new", str(key)]) == 4, "the public key of old signatures is not replaced either"
    assert not key.exists()
    assert Path(f"{key}.pub").read_bytes() == before[1]
    assert "is there already" in capsys.readouterr().err


def test_a_signed_record_verifies_and_by_no_other_key(
    folder: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(folder, key) == 1, "not signed yet"
    assert main(["sign", str(folder), "--key", str(key)]) == 0
    assert verify(folder, key) == 0
    assert main(["verify", str(folder)]) == 0, "a signature is no file that was added"
    new_key(tmp_path / "other")
    assert verify(folder, tmp_path / "other") == 1
    assert "no valid signature by" in capsys.readouterr().out


def test_two_people_sign_one_record(folder: Path, key: Path, tmp_path: Path) -> None:
    new_key(tmp_path / "second")
    for one in (key, tmp_path / "second"):
        assert main(["sign", str(folder), "--key", str(one)]) == 0
    assert verify(folder, key) == verify(folder, tmp_path / "second") == 0
    assert len(json.loads((folder / SIGNATURE).read_text())["signatures"]) == 2


def test_the_envelope_is_what_its_formats_say(folder: Path, key: Path) -> None:
    """Checked with nothing but Ed25519: the pre-authentication encoding of DSSE, and the statement's fields."""
    main(["sign", str(folder), "--key", str(key)])
    envelope = json.loads((folder / SIGNATURE).read_text())
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"]
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    public = serialization.load_pem_public_key(Path(f"{key}.pub").read_bytes())
    public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), encoded)  # type: ignore[union-attr, call-arg]
    told = json.loads(payload)
    assert kind == "application/vnd.in-toto+json"
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert {s["name"] for s in told["subject"]} == {"record.json", "record.html", "SHA256SUMS"}
    predicate = told["predicate"]
    some = [i.id for i in EVERY.item[:3]]
    assert (predicate["result"], predicate["passedTests"], predicate["failedTests"], predicate["warnedTests"]) == ("FAILED", *([one] for one in some))  # fmt: skip
    assert all({"uri", "digest", "content"} & set(one) for one in predicate["configuration"])


def test_an_edit_is_named_although_all_hashes_are_new(folder: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["sign", str(folder), "--key", str(key)])
    with (folder / "record.html").open("a") as page:
        page.write(" ")
    (folder / "more.txt").write_text("later")
    seal(folder)
    assert main(["verify", str(folder)]) == 0
    assert verify(folder, key) == 1
    said = capsys.readouterr().out
    for sentence in ("record.html was changed after it was signed", "more.txt is not covered", "SHA256SUMS was changed"):
        assert sentence in said


def test_an_edited_envelope_says_nothing(folder: Path, key: Path) -> None:
    main(["sign", str(folder), "--key", str(key)])
    place = folder / SIGNATURE
    whole = json.loads(place.read_text())
    statement = json.loads(base64.b64decode(whole["payload"]))
    statement["predicate"]["result"] = "PASSED"
    place.write_text(json.dumps({**whole, "payload": base64.b64encode(json.dumps(statement).encode()).decode()}))
    assert verify(folder, key) == 1
    for broken in ("", "{}", "[]", json.dumps({**whole, "signatures": []}), json.dumps({**whole, "payload": 5})):
        place.write_text(broken)
        assert verify(folder, key) in (1, 4), broken


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_one_sentence(folder: Path, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "k"
    file.write_text(content)
    file.chmod(0o600)
    assert main(["sign", str(folder), "--key", str(file)]) == 4
    assert "is no private key" in capsys.readouterr().err
    assert not (folder / SIGNATURE).exists()


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_key_that_others_can_read_signs_nothing(folder: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key.chmod(0o644)
    assert main(["sign", str(folder), "--key", str(key)]) == 4
    assert "chmod 600" in capsys.readouterr().err


def test_an_edited_record_is_not_signed(folder: Path, key: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "record.html").write_text("another page")
    assert main(["sign", str(folder), "--key", str(key)]) == 4
    assert "nothing was signed" in capsys.readouterr().err
