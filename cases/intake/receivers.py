"""Where events may be sent: to whom HTTPS is not asked of, and which networks may be reached at all.

Without this a subscription would be a way into the house's own network (server-side request forgery): a name
is held against the list again when it has become an address, each time something is sent.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from cases.errors import Invalid

LONGEST = 500
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Receivers:
    """`plain_hosts` may be reached by http; `networks` beside what is reachable from everywhere."""

    plain_hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, plain_hosts: Iterable[str], networks: Iterable[str]) -> Receivers:
        """From the words of the settings. Raises ValueError for what is no network."""
        found = tuple(ipaddress.ip_network(each) for each in networks)
        return cls(frozenset(host.lower() for host in plain_hosts), found)

    def permits(self, host: str) -> bool:
        """Whether this IP address may be reached: global ones, and those of the permitted networks."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        listed = any(address in network for network in self.networks if network.version == address.version)
        return listed or (address.is_global and not address.is_multicast)

    def check(self, address: str) -> str:
        """The address as it is kept. Raises Invalid at `address`; names are resolved by whoever sends."""
        try:
            parts = urlsplit(address.strip())
            host, _ = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise _bad(
                "bad_address", "地址写得不对，例如 https://petition.example.gov.cn/events。"
            ) from error
        plain = address.isascii() and address.isprintable() and " " not in address.strip()
        if parts.scheme not in ("https", "http") or not host or not plain or len(address) > LONGEST:
            raise _bad("bad_address", "地址写得不对，例如 https://petition.example.gov.cn/events。")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise _bad("bad_address", "地址里不能有用户名、密码和 # 后面的内容。")
        if parts.scheme == "http" and host not in self.plain_hosts:
            raise _bad("https_needed", "请用 https 地址；不加密的地址要先由运维人员在设置里写明。")
        if _is_literal(host) and not self.permits(host):
            raise _bad("network_not_permitted", "这个网段不在允许推送的名单里，请联系运维人员。")
        return address.strip()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        # 0x7f.1, 2130706433 and the like are names to us, and addresses to a resolver, which is asked later.
        return False
    return True


def _bad(code: str, message: str) -> Invalid:
    return Invalid(code, message, "address")
