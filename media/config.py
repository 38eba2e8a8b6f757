"""Settings of one media worker, read by web/ and handed in; nothing here reads the environment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """`addresses` are offered to browsers as ICE candidates, the preferred one first, each as
    `offered` or `offered=local` (media/addresses.py); `networks` are the CIDR blocks peers may come from,
    all when empty. Times are in seconds, rates in bit/s.
    """

    port: int
    addresses: tuple[str, ...]
    socket_path: str
    networks: tuple[str, ...] = ()
    # Passive ICE-TCP on the same port number (RFC 6544).
    tcp: bool = True
    # recvmmsg and sendmmsg through cffi where the system has them; False forces recvfrom and sendto.
    batched: bool = True
    # The compiled packet path where it was built (media/fastpath.c); False forces Python.
    fast_path: bool = True
    handshake_timeout: float = 15.0
    silence_timeout: float = 3.0
    # Consent expires after 30 s (RFC 7675 section 5.1).
    consent_timeout: float = 30.0
    controller_timeout: float = 120.0
    key_frame_interval: float = 0.5
    video_bitrate: int = 2_500_000
    # 0: no trace of it; "info" tells of transports and rooms.
    log_level: str = "info"
