"""ICE-lite: answering binding requests (RFC 8445 section 2.5, RFC 8489), and nothing else.

An own parser instead of aioice's: it looks at three attributes, never raises on hostile bytes, and a
request costs one HMAC only after its user name was found, so that strangers cannot make us work.
"""

import hmac
import secrets
import socket
import string
from binascii import crc32
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

HEADER = Struct("!HHL12s")
ATTRIBUTE = Struct("!HH")
COOKIE = 0x2112A442
FINGERPRINT_MASK = 0x5354554E
BINDING_REQUEST = 0x0001
BINDING_RESPONSE = 0x0101
USERNAME = 0x0006
MESSAGE_INTEGRITY = 0x0008
XOR_MAPPED_ADDRESS = 0x0020
USE_CANDIDATE = 0x0025
FINGERPRINT = 0x8028
INTEGRITY_SIZE = 24
MOST_ATTRIBUTES = 32
ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name fragment and password (RFC 8839 section 5.4)."""

    fragment: str
    password: str


def new_credentials() -> Credentials:
    """96 and 142 bits of randomness, well over what RFC 8445 section 5.3 asks for."""
    return Credentials(_token(16), _token(24))


def _token(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass(frozen=True, slots=True)
class BindingRequest:
    """A connectivity check. `signed` is what MESSAGE-INTEGRITY covers, its length field already adjusted."""

    transaction: bytes
    local_fragment: str
    remote_fragment: str
    nominated: bool
    signed: bytes
    signature: bytes

    def is_authentic(self, password: str) -> bool:
        """Whether it was signed with our password (RFC 8489 section 14.5)."""
        expected = hmac.digest(password.encode(), self.signed, "sha1")
        return hmac.compare_digest(expected, self.signature)


def parse_binding_request(data: bytes) -> BindingRequest | None:
    """The check in a datagram, or None for whatever is not a well-formed, signed binding request."""
    if len(data) < HEADER.size:
        return None
    kind, length, cookie, transaction = HEADER.unpack_from(data)
    if kind != BINDING_REQUEST or cookie != COOKIE or length != len(data) - HEADER.size or length % 4:
        return None
    user_name = b""
    nominated = False
    position = HEADER.size
    for _ in range(MOST_ATTRIBUTES):
        if position + 4 > len(data):
            return None
        attribute, size = ATTRIBUTE.unpack_from(data, position)
        value = data[position + 4 : position + 4 + size]
        if len(value) != size:
            return None
        if attribute == MESSAGE_INTEGRITY:
            if size != 20:
                return None
            return _signed_request(data, position, transaction, user_name, nominated)
        if attribute == USERNAME:
            user_name = value
        elif attribute == USE_CANDIDATE:
            nominated = True
        position += 4 + size + (-size % 4)
    return None


def _signed_request(
    data: bytes, position: int, transaction: bytes, user_name: bytes, nominated: bool
) -> BindingRequest | None:
    signature = data[position + 4 : position + INTEGRITY_SIZE]
    local, colon, remote = user_name.partition(b":")
    if len(signature) != 20 or not colon or not user_name.isascii() or len(user_name) > 513:
        return None
    if not _fingerprint_fits(data, position + INTEGRITY_SIZE):
        return None
    # The signed length ends behind MESSAGE-INTEGRITY (RFC 8489 section 14.5).
    length = position + INTEGRITY_SIZE - HEADER.size
    signed = data[:2] + length.to_bytes(2, "big") + data[4:position]
    return BindingRequest(transaction, local.decode(), remote.decode(), nominated, signed, signature)


def _fingerprint_fits(data: bytes, position: int) -> bool:
    """FINGERPRINT is the last attribute when there is one; ICE demands it (RFC 8445 section 7.1)."""
    if len(data) != position + 8 or ATTRIBUTE.unpack_from(data, position) != (FINGERPRINT, 4):
        return False
    told = int.from_bytes(data[position + 4 : position + 8], "big")
    return told == crc32(data[:position]) ^ FINGERPRINT_MASK


def build_binding_response(request: BindingRequest, address: tuple[str, int], password: str) -> bytes:
    """A success response telling the peer its own address, never larger than twice the smallest request."""
    body = _xor_address(request.transaction, address)
    unsigned = _head(len(body) + INTEGRITY_SIZE, request.transaction) + body
    signature = hmac.digest(password.encode(), unsigned, "sha1")
    body += ATTRIBUTE.pack(MESSAGE_INTEGRITY, 20) + signature
    complete = _head(len(body) + 8, request.transaction) + body
    return complete + ATTRIBUTE.pack(FINGERPRINT, 4) + (crc32(complete) ^ FINGERPRINT_MASK).to_bytes(4, "big")


def _head(length: int, transaction: bytes) -> bytes:
    return HEADER.pack(BINDING_RESPONSE, length, COOKIE, transaction)


def _xor_address(transaction: bytes, address: tuple[str, int]) -> bytes:
    host, port = address
    mask = COOKIE.to_bytes(4, "big") + transaction
    family = 2 if ":" in host else 1
    raw = socket.inet_pton(socket.AF_INET6 if family == 2 else socket.AF_INET, host)
    masked = bytes(a ^ b for a, b in zip(raw, mask, strict=False))
    value = bytes((0, family)) + (port ^ (COOKIE >> 16)).to_bytes(2, "big") + masked
    return ATTRIBUTE.pack(XOR_MAPPED_ADDRESS, len(value)) + value


def candidate_lines(addresses: Sequence[str], port: int, tcp: bool) -> list[str]:
    """Host candidates of component 1, preferring UDP, then earlier addresses (RFC 8839 section 5.1).

    Priorities by RFC 8445 section 5.1.2.1, for TCP by RFC 6544 section 4.2: a lower type preference, and
    direction preference 4 for passive.
    """
    lines = []
    for number, address in enumerate(addresses):
        priority = 126 << 24 | (65535 - number) << 8 | 255
        lines.append(f"a=candidate:{number + 1} 1 udp {priority} {address} {port} typ host")
    for number, address in enumerate(addresses if tcp else ()):
        priority = 90 << 24 | (4 << 13 | 8191 - number) << 8 | 255
        foundation = len(addresses) + number + 1
        lines.append(f"a=candidate:{foundation} 1 tcp {priority} {address} {port} typ host tcptype passive")
    return lines
