"""Which codecs of an m-section are taken, and what may accompany them: RTX (RFC 4588), RED (RFC 2198)."""

from media.description import Codec, MediaSection

OPUS_FMTP = "minptime=10;useinbandfec=1"
DEFAULT_AUDIO = Codec(111, "opus", 48000, 2, OPUS_FMTP)
DEFAULT_VIDEO = Codec(96, "VP8", 90000, 0)
# In our own offers the payload type of a retransmission is so much above that of its video.
REPAIR_DISTANCE = 16
OFFERED_REDUNDANCY = Codec(63, "red", 48000, 2, "111/111")


def choose(section: MediaSection) -> Codec | None:
    """The first codec in the offer's order that we forward and record, or None."""
    usable = [named for codec in section.codecs if (named := _usable(section, codec)) is not None]
    if not usable:
        return None
    first = usable[0]
    if first.name != "H264":
        return first
    # Constrained baseline is what every receiver decodes (RFC 7742 section 6.2).
    baseline = [c for c in usable if c.name == "H264" and _profile(c)[:2] == "42"]
    return baseline[0] if baseline else first


def _usable(section: MediaSection, codec: Codec) -> Codec | None:
    name = codec.name.lower()
    if section.kind == "audio" and name == "opus" and codec.clock_rate == 48000:
        return Codec(codec.payload_type, "opus", 48000, 2, OPUS_FMTP)
    if section.kind == "video" and name == "vp8" and codec.clock_rate == 90000:
        return Codec(codec.payload_type, "VP8", 90000, 0)
    if section.kind == "video" and name == "h264" and _parameter(codec, "packetization-mode") == "1":
        profile = _profile(codec)
        fmtp = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"
        return Codec(codec.payload_type, "H264", 90000, 0, fmtp) if _is_profile(profile) else None
    return None


def _parameter(codec: Codec, name: str) -> str:
    pairs = (part.strip().partition("=") for part in codec.fmtp.split(";"))
    return next((value for key, _, value in pairs if key == name), "")


def _profile(codec: Codec) -> str:
    # 420010 is the default of RFC 6184 section 8.1.
    return _parameter(codec, "profile-level-id").lower() or "420010"


def _is_profile(text: str) -> bool:
    return len(text) == 6 and all(c in "0123456789abcdef" for c in text)


def repair_of(codec: Codec) -> Codec:
    """The retransmissions that we offer beside a video codec."""
    return _rtx(codec.payload_type + REPAIR_DISTANCE, codec.payload_type)


def choose_repair(section: MediaSection, codec: Codec) -> Codec | None:
    """What the section has for retransmissions of this very codec (apt=, RFC 4588 section 8.1), or None."""
    if section.kind != "video":
        return None
    wanted = str(codec.payload_type)
    for found in section.codecs:
        is_rtx = found.name.lower() == "rtx" and found.clock_rate == codec.clock_rate
        if is_rtx and _parameter(found, "apt") == wanted and found.payload_type != codec.payload_type:
            return _rtx(found.payload_type, codec.payload_type)
    return None


def choose_redundancy(section: MediaSection, codec: Codec) -> Codec | None:
    """What the section has for this very codec repeated (RFC 2198 section 5), or None."""
    if section.kind != "audio":
        return None
    for found in section.codecs:
        repeats = set(found.fmtp.split("/")) == {str(codec.payload_type)}
        if found.name.lower() == "red" and found.clock_rate == codec.clock_rate and repeats:
            return Codec(found.payload_type, "red", codec.clock_rate, codec.channels, found.fmtp)
    return None


def _rtx(payload_type: int, of: int) -> Codec:
    return Codec(payload_type, "rtx", 90000, 0, f"apt={of}")
