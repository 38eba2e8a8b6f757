"""`serve --lan`: our own certificate authority, kept in the state directory, and how to trust it."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509

RENEW_BEFORE = timedelta(days=30)
LIFETIME = timedelta(days=365)


@dataclass(frozen=True)
class LanCertificate:
    authority: Path  # The certificate that devices are asked to trust.
    certificate: Path
    key: Path
    addresses: tuple[str, ...]


def lan_addresses() -> tuple[str, ...]:
    """Addresses of this machine in local networks, the one of the default route first; never loopback."""
    found = [_address_towards(target) for target in ("192.0.2.1", "10.255.255.255")]
    with contextlib.suppress(OSError):
        found += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    usable = [address for address in found if address and not ipaddress.ip_address(address).is_loopback]
    return tuple(dict.fromkeys(usable))


def lan_certificate(directory: Path, addresses: tuple[str, ...]) -> LanCertificate:
    """A certificate for localhost and `addresses`; kept while it fits, made again when they change."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = _authority(directory)
    names = ("localhost", "127.0.0.1", *addresses)
    stem = "lan-" + hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    certificate, key = directory / f"{stem}.pem", directory / f"{stem}.key"
    if not _still_good(certificate) or not key.exists():
        made = authority.issue_cert(*names, not_after=datetime.now(UTC) + LIFETIME)
        _write(key, made.private_key_pem.bytes())
        _write(certificate, b"".join(part.bytes() for part in made.cert_chain_pems))
    return LanCertificate(directory / "authority.pem", certificate, key, addresses)


def _authority(directory: Path) -> trustme.CA:
    certificate, key = directory / "authority.pem", directory / "authority.key"
    if _still_good(certificate) and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    made = trustme.CA(
        organization_name="Lianxin local authority", organization_unit_name=socket.gethostname()
    )
    _write(key, made.private_key_pem.bytes())
    _write(certificate, made.cert_pem.bytes())
    return made


def _still_good(path: Path) -> bool:
    if not path.exists():
        return False
    return (
        x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
        > datetime.now(UTC) + RENEW_BEFORE
    )


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(path)


def _address_towards(target: str) -> str:
    """Our source address towards `target`; connecting a UDP socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
        except OSError:
            return ""
