"""VP8 payload descriptors (RFC 7741 section 4.2): sizes read, numbers kept unbroken over layer switches."""

from collections import deque


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
    """Translates picture ids and TL0PICIDX of one outgoing stream.

    `restart` with the first payload of another layer continues where `last` left off; `skip` leaves a frame
    out, so that the picture ids of those after it follow each other (TL0PICIDX counts base frames only,
    none of which is left out). Before that, and for payloads without these fields, `translate` changes
    nothing.
    """

    __slots__ = ("_active", "_picture", "_skipped", "_tl0", "last")

    def __init__(self) -> None:
        self.last = b""  # what was sent last, as it came from its layer
        self._picture = 0
        self._tl0 = 0
        self._active = False
        # Original picture ids of frames left out, in order.
        self._skipped: deque[int] = deque(maxlen=MOST_SKIPPED)

    def skip(self, payload: bytes) -> None:
        """This is the first packet of a frame that is left out."""
        at, _, _ = _fields(payload)
        if not at:
            return
        self._skipped.append(_read_picture(payload, at))
        self._picture -= 1
        self._active = True

    def skipped(self, payload: bytes) -> bool:
        """Whether the packet is of a frame that was left out."""
        at, _, _ = _fields(payload)
        return bool(at) and bool(self._skipped) and _read_picture(payload, at) in self._skipped

    def _shift(self, picture: int, is_long: bool) -> int:
        """What to add to a picture id: frames that were left out after it do not count yet."""
        shift, half = self._picture, 0x4000 if is_long else 0x40
        for left_out in reversed(self._skipped):
            if not 0 < (left_out - picture) % (2 * half) < half:
                break
            shift += 1
        return shift

    def restart(self, payload: bytes) -> None:
        """A key frame of another layer follows."""
        old_picture, old_tl0, was_long = _fields(self.last)
        picture, tl0, is_long = _fields(payload)
        if old_picture and picture:
            last = _read_picture(self.last, old_picture)
            last += self._shift(last, was_long)
            self._picture = (last + 1 - _read_picture(payload, picture)) & (0x7FFF if is_long else 0x7F)
        if old_tl0 and tl0:
            self._tl0 = (self.last[old_tl0] + self._tl0 + 1 - payload[tl0]) & 0xFF
        self._active = bool(self._picture or self._tl0)
        self._skipped.clear()

    def translate(self, payload: bytes) -> bytes:
        """The payload with the numbers of the outgoing stream."""
        if not self._active:
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
            changed[tl0] = (payload[tl0] + self._tl0) & 0xFF
        return bytes(changed)


def _read_picture(payload: bytes, offset: int) -> int:
    if payload[offset] & 0x80:
        return (payload[offset] & 0x7F) << 8 | payload[offset + 1]
    return payload[offset]
