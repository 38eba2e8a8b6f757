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


def firefox_offer() -> str:
    """What Firefox ESR offers with `max-bundle`: all but the first section stand at port 0 as bundle-only,
    identity and ICE are said once, extensions have directions, a simulcast camera has ssrc lines as well."""
    fingerprint = f"a=fingerprint:sha-256 {FINGERPRINT}"
    head = ["v=0", "o=mozilla...THIS_IS_SDPARTA-99.0 34 0 IN IP4 0.0.0.0", "s=-", "t=0 0", fingerprint]
    ice = ["a=ice-pwd:c14340ef99bde8644006b1ac35bf41fd", "a=ice-ufrag:2e850ac1", "a=setup:actpass"]
    sound = ["m=audio 9 UDP/TLS/RTP/SAVPF 109 9", "c=IN IP4 0.0.0.0", "a=sendonly", "a=mid:0", "a=rtcp-mux"]
    sound += ["a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level", "a=rtpmap:109 opus/48000/2"]
    sound += ["a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid", "a=rtpmap:9 G722/8000/1", *ice]
    picture = ["m=video 0 UDP/TLS/RTP/SAVPF 120 124", "c=IN IP4 0.0.0.0", "a=bundle-only", "a=sendonly"]
    picture += ["a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid", "a=mid:1", "a=rtcp-mux", *ice]
    picture += ["a=extmap:9/sendonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"]
    picture += ["a=fmtp:120 max-fs=12288;max-fr=60", "a=rtpmap:120 VP8/90000", "a=rtpmap:124 rtx/90000"]
    picture += ["a=fmtp:124 apt=120", "a=rid:h send", "a=rid:f send", "a=simulcast:send h;f"]
    picture += [f"a=ssrc:{number} cname:x" for number in (41, 42, 43, 44)]
    picture += ["a=ssrc-group:FID 41 42", "a=ssrc-group:FID 43 44"]
    return "\r\n".join([*head, "a=group:BUNDLE 0 1", "a=msid-semantic:WMS *", *sound, *picture, ""])
