"""The peer's hand-written SDP says what a browser's would, and reads what servers write."""

from bench.sdp import LocalTransport, OfferedTrack, read_description, write_answer, write_offer

LOCAL = LocalTransport("frag", "password", ("sha-256", "AA:BB"), ("127.0.0.1", 5000))

SERVER_OFFER = """v=0\r
o=- 3 1 IN IP4 10.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0 1\r
a=ice-lite\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
c=IN IP4 10.0.0.1\r
a=sendonly\r
a=mid:0\r
a=ice-ufrag:serv\r
a=ice-pwd:secret\r
a=fingerprint:sha-256 11:22\r
a=setup:actpass\r
a=rtpmap:111 opus/48000/2\r
a=ssrc:77 cname:x\r
a=candidate:1 1 udp 2130706431 10.0.0.1 20000 typ host\r
a=candidate:2 1 tcp 1 10.0.0.1 20000 typ host tcptype passive\r
a=candidate:3 1 udp 1 ::1 20000 typ host\r
m=video 0 UDP/TLS/RTP/SAVPF 96\r
a=inactive\r
a=mid:1\r
a=rtpmap:96 VP8/90000\r
"""


def test_an_offer_reads_back() -> None:
    sdp = write_offer(LOCAL, [OfferedTrack("audio", "0", 5), OfferedTrack("video", "1", 6)])
    description = read_description(sdp)
    assert (description.ufrag, description.password) == ("frag", "password")
    assert description.fingerprint == ("sha-256", "AA:BB")
    assert description.addresses == [("127.0.0.1", 5000)]
    assert [section.ssrcs for section in description.sections] == [[5], [6]]
    assert [section.direction for section in description.sections] == ["sendonly", "sendonly"]


def test_a_server_offer_is_read() -> None:
    description = read_description(SERVER_OFFER)
    assert description.addresses == [("10.0.0.1", 20000)]
    assert description.sections[0].codecs == {111: "opus/48000/2"}
    assert description.sections[0].ssrcs == [77]
    assert description.sections[1].port == 0


def test_an_answer_mirrors_the_offer() -> None:
    answer = read_description(write_answer(LOCAL, read_description(SERVER_OFFER)))
    assert [section.mid for section in answer.sections] == ["0", "1"]
    assert [section.direction for section in answer.sections] == ["recvonly", "inactive"]
    assert [section.port for section in answer.sections] == [9, 0]
    assert answer.setup == "active"
