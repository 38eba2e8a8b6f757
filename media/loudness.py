"""Who speaks: audio levels told by the senders themselves (RFC 6464)."""

from typing import Any

from media.fastpath import new
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
    """A smoothed level of one microphone: rises at once, falls over about a third of a second.

    `state` is the struct stream it stands in.
    """

    __slots__ = ("_state",)

    def __init__(self, state: Any = None) -> None:
        self._state = state or new("stream")
        self._state.level = float(SILENCE)
        self._state.level_at = float("-inf")

    def receive(self, level: int, now: float) -> None:
        """Take the level of one packet in -dBov."""
        state = self._state
        state.level_at = now
        state.level = level if level < state.level else state.level + (level - state.level) * 0.1

    def level(self, now: float) -> int:
        """The present level in -dBov, 127 when nothing came lately."""
        return SILENCE if now - self._state.level_at > FRESH else round(self._state.level)
