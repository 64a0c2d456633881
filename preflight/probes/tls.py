"""TLS from outside: the certificate, and handshakes that can fail.

A client that can't speak a version "proves" that the server refuses it. So each handshake is made by a context that
could, and what this machine's OpenSSL can't offer is not tested instead of refused (components that refuse by
themselves say NO_CIPHERS_AVAILABLE or NO_PROTOCOLS_AVAILABLE).
"""

from __future__ import annotations

import socket
import ssl
import warnings
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from preflight.errors import LookError, Undecided, Unreachable
from preflight.outcome import Reason
from preflight.redact import printable

_SECONDS = 5.0
_WEAK = "eNULL:aNULL:RC4:3DES:DES:MD5:EXP:LOW:@SECLEVEL=0"
_NOT_HERE = ("NO_CIPHERS_AVAILABLE", "NO_PROTOCOLS_AVAILABLE", "NO_CIPHER_MATCH", "UNSUPPORTED_PROTOCOL_VERSION")

VERSIONS: dict[str, ssl.TLSVersion] = {
    "TLS 1.0": ssl.TLSVersion.TLSv1,
    "TLS 1.1": ssl.TLSVersion.TLSv1_1,
    "TLS 1.2": ssl.TLSVersion.TLSv1_2,
    "TLS 1.3": ssl.TLSVersion.TLSv1_3,
}


@dataclass(frozen=True)
class Place:
    """Where to shake hands."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def place(url: str) -> Place:
    """The host and port of an https URL."""
    parts = urlsplit(url)
    return Place(parts.hostname or "", parts.port or 443)


@dataclass(frozen=True)
class Certificate:
    """What the server showed, and what verifying it said ("" for nothing wrong, "not verified: …" where it said nothing)."""

    wrong: str
    subject: str
    names: tuple[str, ...]
    not_after: datetime
    sha256: str
    self_signed: bool

    def days_left(self, now: datetime) -> float:
        """Days until it expires; negative when it has."""
        return (self.not_after - now).total_seconds() / 86400.0


def certificate(where: Place, ca_file: Path | None) -> Certificate:
    """The certificate of a server, verified against `ca_file` or the system's authorities.

    Raises Unreachable when there is no handshake at all, LookError for a certificate that can't be read.
    """
    strict = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    wrong = ""
    try:
        _shake(where, strict).close()
    except ssl.SSLCertVerificationError as error:
        wrong = error.verify_message
    except ssl.SSLEOFError as error:
        raise Unreachable(f"{where}: the server hung up in the handshake") from error
    except ssl.SSLError as error:
        # no verdict on the certificate, and so none in its favour either
        wrong = f"not verified: {error.reason or error.strerror or 'no TLS handshake'}"
    with _met(where, _loose()) as sock:
        found = sock.getpeercert(binary_form=True)
    if not found:
        raise LookError(f"{where} showed no certificate")
    from cryptography import x509

    try:
        return _read(found, wrong)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion) as error:
        raise LookError(f"{where} showed a certificate that can't be read ({printable(str(error), 120)})") from error


def _read(found: bytes, wrong: str) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    read = x509.load_der_x509_certificate(found)
    try:
        alternative = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(name.value) for name in alternative)
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(
        wrong=wrong,
        subject=read.subject.rfc4514_string(),
        names=names,
        not_after=read.not_valid_after_utc,
        sha256=read.fingerprint(SHA256()).hex(),
        self_signed=read.subject == read.issuer,
    )


def offers_version(where: Place, name: str) -> bool:
    """Whether the server shakes hands in that version of VERSIONS.

    Raises Undecided when this machine's OpenSSL can't speak it.
    """
    context = _loose()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            context.minimum_version = context.maximum_version = VERSIONS[name]
        except ValueError as error:
            raise Undecided(Reason.PROGRAM, f"this machine's OpenSSL can't speak {name}") from error
    return _agrees(where, context, name)


def offers_weak_cipher(where: Place) -> str:
    """The weak cipher (no encryption, no authentication, RC4, DES, MD5, export) the server agrees to; "" for none.

    Raises Undecided when this machine's OpenSSL knows no weak cipher.
    """
    context = _loose()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(_WEAK)
    except ssl.SSLError as error:
        raise Undecided(Reason.PROGRAM, "this machine's OpenSSL knows no weak cipher to try") from error
    try:
        with _shake(where, context) as sock:
            agreed = sock.cipher()
    except ssl.SSLError as error:
        _must_be_refusal(error, "a weak cipher")
        return ""
    except (ConnectionError, Unreachable):
        _met(where, _loose()).close()  # refused by hanging up; but is it there at all?
        return ""
    return agreed[0] if agreed else "an unnamed cipher"


def unoffered() -> list[str]:
    """The kinds of weak ciphers that this machine's OpenSSL no longer has, so that no server can be asked for them."""
    context = _loose()
    with suppress(ssl.SSLError):
        context.set_ciphers(_WEAK)
    names = " ".join(str(one["name"]) for one in context.get_ciphers())
    return [kind for kind, part in (("RC4", "RC4"), ("3DES", "DES-CBC3"), ("MD5", "MD5"), ("export", "EXP")) if part not in names]


def agreed_protocol(where: Place) -> str:
    """What the server chooses of HTTP/2 and HTTP/1.1 (ALPN); "" when it does not say. Raises Unreachable without TLS."""
    context = _loose()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with _met(where, context) as sock:
        return sock.selected_alpn_protocol() or ""


def _loose() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _agrees(where: Place, context: ssl.SSLContext, what: str) -> bool:
    try:
        _shake(where, context).close()
    except ssl.SSLError as error:
        _must_be_refusal(error, what)
        return False
    except Unreachable:
        # some servers hang up instead of sending an alert: a refusal only where they are there at all
        _met(where, _loose()).close()
        return False
    return True


def _must_be_refusal(error: ssl.SSLError, what: str) -> None:
    if any(word in (error.reason or str(error)) for word in _NOT_HERE):
        raise Undecided(Reason.PROGRAM, f"this machine's OpenSSL can't offer {what}: not tested") from error


def _met(where: Place, context: ssl.SSLContext) -> ssl.SSLSocket:
    """A handshake that ought to come about: what answers otherwise is no TLS that this machine knows, and unreachable."""
    try:
        return _shake(where, context)
    except ssl.SSLError as error:
        raise Unreachable(f"{where}: no TLS handshake ({error.reason or error.strerror or 'unknown'})") from error


def _shake(where: Place, context: ssl.SSLContext) -> ssl.SSLSocket:
    try:
        plain = socket.create_connection((where.host, where.port), _SECONDS)
    except OSError as error:
        raise Unreachable(f"{where}: {error.strerror or error}") from error
    try:
        return context.wrap_socket(plain, server_hostname=where.host)
    except ssl.SSLError:
        plain.close()
        raise
    except OSError as error:
        plain.close()
        raise Unreachable(f"{where}: no TLS handshake ({error.strerror or error})") from error
