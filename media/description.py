"""Session descriptions of browsers, read with caps (RFC 8866, RFC 8829).

Sizes are checked before anything is looked at: a 62 KiB offer was seen to block a parser for seconds.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from media.aiortc_port import Fingerprint
from media.sink import Kind

LARGEST_SDP = 32 * 1024
MOST_LINES = 400
MOST_SECTIONS = 4
MOST_SSRC_LINES = 64
MOST_CODECS = 40
MOST_LAYERS = 3
# Room for each further m-section in an answer to an offer of our own.
BYTES_PER_SECTION = 3 * 1024
LINES_PER_SECTION = 60
SUPPORTED_DIGESTS = frozenset({"sha-256", "sha-384", "sha-512"})
TOKEN = re.compile(r"[\x21-\x7e]{1,64}")
DIGEST = re.compile(r"(?:[0-9A-Fa-f]{2}:){31,63}[0-9A-Fa-f]{2}")
RID = re.compile(r"[A-Za-z0-9_-]{1,16}")
FRAGMENT = re.compile(r"[A-Za-z0-9+/=_\-]{4,256}")
DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})

Setup = Literal["active", "passive", "actpass"]


class DescriptionError(ValueError):
    """The SDP is refused; the controller answers `bad_sdp`."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type with its rtpmap and fmtp. `name` as in TrackDescription; channels 0 for video."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int
    fmtp: str = ""


@dataclass(slots=True)
class MediaSection:
    """One m-section. `ssrcs` in order of appearance; `codecs` in order of preference.

    `feedback` has what any codec may be answered with (a=rtcp-fb); `rids` the layers that are to be
    sent, in the order of a=simulcast (RFC 8853); `repair_ssrcs` the SSRC that each one for retransmissions
    repairs (a=ssrc-group:FID, RFC 5576 section 4.2).
    """

    kind: str
    port: int
    mid: str = ""
    direction: str = "sendrecv"
    codecs: list[Codec] = field(default_factory=list)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    repair_ssrcs: dict[int, int] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    feedback: set[str] = field(default_factory=set)
    rids: list[str] = field(default_factory=list)
    has_rtcp_mux: bool = False

    @property
    def is_rejected(self) -> bool:
        """Whether the peer switched it off. Firefox writes port 0 also where a section has no port of its
        own (RFC 8843 section 6)."""
        return self.port == 0 and "bundle-only" not in self.attributes

    @property
    def media_kind(self) -> Kind | None:
        """audio or video; None for data channels and whatever else."""
        if self.kind == "audio":
            return "audio"
        return "video" if self.kind == "video" else None


@dataclass(slots=True)
class Description:
    """What we use of an offer or answer."""

    sections: list[MediaSection]
    fragment: str
    password: str
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup
    bundle: tuple[str, ...]
    # User and session id of the o= line: the same for all descriptions of one PeerConnection.
    session: str = ""

    def restarts_ice_of(self, earlier: "Description") -> bool:
        """Whether the same PeerConnection, with the same DTLS identity, has begun ICE anew (RFC 8839
        section 4.4.1.1.1)."""
        is_same = self.session != "" and self.session == earlier.session
        return is_same and self.fragment != earlier.fragment and self.fingerprints == earlier.fingerprints


def parse_description(sdp: str, most_sections: int = MOST_SECTIONS) -> Description:
    """Read an SDP. Raises DescriptionError for whatever is over a cap, malformed or lacks its security."""
    try:
        return _parse(sdp, most_sections)
    except (ValueError, IndexError, KeyError) as exc:
        raise DescriptionError(str(exc)) from exc


def _parse(sdp: str, most_sections: int) -> Description:
    session, parts = _split(sdp, most_sections)
    sections = [_parse_section(lines, _attributes(lines)) for lines in parts]
    common = _attributes(session)
    security = common | next((s.attributes for s in sections if not s.is_rejected), {})
    bundle = next((line[15:].split() for line in session if line.startswith("a=group:BUNDLE ")), [])
    mids = [s.mid for s in sections]
    if len(set(mids)) != len(mids):
        raise DescriptionError("mids are missing or repeated")
    return Description(
        sections,
        _match(FRAGMENT, security["ice-ufrag"]),
        _match(FRAGMENT, security["ice-pwd"]),
        (_fingerprint(security["fingerprint"]),),
        _setup(security["setup"]),
        tuple(bundle) or tuple(mids[:1]),
        next((" ".join(line[2:].split()[:2]) for line in session if line.startswith("o=")), ""),
    )


