"""Where a worker listens, and what it offers to browsers.

A setting names an address that browsers can reach (`203.0.113.7`), or says which address of this machine
stands behind it (`203.0.113.7=10.0.0.5`). A socket is bound to each address of this machine, so that an
answer leaves from the address that was asked; a socket bound to all of them answers from whichever the
route back prefers, and browsers drop such an answer (RFC 8445 section 7.2.5.2.1).
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

WILDCARD = {4: "0.0.0.0", 6: "::"}


@dataclass(frozen=True, slots=True)
class Address:
    """`offered` goes into candidates; `local` is bound to, a wildcard when it is not of this machine."""

    offered: str
    local: str


def read_address(text: str) -> Address:
    """Read one setting. Raises ValueError with the reason when no browser could use it."""
    offered, equals, local = (part.strip() for part in text.partition("="))
    if not equals:
        return Address(_usable(offered), offered if is_local(offered) else _wildcard(offered))
    if ip_address(offered).version != ip_address(local).version:
        raise ValueError(f"{text}: one is IPv4, the other IPv6")
    return Address(_usable(offered), str(ip_address(local)))


def read_addresses(texts: Sequence[str]) -> tuple[Address, ...]:
    """Read a list of settings, the preferred one first."""
    return tuple(read_address(text) for text in texts)


def local_addresses(addresses: Sequence[Address]) -> tuple[str, ...]:
    """What to bind to: each once, wildcards last."""
    distinct = dict.fromkeys(address.local for address in addresses)
    return tuple(sorted(distinct, key=lambda local: local in WILDCARD.values()))


def is_local(text: str) -> bool:
    """Whether an address is of this machine."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((text, 0))
        except OSError:
            return False
    return True


def _usable(text: str) -> str:
    address = ip_address(text)
    mapped = isinstance(address, IPv6Address) and (address.ipv4_mapped or address.is_link_local)
    if address.is_multicast or address.is_unspecified or mapped:
        raise ValueError(f"{text} cannot be offered to browsers")
    return str(address)


def _wildcard(text: str) -> str:
    return WILDCARD[ip_address(text).version]
