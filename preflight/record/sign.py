"""Signed records: DSSE envelopes (Ed25519) around an in-toto statement with the test-result predicate.

Nothing is asked of a network. Formats: github.com/secure-systems-lab/dsse (envelope 1.0), in-toto Attestation Framework
(Statement v1; https://in-toto.io/attestation/test-result/v0.1).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

from preflight.checklist import CHECKLIST
from preflight.errors import UsageError, writing
from preflight.outcome import Status, Verdict
from preflight.people import sha256
from preflight.record.read import ReadError, read
from preflight.record.seal import SIGNATURE, SUMS, files
from preflight.record.write import atomic

PAYLOAD = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
_TESTS = {
    "passedTests": (Status.PASS,),
    "warnedTests": (Status.WARN, Status.WAIVED),
    "failedTests": (Status.FAIL, Status.ERROR),
}
_RESULT = {Verdict.GO: "PASSED", Verdict.GO_WITH_WARNINGS: "WARNED"}


def new_key(file: Path) -> Path:
    """Write a private key that only its owner can read, and the public one beside it; the public one's path.

    Raises UsageError when either is there already: a key that is overwritten takes its signatures with it.
    """
    public = file.with_name(file.name + ".pub")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    shown = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for path in (file, public):
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} is there already, and a key is never replaced; name another file")
    with writing(file):
        for path, content, mode in ((file, private, 0o600), (public, shown, 0o644)):
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
                out.write(content)
    return public


def sign(folder: Path, key: Path) -> Path:
    """Sign a record; a second signature is added to the first. The file of the signatures.

    Raises UsageError for a key that is none, or one that others can read; ReadError for what is no record.
    """
    private = _private(key)
    payload = json.dumps(statement(folder), sort_keys=True, separators=(",", ":")).encode()
    place = folder / SIGNATURE
    envelope = _envelope(place) if place.exists() else None
    if envelope is not None and envelope.payload != payload:
        raise UsageError(f"{place} signs something else than this record as it is now; look at it, and move it away")
    envelope = envelope or Envelope(payload, PAYLOAD, {})
    envelope.sign(CryptoSigner(private, SSlibKey.from_crypto(private.public_key())))
    with writing(place):
        atomic(place, json.dumps(envelope.to_dict(), indent=1) + "\n")
    return place


def statement(folder: Path) -> dict[str, Any]:
    """What is signed: every file of the record by its hash, and what the record says. HOLD and INVALID are no pass."""
    record = read(folder)
    suite = f"pkg:pypi/{record.suite.name}@{record.suite.version}"
    about = {"verdict": record.headline, "target": record.target.name, "build": record.target.build, "run": record.run_id}
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": sha256(folder / name)}} for name in (*files(folder), SUMS)],
        "predicateType": PREDICATE,
        "predicate": {
            "result": "FAILED" if record.partial or record.rehearsal else _RESULT.get(record.verdict, "FAILED"),
            "configuration": [
                {"name": CHECKLIST.name, "digest": {"sha256": sha256(CHECKLIST)}},
                {"name": record.suite.name, "uri": suite, "annotations": {"revision": record.suite.revision, **about}},
            ],
            **{name: [item.id for item in record.items if item.status in some] for name, some in _TESTS.items()},
        },
    }


def signatures(folder: Path) -> int:
    """How many signatures a record carries, whoever made them."""
    place = folder / SIGNATURE
    return len(_envelope(place).signatures) if place.exists() else 0


def problems(folder: Path, key: Path) -> Iterator[str]:
    """What is wrong with the signature of a record by `key` (a public one); nothing when it holds."""
    place = folder / SIGNATURE
    if not place.exists():
        yield f"{SIGNATURE} is missing: the record is not signed"
        return
    envelope = _envelope(place)
    try:
        envelope.verify([SSlibKey.from_crypto(_public(key))], 1)
    except (VerificationError, ValueError):
        yield f"{SIGNATURE} holds no valid signature by {key}"
        return
    try:
        told = json.loads(envelope.payload)
        named = {subject["name"]: subject["digest"]["sha256"] for subject in told["subject"]}
    except (ValueError, KeyError, TypeError):
        yield f"{SIGNATURE} signs no statement about a record"
        return
    if (envelope.payload_type, told.get("_type"), told.get("predicateType")) != (PAYLOAD, STATEMENT, PREDICATE):
        yield f"{SIGNATURE} signs another kind of statement"
    for name in {*files(folder), SUMS} - named.keys():
        yield f"{name} is not covered by the signature"
    for name, digest in named.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} was signed and is missing"
        elif sha256(path) != digest:
            yield f"{name} was changed after it was signed"


def _envelope(place: Path) -> Envelope:
    try:
        return Envelope.from_dict(json.loads(place.read_text("utf-8")))
    except OSError as error:
        raise ReadError(f"{place}: can't be read ({error.strerror})") from error
    except Exception as error:  # the library names no type for what is no envelope
        raise ReadError(f"{place}: is no DSSE envelope") from error


def _private(file: Path) -> Ed25519PrivateKey:
    try:
        if os.name != "nt" and file.stat().st_mode & 0o077:
            raise UsageError(f"{file} can be read by others; a private key is its owner's alone: chmod 600 {file}")
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise UsageError(f"{file} can't be read ({error.strerror})") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{file} is no private key; make one with: preflight key new FILE") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{file} is no Ed25519 key; make one with: preflight key new FILE")
    return key


def _public(file: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file} can't be read ({error.strerror})") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{file} is no public key; `preflight key new` writes one beside the private one (.pub)") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{file} is no Ed25519 key")
    return key