def _split(sdp: str, most_sections: int) -> tuple[list[str], list[list[str]]]:
    """Session lines and the lines of each m-section, after the caps."""
    extra = max(0, most_sections - MOST_SECTIONS)
    if len(sdp) > LARGEST_SDP + extra * BYTES_PER_SECTION:
        raise DescriptionError("larger than allowed")
    if sdp.count("\n") > MOST_LINES + extra * LINES_PER_SECTION:
        raise DescriptionError("too many lines")
    if sdp.count("\nm=") > most_sections:
        raise DescriptionError("too many m-sections")
    if sdp.count("\na=ssrc:") > MOST_SSRC_LINES:
        raise DescriptionError("too many ssrc lines")
    session: list[str] = []
    parts: list[list[str]] = []
    for line in sdp.replace("\r\n", "\n").split("\n"):
        if line.startswith("m="):
            parts.append([line])
        else:
            (parts[-1] if parts else session).append(line)
    if not session or session[0] != "v=0" or not parts:
        raise DescriptionError("not a session description with media")
    return session, parts


def _attributes(lines: list[str]) -> dict[str, str]:
    """The last value of each attribute; fine for those that may stand only once."""
    pairs = (line[2:].partition(":") for line in lines if line.startswith("a="))
    return {name: value for name, _, value in pairs}


def _parse_section(lines: list[str], attributes: dict[str, str]) -> MediaSection:
    kind, port, protocol, *formats = lines[0][2:].split()
    section = MediaSection(kind, int(port), attributes=attributes)
    section.mid = _match(TOKEN, attributes.get("mid", ""))
    section.direction = next((d for d in attributes if d in DIRECTIONS), "sendrecv")
    section.has_rtcp_mux = "rtcp-mux" in attributes
    if section.media_kind is None or section.is_rejected:
        return section
    if protocol not in ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF") or len(formats) > MOST_CODECS:
        raise DescriptionError("unknown protocol or too many codecs")
    section.codecs = _parse_codecs(lines, [int(number) for number in formats])
    for line in lines:
        _parse_stream_line(section, line)
    section.rids = _layers(section.rids, attributes.get("simulcast", ""))
    return section


def _layers(rids: list[str], simulcast: str) -> list[str]:
    """The rids named after `send`; of alternatives the first, of paused ones the name."""
    words = simulcast.split()
    listed = words[words.index("send") + 1].split(";") if "send" in words[:-1] else []
    names = [part.split(",")[0].lstrip("~") for part in listed]
    if len(names) > MOST_LAYERS or len(set(names)) != len(names):
        raise DescriptionError("too many layers")
    return [name for name in names if name in rids]


def _parse_codecs(lines: list[str], formats: list[int]) -> list[Codec]:
    maps = _by_payload_type(lines, "a=rtpmap:")
    parameters = _by_payload_type(lines, "a=fmtp:")
    codecs = []
    for payload_type in formats:
        if payload_type not in maps or not 0 <= payload_type <= 127:
            continue
        name, clock_rate, *channels = maps[payload_type].split("/")
        count = int(channels[0]) if channels else 0
        codecs.append(Codec(payload_type, name, int(clock_rate), count, parameters.get(payload_type, "")))
    return codecs


def _by_payload_type(lines: list[str], prefix: str) -> dict[int, str]:
    found = {}
    for line in lines:
        if line.startswith(prefix):
            payload_type, _, value = line[len(prefix) :].partition(" ")
            found[int(payload_type)] = value.strip()
    return found


def _parse_stream_line(section: MediaSection, line: str) -> None:
    if line.startswith("a=ssrc:"):
        ssrc = _ssrc(line[7:].split(" ", 1)[0])
        if ssrc not in section.ssrcs:
            section.ssrcs.append(ssrc)
    elif line.startswith("a=ssrc-group:FID "):
        original, *repairs = [_ssrc(number) for number in line[17:].split()]
        section.repair_ssrcs.update((repair, original) for repair in repairs)
    elif line.startswith("a=extmap:"):
        number, uri, *_ = line[9:].split()
        section.extensions[uri] = int(number.partition("/")[0])
    elif line.startswith("a=rtcp-fb:"):
        section.feedback.add(line.partition(" ")[2])
    elif line.startswith("a=rid:"):
        name, direction, *_ = line[6:].split()
        if direction == "send" and RID.fullmatch(name):
            section.rids.append(name)


def _ssrc(text: str) -> int:
    ssrc = int(text)
    if not 0 < ssrc <= 0xFFFFFFFF:
        raise DescriptionError("ssrc out of range")
    return ssrc


def _match(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise DescriptionError("missing or malformed mid or ICE attribute")
    return text


def _fingerprint(text: str) -> Fingerprint:
    algorithm, _, value = text.partition(" ")
    if algorithm.lower() not in SUPPORTED_DIGESTS or not DIGEST.fullmatch(value):
        raise DescriptionError("no usable fingerprint")
    return Fingerprint(algorithm.lower(), value.upper())


def _setup(text: str) -> Setup:
    if text == "active":
        return "active"
    if text == "passive":
        return "passive"
    if text == "actpass":
        return "actpass"
    raise DescriptionError("unknown setup role")
