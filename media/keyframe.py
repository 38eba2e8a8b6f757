"""Where a key frame begins, and how often one may be asked for."""

NAL_TYPE = 0x1F
IDR = 5
SPS = 7
STAP_A = 24
FU_A = 28


def begins_key_frame(codec: str, payload: bytes) -> bool:
    """Whether this RTP payload holds the beginning of a key frame. False for truncated payloads."""
    if codec == "VP8":
        return begins_vp8_key_frame(payload)
    if codec == "H264":
        return begins_h264_key_frame(payload)
    return False


def begins_vp8_key_frame(payload: bytes) -> bool:
    """VP8 payload descriptor and frame header (RFC 7741 sections 4.2 and 4.3)."""
    length = len(payload)
    if length < 1:
        return False
    first = payload[0]
    # Only the first partition's start (S set, partition 0) carries the frame header.
    if not first & 0x10 or first & 0x07:
        return False
    offset = 1
    if first & 0x80:
        if length < 2:
            return False
        extension = payload[1]
        offset = 2
        if extension & 0x80:
            offset += 2 if length > 2 and payload[2] & 0x80 else 1
        if extension & 0x40:
            offset += 1
        if extension & 0x30:
            offset += 1
    # The P bit is clear in a key frame.
    return length > offset and not payload[offset] & 0x01


def begins_h264_key_frame(payload: bytes) -> bool:
    """A parameter set or the start of an IDR slice, alone, aggregated or fragmented (RFC 6184 section 5)."""
    if len(payload) < 2:
        return False
    kind = payload[0] & NAL_TYPE
    if kind in (IDR, SPS):
        return True
    if kind == FU_A:
        return bool(payload[1] & 0x80) and payload[1] & NAL_TYPE in (IDR, SPS)
    if kind == STAP_A:
        return _aggregate_has_key_frame(payload)
    return False


def _aggregate_has_key_frame(payload: bytes) -> bool:
    position = 1
    while position + 2 < len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        if size and payload[position + 2] & NAL_TYPE in (IDR, SPS):
            return True
        position += 2 + size
    return False


# Whoever has no picture at all waits so long at most for the answer to somebody else's request. Seconds.
FIRST_INTERVAL = 0.1


class KeyFrameThrottle:
    """Lets one request through per interval (seconds); one that came too early waits for its turn.

    A request of somebody who has seen nothing yet waits for FIRST_INTERVAL only: there is one of those
    for each beginning, so they need no further limit.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._asked_at = self._waits_until = float("-inf")
        # Whether somebody waits for his request to be sent.
        self.is_wanted = False
        self._first = False

    def want(self, first: bool = False) -> None:
        """Somebody needs a key frame, `first` when it is the one to begin with."""
        self.is_wanted = True
        self._first = self._first or first

    def wait(self, until: float) -> None:
        """No request before that moment."""
        self._waits_until = until

    def satisfy(self) -> None:
        """A key frame came; whoever was waiting has it."""
        self.is_wanted = self._first = False

    def due(self, now: float) -> bool:
        """Whether to send a request upstream now."""
        interval = FIRST_INTERVAL if self._first else self._interval
        if not self.is_wanted or now - self._asked_at < interval or now < self._waits_until:
            return False
        self.is_wanted = self._first = False
        self._asked_at = now
        return True
