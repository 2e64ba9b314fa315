from __future__ import annotations

import ipaddress
import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra import certificates
from infra.certificates import CertificateFiles, ensure_certificates, fingerprint, tls_context
from infra.errors import BadCertificate

HOSTS = ["localhost", "127.0.0.1", "::1", "school-server", "school-server.local", "192.168.1.10", "fd00::2"]


def now() -> datetime:
    return datetime.now(UTC)


def handshake(files: CertificateFiles, name: str) -> None:
    """A real client that trusts only the authority opens a connection to a real server as `name`."""
    ours, theirs = socket.socketpair()
    server = threading.Thread(target=serve_one, args=(tls_context(files.certificate, files.key), theirs))
    server.start()
    try:
        context = ssl.create_default_context(cafile=files.authority)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with ours, context.wrap_socket(ours, server_hostname=name):
            pass
    finally:
        ours.close()
        server.join()


def serve_one(context: ssl.SSLContext, connection: socket.socket) -> None:
    try:
        with connection, context.wrap_socket(connection, server_side=True):
            pass
    except (ssl.SSLError, OSError):
        return  # the client did not like us: what it says is what the test looks at


@pytest.mark.parametrize("name", HOSTS)
def test_a_client_that_trusts_the_authority_accepts_every_name(tmp_path: Path, name: str) -> None:
    handshake(ensure_certificates(tmp_path, HOSTS, [], now()), name)


def test_a_name_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files, "bank.example")


@pytest.mark.parametrize("name", ["bank.example", "203.0.113.9"])
def test_the_authority_cannot_vouch_for_other_sites(tmp_path: Path, name: str) -> None:
    """Even whoever steals the authority's key cannot make a certificate that clients accept for another site."""
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    authority = certificates._load(files.authority, tmp_path / "ca.key")
    assert authority is not None
    forged = certificates._make_server_certificate([name], authority, now())
    certificates._store(forged, files.certificate, files.key)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(files, name)


def test_nothing_changes_while_nothing_has_to(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    before = [path.read_bytes() for path in (files.authority, files.certificate, files.key)]
    ensure_certificates(tmp_path, HOSTS[:4], [], now())
    assert [path.read_bytes() for path in (files.authority, files.certificate, files.key)] == before
    for secret in (files.key, tmp_path / "ca.key"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def test_a_new_address_renews_only_the_servers_certificate(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    trusted = fingerprint(files.authority)
    ensure_certificates(tmp_path, [*HOSTS, "10.20.30.40"], [], now())
    assert fingerprint(files.authority) == trusted
    handshake(files, "10.20.30.40")


def test_a_public_address_that_comes_later_is_left_out(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    trusted = fingerprint(files.authority)
    ensure_certificates(tmp_path, [*HOSTS, "203.0.113.7"], [], now())
    assert fingerprint(files.authority) == trusted
    handshake(files, "192.168.1.10")


def test_a_configured_name_outside_the_limits_makes_a_new_authority(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    trusted = fingerprint(files.authority)
    ensure_certificates(tmp_path, HOSTS, ["lesson.school.example", "203.0.113.7"], now())
    assert fingerprint(files.authority) != trusted
    for name in ("lesson.school.example", "203.0.113.7", "localhost"):
        handshake(files, name)


def test_certificates_are_renewed_before_their_end(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    trusted, first = fingerprint(files.authority), fingerprint(files.certificate)
    ensure_certificates(tmp_path, HOSTS, [], now() + timedelta(days=340))
    assert fingerprint(files.certificate) == first
    ensure_certificates(tmp_path, HOSTS, [], now() + timedelta(days=370))
    assert fingerprint(files.certificate) != first
    assert fingerprint(files.authority) == trusted
    ensure_certificates(tmp_path, HOSTS, [], now() + timedelta(days=3640))
    assert fingerprint(files.authority) != trusted


def test_browsers_accept_the_length_of_life_and_the_use(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    server = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    assert server.not_valid_after_utc - server.not_valid_before_utc <= timedelta(days=398)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("192.168.1.10") in names.get_values_for_type(x509.IPAddress)
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    assert authority.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_a_crash_between_key_and_certificate_is_mended(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    other = ec.generate_private_key(ec.SECP256R1())
    files.key.write_bytes(
        other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    ensure_certificates(tmp_path, HOSTS, [], now())
    handshake(files, "localhost")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, HOSTS, [], now())
    files.certificate.write_text("nonsense")
    with pytest.raises(BadCertificate, match=r"tls\.crt"):
        ensure_certificates(tmp_path, HOSTS, [], now())
    with pytest.raises(BadCertificate, match=r"tls\.crt"):
        tls_context(files.certificate, files.key)
