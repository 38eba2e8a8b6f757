"""The little SDP a load peer speaks (RFC 8866, RFC 8829): written by hand, read line by line."""

from dataclasses import dataclass, field
from typing import Literal

Direction = Literal["sendonly", "recvonly", "sendrecv", "inactive"]

OPUS = 111
VP8 = 96
AUDIO_LEVEL_ID = 1
MID_ID = 4
TRANSPORT_WIDE_ID = 5
TRANSPORT_WIDE_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"


@dataclass
class MediaSection:
    """One m-section: what it carries, and the lines an answer has to mirror."""

    kind: str
    mid: str
    port: int = 9
    payload_types: list[int] = field(default_factory=list)
    codecs: dict[int, str] = field(default_factory=dict)
    direction: str = "sendrecv"
    ssrcs: list[int] = field(default_factory=list)
    # The id of the transport-wide numbers, 0 when they are not offered.
    transport_wide_id: int = 0


@dataclass
class Description:
    """A remote description: ICE, DTLS and the m-sections in order."""

    ufrag: str = ""
    password: str = ""
    fingerprint: tuple[str, str] = ("", "")
    setup: str = "actpass"
    addresses: list[tuple[str, int]] = field(default_factory=list)
    sections: list[MediaSection] = field(default_factory=list)


@dataclass(frozen=True)
class LocalTransport:
    """Our half of ICE and DTLS, as it stands in every description we send."""

    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    address: tuple[str, int]
    session_id: int = 1


@dataclass(frozen=True)
class OfferedTrack:
    """One track of a publish offer."""

    kind: Literal["audio", "video"]
    mid: str
    ssrc: int


def read_description(sdp: str) -> Description:
    """Read what a peer needs of a server's description. Unknown lines are passed over."""
    description = Description()
    for line in sdp.splitlines():
        name, _, value = line.partition("=")
        if name == "m":
            kind, port, _protocol, *formats = value.split()
            payload_types = [int(item) for item in formats if item.isdigit()]
            description.sections.append(MediaSection(kind, "", int(port), payload_types))
        elif name == "a":
            _read_attribute(description, value)
    return description


def _read_attribute(description: Description, value: str) -> None:
    key, _, rest = value.partition(":")
    if key == "ice-ufrag":
        description.ufrag = rest
    elif key == "ice-pwd":
        description.password = rest
    elif key == "fingerprint":
        algorithm, _, digest = rest.partition(" ")
        description.fingerprint = (algorithm, digest)
    elif key == "setup":
        description.setup = rest
    elif key == "candidate":
        _read_candidate(description, rest.split())
    elif description.sections:
        _read_media_attribute(description.sections[-1], key, rest)


def _read_candidate(description: Description, parts: list[str]) -> None:
    address = (parts[4], int(parts[5]))
    usable = parts[2].lower() == "udp" and parts[1] == "1" and ":" not in parts[4]
    if usable and address not in description.addresses:
        description.addresses.append(address)


def _read_media_attribute(section: MediaSection, key: str, rest: str) -> None:
    if key == "mid":
        section.mid = rest
    elif key == "rtpmap":
        payload_type, _, codec = rest.partition(" ")
        section.codecs[int(payload_type)] = codec
    elif key in ("sendonly", "recvonly", "sendrecv", "inactive"):
        section.direction = key
    elif key == "extmap" and rest.endswith(TRANSPORT_WIDE_URI):
        section.transport_wide_id = int(rest.split()[0].partition("/")[0])
    elif key == "ssrc":
        ssrc = int(rest.split()[0])
        if ssrc not in section.ssrcs:
            section.ssrcs.append(ssrc)


def write_offer(local: LocalTransport, tracks: list[OfferedTrack], feedback: bool = False) -> str:
    """The offer of a publisher: every track sendonly, bundled; with transport-wide numbers if `feedback`."""
    lines = _session_lines(local, [track.mid for track in tracks])
    for track in tracks:
        lines += _offered_section(local, track)
        lines += _transport_wide_lines([_CODECS[track.kind][0]], TRANSPORT_WIDE_ID if feedback else 0)
    return "\r\n".join(lines) + "\r\n"


def _transport_wide_lines(payload_types: list[int], number: int) -> list[str]:
    if not number:
        return []
    lines = [f"a=rtcp-fb:{payload_type} transport-cc" for payload_type in payload_types]
    return [f"a=extmap:{number} {TRANSPORT_WIDE_URI}", *lines]


def _offered_section(local: LocalTransport, track: OfferedTrack) -> list[str]:
    payload_type, codec_lines = _CODECS[track.kind]
    return [
        f"m={track.kind} 9 UDP/TLS/RTP/SAVPF {payload_type}",
        *_transport_lines(local, "actpass"),
        f"a=mid:{track.mid}",
        *codec_lines,
        f"a=extmap:{MID_ID} urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=sendonly",
        f"a=msid:bench {track.kind}",
        f"a=ssrc:{track.ssrc} cname:bench",
        f"a=ssrc:{track.ssrc} msid:bench {track.kind}",
    ]


_CODECS: dict[str, tuple[int, list[str]]] = {
    "audio": (
        OPUS,
        [
            f"a=rtpmap:{OPUS} opus/48000/2",
            f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
            f"a=extmap:{AUDIO_LEVEL_ID} urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        ],
    ),
    "video": (
        VP8,
        [
            f"a=rtpmap:{VP8} VP8/90000",
            f"a=rtcp-fb:{VP8} nack",
            f"a=rtcp-fb:{VP8} nack pli",
            f"a=rtcp-fb:{VP8} ccm fir",
        ],
    ),
}


def write_answer(local: LocalTransport, offer: Description, feedback: bool = False) -> str:
    """Answer a server's offer: take everything it sends, with its own payload types.

    With `feedback` its transport-wide numbers are agreed to where it offers them.
    """
    live = [section.mid for section in offer.sections if section.port]
    lines = _session_lines(local, live)
    for section in offer.sections:
        lines += _answered_section(local, section)
        if feedback:
            lines += _transport_wide_lines(section.payload_types, section.transport_wide_id)
    return "\r\n".join(lines) + "\r\n"


def _answered_section(local: LocalTransport, section: MediaSection) -> list[str]:
    formats = " ".join(map(str, section.payload_types))
    port = 9 if section.port else 0
    direction = "recvonly" if section.direction in ("sendonly", "sendrecv") and port else "inactive"
    return [
        f"m={section.kind} {port} UDP/TLS/RTP/SAVPF {formats}",
        *_transport_lines(local, "active"),
        f"a=mid:{section.mid}",
        *(f"a=rtpmap:{number} {codec}" for number, codec in section.codecs.items()),
        *(
            f"a=rtcp-fb:{number} {feedback}"
            for number, codec in section.codecs.items()
            if section.kind == "video" and "rtx" not in codec
            for feedback in ("nack", "nack pli", "ccm fir")
        ),
        f"a={direction}",
    ]


def _session_lines(local: LocalTransport, mids: list[str]) -> list[str]:
    return [
        "v=0",
        f"o=- {local.session_id} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(mids)}",
        "a=msid-semantic: WMS *",
    ]


def _transport_lines(local: LocalTransport, setup: str) -> list[str]:
    host, port = local.address
    return [
        f"c=IN IP4 {host}",
        "a=rtcp-mux",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:{local.fingerprint[0]} {local.fingerprint[1]}",
        f"a=setup:{setup}",
        f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
    ]
