"""A point of measurement: so many rooms of so many peers, everybody publishing to everybody else."""

from dataclasses import dataclass

from bench.traffic import FRAMES_PER_SECOND, PACKETS_PER_FRAME

# One camera and one microphone.
PACKETS_OF_ONE = FRAMES_PER_SECOND * PACKETS_PER_FRAME + 50


@dataclass(frozen=True, order=True)
class Point:
    """`str` and `read_point` write and read it as ROOMSxPEERS."""

    rooms: int
    peers: int

    def __str__(self) -> str:
        return f"{self.rooms}x{self.peers}"

    @property
    def participants(self) -> int:
        """In all rooms together."""
        return self.rooms * self.peers

    @property
    def incoming(self) -> int:
        """Packets a second that the server receives."""
        return self.participants * PACKETS_OF_ONE

    @property
    def forwarded(self) -> int:
        """Packets a second that the server sends."""
        return self.incoming * (self.peers - 1)


def read_point(text: str) -> Point:
    """Read `8x4`. Raises ValueError for anything else, and for rooms in which nobody hears anybody."""
    rooms, sign, peers = text.strip().partition("x")
    if not sign or not rooms.isdigit() or not peers.isdigit() or int(rooms) < 1 or int(peers) < 2:
        raise ValueError(f"{text!r} is no point; write rooms x peers, like 8x4")
    return Point(int(rooms), int(peers))
