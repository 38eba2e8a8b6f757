"""From which networks peers may come."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class Networks:
    """An allow-list of CIDR blocks; an empty one allows everybody. Raises ValueError for a bad block."""

    def __init__(self, blocks: Sequence[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(block.strip()) for block in blocks]

    def allow(self, host: str) -> bool:
        """Whether a peer may come from this address."""
        if not self._networks:
            return True
        address = ip_address(host)
        return any(address in network for network in self._networks)
