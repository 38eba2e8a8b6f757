"""Offers as browsers make them, cut down to what matters."""

from __future__ import annotations

FINGERPRINT = ":".join(["AB"] * 32)

CODECS = {
    "audio": ["111 opus/48000/2", "63 red/48000/2", "0 PCMU/8000"],
    "video": ["96 VP8/90000", "97 rtx/90000", "103 H264/90000", "105 H264/90000", "107 H264/90000"],
}
FMTP = {
    "audio": ["a=fmtp:111 minptime=10;useinbandfec=1"],
    "video": [
        "a=fmtp:97 apt=96",
        "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f",
        "a=fmtp:105 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
        "a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    ],
}


def section(
    kind: str, mid: str, direction: str = "sendonly", codecs: list[str] | None = None, ssrc: int = 0
) -> list[str]:
    codecs = CODECS[kind] if codecs is None else codecs
    numbers = " ".join(c.split()[0] for c in codecs)
    lines = [
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {numbers}",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:actpass",
        f"a=mid:{mid}",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        f"a={direction}",
        "a=rtcp-mux",
        *[f"a=rtpmap:{c}" for c in codecs],
        *FMTP[kind],
    ]
    if ssrc:
        lines += [
            f"a=ssrc-group:FID {ssrc} {ssrc + 1}",
            f"a=ssrc:{ssrc} cname:x",
            f"a=ssrc:{ssrc + 1} cname:x",
        ]
    return lines


def offer(*sections: list[str], mids: str | None = None) -> str:
    names = (
        mids
        if mids is not None
        else " ".join(line[6:] for s in sections for line in s if line.startswith("a=mid:"))
    )
    head = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {names}"]
    return "\r\n".join([*head, *[line for s in sections for line in s], ""])


def ordinary_offer() -> str:
    return offer(section("audio", "0", ssrc=11), section("video", "1", ssrc=21))
