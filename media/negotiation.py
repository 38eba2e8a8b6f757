"""Offers and answers of the media worker (RFC 8829, RFC 8843, RFC 8839 section 4.2 for ICE-lite).

Answering a publisher, one codec per m-section is chosen, so that it is known before the first packet;
beside it only what retransmits it. What is not negotiated here is not expected later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from media.aiortc_port import Fingerprint
from media.codecs import OFFERED_REDUNDANCY, choose, choose_redundancy, choose_repair, repair_of
from media.description import Codec, Description, MediaSection
from media.ice import Credentials, candidate_lines
from media.orientation import OFFERED_ID as OFFERED_ORIENTATION_ID
from media.orientation import URI as ORIENTATION_URI
from media.transportwide import URI as TRANSPORT_WIDE_URI

AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID_URI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RID_URI = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
START_BITRATE = 1000
VIDEO_FEEDBACK = ("ccm fir", "nack", "nack pli")
AUDIO_FEEDBACK = ("nack",)
TRANSPORT_WIDE, REMB = "transport-cc", "goog-remb"
OFFERED_TRANSPORT_WIDE_ID = 3


@dataclass(frozen=True, slots=True)
class LocalEnd:
    """What every description of ours says about this end."""

    credentials: Credentials
    fingerprint: Fingerprint
    addresses: tuple[str, ...]
    port: int
    tcp: bool = False
    # Of our o= line; tells a peer which offers belong to one transport, also after an ICE restart.
    session_id: int = 1


@dataclass(frozen=True, slots=True)
class Accepted:
    """One m-section of an offer that we take; ids of header extensions are 0 where it has none.

    `transport_wide_id` is not 0 when the sender wants transport-wide feedback, else it gets REMB.
    `rids` are the simulcast layers, none for an ordinary stream. `repair` is for retransmissions, whose
    packets may name the layer that they repair (RFC 8852 section 4). `redundancy` is sound that
    repeats itself.
    """

    section: MediaSection
    codec: Codec
    audio_level_id: int
    mid_id: int
    transport_wide_id: int
    rid_id: int
    rids: tuple[str, ...]
    orientation_id: int = 0
    repair: Codec | None = None
    repaired_rid_id: int = 0
    redundancy: Codec | None = None

    def carries(self, payload_type: int) -> bool:
        """Whether packets of that type are media of this section; retransmissions are not."""
        again = self.redundancy
        return payload_type == self.codec.payload_type or (
            again is not None and again.payload_type == payload_type
        )

    @property
    def codecs(self) -> list[Codec]:
        """All that may come, in the order of the offer: a browser repeats its sound if that stands first."""
        taken = {c.payload_type: c for c in (self.codec, self.repair, self.redundancy) if c is not None}
        return [taken[c.payload_type] for c in self.section.codecs if c.payload_type in taken]


@dataclass(frozen=True, slots=True)
class OfferedStream:
    """One m-section of our own offer; `ssrc` None leaves it inactive. `stream` and `name` go into msid.

    `repair_ssrc` is for retransmissions of video.
    """

    mid: str
    codec: Codec
    ssrc: int | None
    stream: str
    name: str
    repair_ssrc: int | None = None


def accept(description: Description) -> list[Accepted | None]:
    """For each m-section of an offer: what we take of it, or None to reject it."""
    return [_accept_section(section, description) for section in description.sections]


def _accept_section(section: MediaSection, description: Description) -> Accepted | None:
    if section.is_rejected or section.media_kind is None or section.mid not in description.bundle:
        return None
    codec = choose(section) if section.has_rtcp_mux else None
    if codec is None:
        return None
    level = _extension(section, AUDIO_LEVEL_URI) if section.kind == "audio" else 0
    mid_id, rid_id = _extension(section, MID_URI), _extension(section, RID_URI)
    layered = section.kind == "video" and mid_id and rid_id and len(section.rids) > 1
    rids = tuple(section.rids) if layered else ()
    turn_id = _extension(section, ORIENTATION_URI) if section.kind == "video" else 0
    wide_id = _transport_wide(section)
    repair = choose_repair(section, codec)
    repaired = _extension(section, REPAIRED_RID_URI) if layered and repair else 0
    rid_id = rid_id if layered else 0
    again = choose_redundancy(section, codec)
    return Accepted(section, codec, level, mid_id, wide_id, rid_id, rids, turn_id, repair, repaired, again)


def _transport_wide(section: MediaSection) -> int:
    number = _extension(section, TRANSPORT_WIDE_URI) if TRANSPORT_WIDE in section.feedback else 0
    return number if number < 15 else 0  # Larger ones need two-byte elements, which we do not answer.


def _extension(section: MediaSection, uri: str) -> int:
    number = section.extensions.get(uri, 0)
    return number if 1 <= number <= 255 else 0


def build_answer(accepted: Sequence[Accepted | None], description: Description, end: LocalEnd) -> str:
    """The answer to a publisher: we receive, we wait for its handshake, we are ICE-lite."""
    taken = [a.section.mid for a in accepted if a is not None]
    lines = _session_lines(end.session_id, 1, taken)
    for section, choice in zip(description.sections, accepted, strict=True):
        if choice is None:
            lines += [f"m={section.kind} 0 UDP/TLS/RTP/SAVPF 0", "c=IN IP4 0.0.0.0", "a=inactive"]
            lines.append(f"a=mid:{section.mid}")
            continue
        sends = section.direction in ("sendrecv", "sendonly")
        setup = "active" if description.setup == "passive" else "passive"
        codecs = [_brisk(codec) for codec in choice.codecs]
        lines += _media_lines(section.kind, codecs, section.mid, end, setup)
        lines += _feedback_lines(section.kind, choice.codec, bool(choice.transport_wide_id))
        lines.append("a=recvonly" if sends else "a=inactive")
        lines += _extension_lines(choice)
        lines += [f"a=rid:{rid} recv" for rid in choice.rids]
        lines += [f"a=simulcast:recv {';'.join(choice.rids)}"] if choice.rids else []
    return "\r\n".join(lines) + "\r\n"


def _extension_lines(choice: Accepted) -> list[str]:
    wanted = {
        AUDIO_LEVEL_URI: choice.audio_level_id,
        MID_URI: choice.mid_id,
        TRANSPORT_WIDE_URI: choice.transport_wide_id,
        RID_URI: choice.rid_id,
        ORIENTATION_URI: choice.orientation_id,
        REPAIRED_RID_URI: choice.repaired_rid_id,
    }
    return [f"a=extmap:{number} {uri}" for uri, number in wanted.items() if number]


def _feedback_lines(kind: str, codec: Codec, transport_wide: bool) -> list[str]:
    wanted = VIDEO_FEEDBACK if kind == "video" else AUDIO_FEEDBACK
    if transport_wide:
        wanted = (TRANSPORT_WIDE, *wanted)
    elif kind == "video":
        wanted = (REMB, *wanted)
    return [f"a=rtcp-fb:{codec.payload_type} {what}" for what in wanted]


def _brisk(codec: Codec) -> Codec:
    """Tell Chromium where to begin (kbit/s), or it sends a small picture until its estimate has climbed."""
    if codec.name not in ("VP8", "H264"):
        return codec
    hint = f"x-google-start-bitrate={START_BITRATE}"
    return replace(codec, fmtp=f"{codec.fmtp};{hint}" if codec.fmtp else hint)


def build_offer(streams: Sequence[OfferedStream], version: int, end: LocalEnd) -> str:
    """The offer to a subscriber. The order of `streams` must never change, only grow."""
    lines = _session_lines(end.session_id, version, [stream.mid for stream in streams])
    for stream in streams:
        kind = "audio" if stream.codec.name == "opus" else "video"
        companion = repair_of(stream.codec) if kind == "video" else OFFERED_REDUNDANCY
        lines += _media_lines(kind, [stream.codec, companion], stream.mid, end, "actpass")
        lines += _feedback_lines(kind, stream.codec, True)
        lines += [f"a=rtcp-fb:{stream.codec.payload_type} {REMB}"] if kind == "video" else []
        lines.append(f"a=extmap:{OFFERED_TRANSPORT_WIDE_ID} {TRANSPORT_WIDE_URI}")
        lines += [f"a=extmap:{OFFERED_ORIENTATION_ID} {ORIENTATION_URI}"] if kind == "video" else []
        if stream.ssrc is None:
            lines.append("a=inactive")
            continue
        lines += ["a=sendonly", f"a=msid:{stream.stream} {stream.name}"]
        ssrcs = [stream.ssrc, *([stream.repair_ssrc] if stream.repair_ssrc else [])]
        lines += [f"a=ssrc-group:FID {stream.ssrc} {stream.repair_ssrc}"] if len(ssrcs) > 1 else []
        for ssrc in ssrcs:
            lines.append(f"a=ssrc:{ssrc} cname:{stream.stream}")
            lines.append(f"a=ssrc:{ssrc} msid:{stream.stream} {stream.name}")
    return "\r\n".join(lines) + "\r\n"


def numbers_wanted(answer: Description) -> bool:
    """Whether all m-lines that are received agree to our transport-wide numbers."""
    taken = [s for s in answer.sections if not s.is_rejected and s.media_kind is not None]
    return bool(taken) and all(
        s.extensions.get(TRANSPORT_WIDE_URI) == OFFERED_TRANSPORT_WIDE_ID and TRANSPORT_WIDE in s.feedback
        for s in taken
    )


def orientation_wanted(section: MediaSection) -> bool:
    """Whether this m-line of an answer agrees to be told which way up its pictures are."""
    return section.extensions.get(ORIENTATION_URI) == OFFERED_ORIENTATION_ID


def _session_lines(session_id: int, version: int, mids: Sequence[str]) -> list[str]:
    return [
        "v=0",
        f"o=lianxin {session_id} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        *([f"a=group:BUNDLE {' '.join(mids)}"] if mids else []),
        "a=msid-semantic: WMS *",
    ]


def _media_lines(kind: str, codecs: Sequence[Codec], mid: str, end: LocalEnd, setup: str) -> list[str]:
    numbers = " ".join(str(codec.payload_type) for codec in codecs)
    lines = [f"m={kind} 9 UDP/TLS/RTP/SAVPF {numbers}", "c=IN IP4 0.0.0.0", f"a=mid:{mid}"]
    lines += ["a=rtcp-mux", "a=rtcp-rsize"]
    for codec in codecs:
        channels = f"/{codec.channels}" if codec.channels else ""
        lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}")
        lines += [f"a=fmtp:{codec.payload_type} {codec.fmtp}"] if codec.fmtp else []
    lines += [
        f"a=ice-ufrag:{end.credentials.fragment}",
        f"a=ice-pwd:{end.credentials.password}",
        f"a=fingerprint:{end.fingerprint.algorithm} {end.fingerprint.value}",
        f"a=setup:{setup}",
    ]
    lines += candidate_lines(end.addresses, end.port, end.tcp)
    return [*lines, "a=end-of-candidates"]
