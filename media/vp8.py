"""VP8 payload descriptors (RFC 7741 section 4.2): sizes read, numbers kept unbroken over layer switches."""

from collections import deque
from typing import Any

from media.fastpath import new


def _fields(payload: bytes) -> tuple[int, int, bool]:
    """Offsets of picture id and TL0PICIDX, 0 where missing, and whether the picture id has 15 bits."""
    if len(payload) < 3 or not payload[0] & 0x80:
        return 0, 0, False
    bits = payload[1]
    picture = 2 if bits & 0x80 else 0
    is_long = bool(picture) and bool(payload[2] & 0x80)
    tl0 = 2 + (1 + is_long if picture else 0) if bits & 0x40 else 0
    if max(picture + is_long, tl0) >= len(payload):
        return 0, 0, False
    return picture, tl0, is_long


def frame_height(payload: bytes) -> int:
    """Pixels, of a payload that begins a key frame (RFC 6386 section 9.1); 0 when it is cut short."""
    offset = 1
    if payload[0] & 0x80 and len(payload) > 2:
        bits = payload[1]
        offset = 2
        if bits & 0x80:
            offset += 2 if payload[2] & 0x80 else 1
        offset += bool(bits & 0x40) + bool(bits & 0x30)
    if payload[offset + 3 : offset + 6] != b"\x9d\x01\x2a" or len(payload) < offset + 10:
        return 0
    return (payload[offset + 8] | payload[offset + 9] << 8) & 0x3FFF


# Frames left out that are remembered, less than half of what a picture id of 7 bits counts.
MOST_SKIPPED = 60


class PictureNumbers:
    """Translates picture ids and TL0PICIDX of one outgoing stream, in the struct subscription `state`.

    `note` remembers the numbers of the furthest payload sent; `restart` with the first payload of another
    layer continues where it left off; `skip` leaves a frame out, so that the picture ids of those after it
    follow each other (TL0PICIDX counts base frames only, none of which is left out). Before that, and for
    payloads without these fields, `translate` changes nothing.
    """

    __slots__ = ("_skipped", "_state")

    def __init__(self, state: Any = None) -> None:
        self._state = state = state or new("subscription")
        state.has_pictures = 1
        state.last_picture = state.last_tl0 = -1
        # Original picture ids of frames left out, in order.
        self._skipped: deque[int] = deque(maxlen=MOST_SKIPPED)

    def note(self, payload: bytes) -> None:
        """This was sent, as it came from its layer, and nothing further has been."""
        state = self._state
        picture, tl0, state.last_is_long = _fields(payload)
        state.last_picture = _read_picture(payload, picture) if picture else -1
        state.last_tl0 = payload[tl0] if tl0 else -1

    def skip(self, payload: bytes) -> None:
        """This is the first packet of a frame that is left out."""
        at, _, _ = _fields(payload)
        if not at:
            return
        self._skipped.append(_read_picture(payload, at))
        self._state.picture_shift = (self._state.picture_shift - 1) & 0x7FFF
        self._state.is_shifted = True

    def skipped(self, payload: bytes) -> bool:
        """Whether the packet is of a frame that was left out."""
        at, _, _ = _fields(payload)
        return bool(at) and bool(self._skipped) and _read_picture(payload, at) in self._skipped

    def _shift(self, picture: int, is_long: bool) -> int:
        """What to add to a picture id: frames that were left out after it do not count yet."""
        shift, half = int(self._state.picture_shift), 0x4000 if is_long else 0x40
        for left_out in reversed(self._skipped):
            if not 0 < (left_out - picture) % (2 * half) < half:
                break
            shift += 1
        return shift

    def restart(self, payload: bytes) -> None:
        """A key frame of another layer follows."""
        state = self._state
        picture, tl0, is_long = _fields(payload)
        if state.last_picture >= 0 and picture:
            last = state.last_picture
            last += self._shift(last, bool(state.last_is_long))
            mask = 0x7FFF if is_long else 0x7F
            state.picture_shift = (last + 1 - _read_picture(payload, picture)) & mask
        if state.last_tl0 >= 0 and tl0:
            state.tl0_shift = (state.last_tl0 + state.tl0_shift + 1 - payload[tl0]) & 0xFF
        state.is_shifted = bool(state.picture_shift or state.tl0_shift)
        self._skipped.clear()

    def translate(self, payload: bytes) -> bytes:
        """The payload with the numbers of the outgoing stream."""
        state = self._state
        if not state.is_shifted:
            return payload
        picture, tl0, is_long = _fields(payload)
        if not picture and not tl0:
            return payload
        changed = bytearray(payload)
        if is_long:
            number = _read_picture(payload, picture)
            number += self._shift(number, True)
            changed[picture] = 0x80 | number >> 8 & 0x7F
            changed[picture + 1] = number & 0xFF
        elif picture:
            changed[picture] = (payload[picture] + self._shift(payload[picture], False)) & 0x7F
        if tl0:
            changed[tl0] = (payload[tl0] + state.tl0_shift) & 0xFF
        return bytes(changed)


def _read_picture(payload: bytes, offset: int) -> int:
    if payload[offset] & 0x80:
        return (payload[offset] & 0x7F) << 8 | payload[offset + 1]
    return payload[offset]
