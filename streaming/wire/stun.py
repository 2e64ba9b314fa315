"""STUN Binding requests in, answers out: what an ICE-lite agent needs of RFC 8489 (RFC 8445 sections 7.1 and 7.3).

Short-term credentials, HMAC-SHA1, FINGERPRINT always. `parse_request` looks at structure only; the caller finds the
password by `username` and then asks `authentic`. Nothing in a request may be believed before that.
"""

from __future__ import annotations

import binascii
import hmac
import ipaddress
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from streaming.wire.errors import WireError

COOKIE: Final = 0x2112A442
BINDING_REQUEST: Final = 0x0001
BINDING_SUCCESS: Final = 0x0101
BINDING_ERROR: Final = 0x0111
FINGERPRINT_XOR: Final = 0x5354554E
REQUEST_MAX_BYTES: Final = 1280
USERNAME_MAX_BYTES: Final = 513

USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
UNKNOWN_ATTRIBUTES: Final = 0x000A
MESSAGE_INTEGRITY_SHA256: Final = 0x001C
XOR_MAPPED_ADDRESS: Final = 0x0020
PRIORITY: Final = 0x0024
USE_CANDIDATE: Final = 0x0025
FINGERPRINT: Final = 0x8028
ICE_CONTROLLED: Final = 0x8029

UNDERSTOOD: Final = frozenset({USERNAME, MESSAGE_INTEGRITY, MESSAGE_INTEGRITY_SHA256, PRIORITY, USE_CANDIDATE})
UNKNOWN_MAX: Final = 8
"""Unknown attributes named in an answer."""

_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HH")
_IPV4: Final = struct.Struct("!HHBBHI")
_FINGERPRINT: Final = struct.Struct("!HHI")


@dataclass(frozen=True, slots=True)
class Request:
    """A Binding request. `covered` is what its `integrity` (20 bytes) was computed over."""

    transaction_id: bytes
    username: str
    use_candidate: bool
    controlled: bool
    unknown: tuple[int, ...]
    integrity: bytes
    covered: bytes


def parse_request(data: bytes) -> Request:
    """The first of repeated attributes counts; those after MESSAGE-INTEGRITY do not (RFC 8489 section 14.5).

    Raises WireError: stun_length, stun_cookie, stun_not_request, stun_attribute, stun_fingerprint, stun_no_integrity,
    stun_no_username.
    """
    if not 20 <= len(data) <= REQUEST_MAX_BYTES:
        raise WireError("stun_length")
    message_type, length, cookie, transaction_id = _HEADER.unpack_from(data)
    if length != len(data) - 20 or length % 4:
        raise WireError("stun_length")
    if cookie != COOKIE:
        raise WireError("stun_cookie")
    if message_type != BINDING_REQUEST:
        raise WireError("stun_not_request")
    seen: dict[int, bytes] = {}
    unknown: list[int] = []
    integrity_at = 0
    position, end = 20, len(data)
    while position < end:
        kind, size = _ATTRIBUTE.unpack_from(data, position)
        value_end = position + 4 + size
        if value_end > end:
            raise WireError("stun_attribute")
        if kind == FINGERPRINT:
            _check_fingerprint(data, position, size)
            break
        if not integrity_at:
            if kind == MESSAGE_INTEGRITY:
                integrity_at = position
            elif kind < 0x8000 and kind not in UNDERSTOOD:
                unknown.append(kind)
            seen.setdefault(kind, data[position + 4 : value_end])
        position = value_end + (-size & 3)
    else:
        raise WireError("stun_fingerprint")
    if len(seen.get(MESSAGE_INTEGRITY, b"")) != 20:
        raise WireError("stun_no_integrity")
    # The header's length is that of a message ending with MESSAGE-INTEGRITY (RFC 8489 section 14.5).
    covered = data[:2] + (integrity_at + 4).to_bytes(2, "big") + data[4:integrity_at]
    return Request(
        transaction_id,
        _username(seen),
        USE_CANDIDATE in seen,
        ICE_CONTROLLED in seen,
        tuple(dict.fromkeys(unknown)),
        seen[MESSAGE_INTEGRITY],
        covered,
    )


def _check_fingerprint(data: bytes, position: int, size: int) -> None:
    if size != 4 or position + 8 != len(data):
        raise WireError("stun_fingerprint")
    (value,) = struct.unpack_from("!I", data, position + 4)
    if value != binascii.crc32(data[:position]) ^ FINGERPRINT_XOR:
        raise WireError("stun_fingerprint")


def _username(seen: dict[int, bytes]) -> str:
    raw = seen.get(USERNAME, b"")
    if not 0 < len(raw) <= USERNAME_MAX_BYTES or not raw.isascii():
        raise WireError("stun_no_username")
    return raw.decode("ascii")


def authentic(request: Request, password: bytes) -> bool:
    return hmac.compare_digest(request.integrity, hmac.digest(password, request.covered, "sha1"))


def write_success(transaction_id: bytes, host: str, port: int, password: bytes) -> bytes:
    """The answer to a valid check: XOR-MAPPED-ADDRESS. `host` is a numeric IPv4 or IPv6 address, else ValueError.

    An IPv4 address in its v4-mapped form, as dual-stack sockets write it, is answered as IPv4.
    """
    address = ipaddress.ip_address(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, ipaddress.IPv6Address):
        mask = COOKIE.to_bytes(4, "big") + transaction_id
        packed = int(address) ^ int.from_bytes(mask, "big")
        mapped = struct.pack("!HHBBH", XOR_MAPPED_ADDRESS, 20, 0, 2, port ^ COOKIE >> 16) + packed.to_bytes(16, "big")
    else:
        mapped = _IPV4.pack(XOR_MAPPED_ADDRESS, 8, 0, 1, port ^ COOKIE >> 16, int(address) ^ COOKIE)
    return _signed(BINDING_SUCCESS, transaction_id, mapped, password)


def write_error(transaction_id: bytes, code: int, password: bytes, unknown: Sequence[int] = ()) -> bytes:
    """An error answer without a reason phrase; `unknown` are the attributes that a 420 names."""
    body = struct.pack("!HHHBB", ERROR_CODE, 4, 0, code // 100, code % 100)
    if unknown:
        kinds = unknown[:UNKNOWN_MAX]
        body += struct.pack(f"!HH{len(kinds)}H", UNKNOWN_ATTRIBUTES, 2 * len(kinds), *kinds) + bytes(len(kinds) % 2 * 2)
    return _signed(BINDING_ERROR, transaction_id, body, password)


def _signed(message_type: int, transaction_id: bytes, body: bytes, password: bytes) -> bytes:
    length = len(body) + 24
    covered = _HEADER.pack(message_type, length, COOKIE, transaction_id) + body
    integrity = hmac.digest(password, covered, "sha1")
    message = b"".join(
        (
            _HEADER.pack(message_type, length + 8, COOKIE, transaction_id),
            body,
            _ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20),
            integrity,
        )
    )
    return message + _FINGERPRINT.pack(FINGERPRINT, 4, binascii.crc32(message) ^ FINGERPRINT_XOR)
