"""Which way up a picture is: coordination of video orientation (3GPP TS 26.114 section 7.4.5, RFC 7742).

The last packet of a frame may carry one byte, 0 0 0 0 C F R1 R0. Browsers put it on key frames, on changes
and, because receivers take a frame without it for upright, on every frame that is not upright. So it is
passed on where it stands and nothing has to be remembered here. C (which camera) and F (mirrored) are
passed on too but turn nothing: no browser heeds them, and the film shows what the room saw.
"""

from media.rtp import EXTENSION, HEADER, ONE_BYTE_PROFILE, RtpError, find_extension

URI = "urn:3gpp:video-orientation"
# In our own offers.
OFFERED_ID = 4
LARGEST_VALUE = 0x0F


def read_orientation(data: bytes, extension_id: int) -> int | None:
    """The byte of a packet that `parse_packet` accepted; None without one or when it is not one byte."""
    try:
        value = find_extension(data, extension_id) if extension_id else None
    except RtpError:
        return None
    return value[0] if value is not None and len(value) == 1 and value[0] <= LARGEST_VALUE else None


def rotation_of(orientation: int) -> int:
    """Degrees by which the picture is to be turned clockwise before it is shown: 0, 90, 180 or 270."""
    return (orientation & 0x03) * 90


def oriented_header(
    marker_and_type: int, number: int, timestamp: int, ssrc: int, orientation: int, others: bytes
) -> bytes:
    """An RTP header with the byte under OFFERED_ID; `others` are further one-byte elements (RFC 8285)."""
    elements = bytes((OFFERED_ID << 4, orientation)) + others
    elements += bytes(-len(elements) % 4)
    head = HEADER.pack(0x90, marker_and_type, number, timestamp, ssrc)
    return head + EXTENSION.pack(ONE_BYTE_PROFILE, len(elements) // 4) + elements
