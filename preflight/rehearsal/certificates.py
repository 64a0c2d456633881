"""The front's certificate from a throw-away authority: root, one intermediate, one leaf."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from preflight.rehearsal.behaviour import Certificate


@dataclass(frozen=True)
class CertificateFiles:
    """Where the PEM files of one start lie."""

    authority: Path
    chain: Path
    key: Path


def write_certificates(wanted: Certificate, folder: Path) -> CertificateFiles:
    """Issue what the front shows; `authority` is what clients trust, whoever issued the certificate."""
    folder.mkdir(parents=True, exist_ok=True)
    files = CertificateFiles(folder / "ca.pem", folder / "fullchain.pem", folder / "privkey.pem")
    trusted = trustme.CA(organization_name="Rehearsal")
    trusted.cert_pem.write_to_path(str(files.authority))
    issuer = trustme.CA(organization_name="Elsewhere") if wanted.untrusted else trusted
    now = dt.datetime.now(dt.UTC)
    # Half an hour over whole days: "30 days left" still holds while the run looks.
    ends = now + dt.timedelta(days=wanted.days_left, minutes=30)
    begins = min(now, ends) - dt.timedelta(days=wanted.age_days)
    if wanted.self_signed:
        _self_signed(wanted.names, begins, ends, files)
    else:
        leaf = issuer.create_child_ca().issue_cert(*wanted.names, not_before=begins, not_after=ends)
        chain = leaf.cert_chain_pems if wanted.send_chain else leaf.cert_chain_pems[:1]
        files.chain.write_bytes(b"".join(blob.bytes() for blob in chain))
        files.key.write_bytes(leaf.private_key_pem.bytes())
    files.key.chmod(0o600)
    return files


def _self_signed(names: tuple[str, ...], begins: dt.datetime, ends: dt.datetime, files: CertificateFiles) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
