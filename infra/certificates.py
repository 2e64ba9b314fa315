"""HTTPS for a school's own network: a local certificate authority, and the server's certificate that it signs.

The authority is limited by name constraints (RFC 5280 section 4.2.1.10) to this machine's names and to private
addresses: whoever trusts it trusts it for nothing else on the Internet. Its key never leaves the data directory.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.data_directory import write_private
from infra.errors import BadCertificate

AUTHORITY_VALID = timedelta(days=3650)
SERVER_VALID = timedelta(days=397)
"""Browsers refuse server certificates that live longer than 398 days."""
RENEW_BEFORE = timedelta(days=30)
CLOCKS_DIFFER = timedelta(days=1)
"""Certificates begin in the past: a class's computer may have a slow clock."""

LOCAL_SUFFIXES = ("localhost", "local", "lan", "internal", "home.arpa")
LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Paths of PEM files: the authority's certificate (given to people), the server's certificate and its key."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class _Signer:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure_certificates(
    folder: Path, hosts: Iterable[str], configured: Iterable[str], now: datetime
) -> CertificateFiles:
    """Make what is missing, renew what is about to expire or does not cover `hosts` (names and addresses of this
    machine) and `configured` (further ones that the administrator named).

    A change of hosts within the authority's limits renews only the server's certificate: people keep trusting the same
    authority. Raises `BadCertificate` when stored files are damaged.
    """
    files = CertificateFiles(folder / "ca.crt", folder / "tls.crt", folder / "tls.key")
    wanted = list(dict.fromkeys([*configured, *hosts]))
    authority = _load(files.authority, folder / "ca.key")
    if (
        authority is None
        or _ends_soon(authority.certificate, now)
        or not all(_is_permitted(host, authority.certificate) for host in configured)
    ):
        authority = _make_authority([*configured, *hosts], now)
        _store(authority, files.authority, folder / "ca.key")
        files.certificate.unlink(missing_ok=True)
    names = [host for host in wanted if _is_permitted(host, authority.certificate)]
    current = _load(files.certificate, files.key)
    if current is None or _ends_soon(current.certificate, now) or not _covers(current.certificate, names):
        _store(_make_server_certificate(names, authority, now), files.certificate, files.key)
    return files


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context; call `load_cert_chain` on it again after a renewal. Raises `BadCertificate`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise BadCertificate(f"cannot use the certificate {certificate} with the key {key}: {error}") from error
    return context


def fingerprint(certificate: Path) -> str:
    """SHA-256 in pairs of hexadecimal digits, as browsers show it."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _permitted_subtree(host: str) -> x509.GeneralName | None:
    """What the authority must permit so that it can sign for this host; None where the standing list covers it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None if host.endswith(tuple(f".{suffix}" for suffix in LOCAL_SUFFIXES)) else x509.DNSName(host)
    if any(address in network for network in LOCAL_NETWORKS):
        return None
    return x509.IPAddress(ipaddress.ip_network(address))


def _is_permitted(host: str, authority: x509.Certificate) -> bool:
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    permitted = constraints.permitted_subtrees or []
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        names = [name.value for name in permitted if isinstance(name, x509.DNSName)]
        return any(host == name or host.endswith("." + name) for name in names)
    networks = [name.value for name in permitted if isinstance(name, x509.IPAddress)]
    return any(address in network for network in networks if isinstance(network, IPv4Network | IPv6Network))


def _make_authority(hosts: Iterable[str], now: datetime) -> _Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"webclass, {now:%Y-%m-%d}")])
    permitted: list[x509.GeneralName] = [x509.DNSName(suffix) for suffix in LOCAL_SUFFIXES]
    permitted += [x509.IPAddress(network) for network in LOCAL_NETWORKS]
    permitted += dict.fromkeys(subtree for host in hosts if (subtree := _permitted_subtree(host)))
    certificate = (
        _builder(name, name, key, now, AUTHORITY_VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Signer(certificate, key)


def _make_server_certificate(hosts: list[str], authority: _Signer, now: datetime) -> _Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "webclass")])
    valid = min(SERVER_VALID, authority.certificate.not_valid_after_utc - now)
    certificate = (
        _builder(name, authority.certificate.subject, key, now, valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Signer(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, valid: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + valid - CLOCKS_DIFFER)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _ends_soon(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_after_utc - now < RENEW_BEFORE


def _covers(certificate: x509.Certificate, hosts: list[str]) -> bool:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return all(_general_name(host) in names for host in hosts)


def _load(certificate: Path, key: Path) -> _Signer | None:
    if not (certificate.exists() and key.exists()):
        return None
    try:
        loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except ValueError as error:
        raise BadCertificate(f"{certificate} or {key} is damaged; remove both and start again") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != loaded.public_key():
        return None  # a crash between the two writes: make both anew
    return _Signer(loaded, private)


def _store(signer: _Signer, certificate: Path, key: Path) -> None:
    write_private(
        key,
        signer.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    write_private(certificate, signer.certificate.public_bytes(serialization.Encoding.PEM))
