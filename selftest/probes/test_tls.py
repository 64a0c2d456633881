"""What answers on a TLS port without TLS is unreachable, and a certificate that can't be read is no look."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from preflight.errors import LookError, Unreachable
from preflight.probes import tls


@contextmanager
def served(talk: Callable[[socket.socket], None]) -> Iterator[tls.Place]:
    """A server that talks like this to whoever comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    try:
                        talk(peer)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield tls.Place("127.0.0.1", listener.getsockname()[1])


def plain(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def speaking(certificate: Path, key: Path) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def talk(peer: socket.socket) -> None:
        context.wrap_socket(peer, server_side=True).close()

    return talk


def written(folder: Path, further: x509.ExtensionType) -> tuple[Path, Path]:
    """A certificate of its own making with one more extension, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x.example")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, start, start + dt.timedelta(days=9000))
        .add_extension(further, critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("look", [lambda where: tls.certificate(where, None), tls.agreed_protocol], ids=["certificate", "alpn"])
def test_what_speaks_no_tls_is_unreachable(look: Callable[[tls.Place], object]) -> None:
    with served(plain) as where, pytest.raises(Unreachable, match="no TLS handshake"):
        look(where)


def test_a_certificate_with_a_broken_name_is_no_look(tmp_path: Path) -> None:
    broken = x509.UnrecognizedExtension(x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"\x30\x05\x87\x03abc")
    with served(speaking(*written(tmp_path, broken))) as where, pytest.raises(LookError, match="can't be read"):
        tls.certificate(where, None)


def test_a_certificate_nobody_vouches_for_is_read(tmp_path: Path) -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("x.example")])
    with served(speaking(*written(tmp_path, names))) as where:
        found = tls.certificate(where, None)

    assert found.names == ("x.example",)
    assert found.self_signed
    assert found.wrong


def test_a_good_server_is_met(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    with served(speaking(tmp_path / "server.pem", tmp_path / "server.pem")) as where:
        assert tls.certificate(where, tmp_path / "ca.pem").wrong == ""
        assert tls.agreed_protocol(where) == ""


def test_a_certificate_that_was_never_verified_is_not_called_right(tmp_path: Path) -> None:
    """The server agrees on a cipher that the verifying client does not speak: it shows no certificate to that one."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")
    with served(lambda peer: context.wrap_socket(peer, server_side=True).close()) as where:
        assert tls.certificate(where, tmp_path / "ca.pem").wrong.startswith("not verified: ")
