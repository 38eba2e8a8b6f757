"""RTP packets as they arrive (RFC 3550 section 5.1) and their header extensions (RFC 8285)."""

from struct import Struct

HEADER = Struct("!BBHLL")
HEADER_LENGTH = 12
# A header with one extension of two bytes: profile, length in words, element, value, padding.
NUMBERED_HEADER = Struct("!BBHLLHHBHB")
EXTENSION = Struct("!HH")
ONE_BYTE_PROFILE = 0xBEDE
# The low four bits of the two-byte profile are application bits (RFC 8285 section 4.3).
TWO_BYTE_PROFILE = 0x100


class RtpError(ValueError):
    """The bytes are not an acceptable RTP packet."""


class Packet:
    """One decrypted RTP packet. Immutable by agreement: the same object goes to every sink.

    `payload` excludes header, extensions and padding. `index` is the sequence number unwrapped to a
    growing integer by its Layer, which is `layer`. `key_frame` is None for audio; `audio_level` is in -dBov
    (0 loudest, 127 silence) or None when the sender does not tell (RFC 6464); `orientation` is the byte of
    media/orientation.py where the packet carries it. Of sound that repeats itself `payload` is the primary
    block once media/redundancy.py has seen it, and `redundant` all of it; else that is None. What came as a
    retransmission under another SSRC (media/repair.py) is `repeated`.
    """

    __slots__ = (
        "audio_level",
        "data",
        "index",
        "key_frame",
        "layer",
        "marker",
        "orientation",
        "payload",
        "payload_end",
        "payload_offset",
        "payload_type",
        "redundant",
        "repeated",
        "sequence_number",
        "ssrc",
        "timestamp",
    )

    def __init__(
        self,
        data: bytes,
        payload_type: int,
        sequence_number: int,
        timestamp: int,
        ssrc: int,
        marker: bool,
        payload_offset: int,
        payload_end: int,
        key_frame: bool | None = None,
        audio_level: int | None = None,
    ) -> None:
        self.data = data
        self.payload_type = payload_type
        self.sequence_number = sequence_number
        self.timestamp = timestamp
        self.ssrc = ssrc
        self.marker = marker
        self.payload_offset = payload_offset
        self.payload_end = payload_end
        self.payload = data[payload_offset:payload_end]
        self.key_frame = key_frame
        self.audio_level = audio_level
        self.index = sequence_number
        self.layer: object = None
        self.redundant: bytes | None = None
        self.repeated = False
        self.orientation: int | None = None


def parse_packet(data: bytes) -> Packet:
    """Parse a decrypted RTP packet. Raises RtpError for whatever is not one."""
    length = len(data)
    if length < HEADER_LENGTH:
        raise RtpError("shorter than a header")
    first, second, sequence_number, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise RtpError("wrong version")
    offset = HEADER_LENGTH + 4 * (first & 0x0F)
    if first & 0x10:
        offset = _end_of_extensions(data, offset)
    end = length
    if first & 0x20:
        padding = data[-1]
        if not padding:
            raise RtpError("padding of length zero")
        end -= padding
    if end < offset:
        raise RtpError("header or padding runs past the end")
    return Packet(data, second & 0x7F, sequence_number, timestamp, ssrc, second >= 0x80, offset, end)


def _end_of_extensions(data: bytes, offset: int) -> int:
    if len(data) < offset + 4:
        raise RtpError("extension header runs past the end")
    return offset + 4 + 4 * int.from_bytes(data[offset + 2 : offset + 4], "big")


def find_extension(data: bytes, extension_id: int) -> bytes | None:
    """The value of one header extension of a packet that `parse_packet` accepted, or None.

    Raises RtpError when an element runs past the end of the extension block.
    """
    if not data[0] & 0x10:
        return None
    offset = HEADER_LENGTH + 4 * (data[0] & 0x0F)
    profile, words = EXTENSION.unpack_from(data, offset)
    block = data[offset + 4 : offset + 4 + 4 * words]
    if profile == ONE_BYTE_PROFILE:
        return _find_one_byte(block, extension_id)
    if profile >> 4 == TWO_BYTE_PROFILE:
        return _find_two_byte(block, extension_id)
    return None


def _find_one_byte(block: bytes, extension_id: int) -> bytes | None:
    position = 0
    while position < len(block):
        head = block[position]
        position += 1
        if not head:
            continue  # padding
        if head >> 4 == 15:
            return None  # "stop here" (RFC 8285 section 4.2)
        end = position + (head & 0x0F) + 1
        if end > len(block):
            raise RtpError("extension element runs past the end")
        if head >> 4 == extension_id:
            return block[position:end]
        position = end
    return None


def _find_two_byte(block: bytes, extension_id: int) -> bytes | None:
    position = 0
    while position < len(block):
        if not block[position]:
            position += 1
            continue  # padding
        if position + 2 > len(block):
            raise RtpError("extension element is truncated")
        end = position + 2 + block[position + 1]
        if end > len(block):
            raise RtpError("extension element runs past the end")
        if block[position] == extension_id:
            return block[position + 2 : end]
        position = end
    return None
