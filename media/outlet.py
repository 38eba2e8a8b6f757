"""The way out of one peer, as a Subscription sees its transport."""

from typing import Protocol


class Outlet(Protocol):
    """The transport as a Subscription sees it."""

    @property
    def ready(self) -> bool:
        """Whether media can be sent."""

    def send_rtp(
        self,
        marker_and_type: int,
        number: int,
        timestamp: int,
        ssrc: int,
        payload: bytes,
        padding: int = 0,
    ) -> None:
        """Send one packet; `padding` is 0x20 when it ends with padding."""

    def send_oriented(
        self, marker_and_type: int, number: int, timestamp: int, ssrc: int, payload: bytes, orientation: int
    ) -> None:
        """Send one packet that tells which way up its picture is (media/orientation.py)."""

    def send_rtcp(self, data: bytes) -> None:
        """Send one compound packet."""
