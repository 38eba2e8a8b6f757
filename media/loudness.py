"""Who speaks: audio levels told by the senders themselves (RFC 6464)."""

from media.rtp import RtpError, find_extension

SILENCE = 127
# A level counts for this long; after that the source is taken as silent. Seconds.
FRESH = 0.6


def audio_level(data: bytes, extension_id: int) -> int | None:
    """The level of one packet in -dBov (0 loudest, 127 silence), or None when it tells nothing usable."""
    try:
        value = find_extension(data, extension_id)
    except RtpError:
        return None
    return value[0] & 0x7F if value else None


class Loudness:
    """A smoothed level of one microphone: rises at once, falls over about a third of a second."""

    __slots__ = ("_at", "_level")

    def __init__(self) -> None:
        self._level = float(SILENCE)
        self._at = float("-inf")

    def receive(self, level: int, now: float) -> None:
        """Take the level of one packet in -dBov."""
        self._at = now
        self._level = level if level < self._level else self._level + (level - self._level) * 0.1

    def level(self, now: float) -> int:
        """The present level in -dBov, 127 when nothing came lately."""
        return SILENCE if now - self._at > FRESH else round(self._level)
