"""Bad input from a legitimate peer's own address, encrypted with its real keys."""

import random
import struct

from aiortc.rtcdtlstransport import SRTP_AEAD_AES_256_GCM
from pylibsrtp import Policy, Session

from bench.traffic import (
    PreparedAudio,
    PreparedVideo,
    negative_acknowledgement,
    picture_loss,
    receiver_report,
)
from bench.wire import Wire
from tests.hostile import fuzz
from tests.hostile.siege import Siege

INPUTS = 20_000


class Insider:
    """Sends what it is told through a peer's real SRTP session; counts what libsrtp itself refuses."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.sent = 0
        self.refused = 0

    def rtp(self, packet: bytes) -> None:
        self._try(self._wire.send_rtp, packet)

    def rtcp(self, packet: bytes) -> None:
        self._try(self._wire.send_rtcp, packet)

    def _try(self, send: object, packet: bytes) -> None:
        try:
            send(packet)  # type: ignore[operator]
            self.sent += 1
        except ValueError:
            self.refused += 1


async def test_plain_rtp_from_a_known_address(siege: Siege) -> None:
    await siege.attack(siege.anna.publish_wire.send_plain, fuzz.rtp_samples() * 100)
    await siege.stands()
    assert await siege.counted("forged", "replayed", "too_many_ssrcs") == 100 * len(fuzz.rtp_samples())


async def test_srtp_with_a_wrong_key(siege: Siege) -> None:
    policy = Policy(
        key=bytes(44), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=SRTP_AEAD_AES_256_GCM.libsrtp_profile
    )
    stranger_keys = Session(policy)
    audio = PreparedAudio(1, siege.anna.audio.ssrc, "0", first_sequence=30_000)
    packets = [stranger_keys.protect(bytes(audio.next(1))) for _ in range(1000)]
    await siege.attack(siege.anna.publish_wire.send_plain, packets)
    await siege.stands()
    assert await siege.counted("forged", "replayed") == 1000


async def test_replayed_srtp(siege: Siege) -> None:
    wire = siege.anna.publish_wire
    captured: list[bytes] = []
    genuine = wire.send_plain

    def copy(data: bytes | memoryview) -> None:
        captured.append(bytes(data))
        genuine(data)

    wire.send_plain = copy  # type: ignore[method-assign]
    await siege.bert.hears(tracks=2, packets=50)
    wire.send_plain = genuine  # type: ignore[method-assign]
    media = [data for data in captured if 127 < data[0] < 192]
    await siege.attack(siege.anna.publish_wire.send_plain, media * 5)
    await siege.stands()
    assert await siege.counted("replayed") == 5 * len(media)


async def test_fuzzed_records_before_decryption(siege: Siege) -> None:
    """STUN, DTLS and SRTP bent on the way, from an address the worker listens to."""
    wire = siege.anna.publish_wire
    samples = [
        *fuzz.stun_samples(f"{wire.remote.ufrag}:{wire.ufrag}"),
        *fuzz.rtp_samples(),
        *fuzz.rtcp_samples(),
        *fuzz.dtls_samples(),
    ]
    await siege.attack(wire.send_plain, fuzz.bent(31, samples, INPUTS))
    await siege.stands()
    assert await siege.counted("parser_error") == 0


async def test_fuzzed_rtcp_with_real_keys(siege: Siege) -> None:
    """Through both transports: as the publisher of a stream and as a receiver of others."""
    for seed, wire in ((41, siege.anna.publish_wire), (42, siege.anna.subscribe_wire)):
        ssrcs = [siege.anna.video.ssrc, siege.bert.video.ssrc, *siege.anna.hearing]
        samples = [sample for ssrc in ssrcs for sample in fuzz.rtcp_samples(ssrc)]
        insider = Insider(wire)
        await siege.attack(insider.rtcp, fuzz.bent(seed, samples, INPUTS + 4000))
        assert insider.sent >= INPUTS
    await siege.stands()
    assert await siege.counted("parser_error") == 0


async def test_fuzzed_rtp_with_real_keys(siege: Siege) -> None:
    """Bent payloads and headers on streams of their own; anna's real streams go on beside them."""
    dice = random.Random(51)
    insider = Insider(siege.anna.publish_wire)
    strays = [dice.randrange(1 << 31) | 1 << 31 for _ in range(4)]

    def send(data: bytes) -> None:
        if len(data) >= 12:
            packet = bytearray(data)
            packet[0] = 0x80 | packet[0] & 0x3F
            packet[1] = dice.choice((96, 111, 0x80 | 96))
            struct.pack_into("!I", packet, 8, dice.choice(strays))
            struct.pack_into("!H", packet, 2, dice.randrange(1 << 16))
            data = bytes(packet)
        insider.rtp(data)

    # libsrtp refuses to encrypt every second of them, as it would refuse to decrypt them.
    await siege.attack(send, fuzz.bent(52, fuzz.rtp_samples(), 2 * INPUTS + 1000))
    assert insider.sent >= INPUTS
    await siege.stands()
    assert await siege.counted("parser_error") == 0


async def test_bent_payloads_on_a_live_stream(siege: Siege) -> None:
    """Anna's own camera sends nonsense; bert and the recorder get it or not, but nothing breaks."""
    insider = Insider(siege.anna.publish_wire)
    track = siege.anna.video

    def send(data: bytes) -> None:
        due = track.due
        packet = bytearray(track.next(0))
        track.due = due
        insider.rtp(bytes(packet[:20]) + data)

    await siege.attack(send, fuzz.bent(61, [sample[12:] for sample in fuzz.rtp_samples()], 5_000))
    await siege.stands()
    assert await siege.counted("parser_error") == 0


async def test_thirty_thousand_ssrcs(siege: Siege) -> None:
    """The first few SSRCs of a participant count, the others are dropped; memory stays flat."""
    insider = Insider(siege.anna.publish_wire)
    template = bytearray(PreparedVideo(9, 1, "1").next(0)[:200])

    def packets() -> object:
        for number in range(30_000):
            struct.pack_into("!I", template, 8, 0x40000000 + number)
            yield bytes(template)

    await siege.attack(insider.rtp, packets())  # type: ignore[arg-type]
    await siege.stands()
    assert await siege.counted("too_many_ssrcs") >= 29_000


async def test_thirty_thousand_rtcp_senders(siege: Siege) -> None:
    """Reports of ever new senders must not make libsrtp keep a context for each."""
    insider = Insider(siege.anna.subscribe_wire)
    await siege.attack(insider.rtcp, (receiver_report(0x40000000 + n, []) for n in range(30_000)))
    await siege.stands()
    assert await siege.counted("too_many_ssrcs") >= 29_000


async def test_key_frame_requests_are_limited(siege: Siege) -> None:
    """1,000 PLIs a second reach the publisher as at most one in 500 ms (B37)."""
    before = siege.bert.picture_losses
    ssrcs = siege.anna.hearing
    insider = Insider(siege.anna.subscribe_wire)
    await siege.attack(insider.rtcp, (picture_loss(1, ssrc) for _ in range(1500) for ssrc in ssrcs))
    await siege.stands()
    assert siege.bert.picture_losses - before <= 8


async def test_huge_nacks_are_limited(siege: Siege) -> None:
    """A NACK for everything must not make the worker send everything again."""
    insider = Insider(siege.anna.subscribe_wire)
    ssrcs = siege.anna.hearing
    everything = list(range(0, 65_536, 190))
    before = siege.anna.subscribe_wire.received
    nacks = (negative_acknowledgement(1, ssrc, everything[:330]) for _ in range(200) for ssrc in ssrcs)
    await siege.attack(insider.rtcp, nacks)
    await siege.stands()
    assert siege.anna.subscribe_wire.received - before < 30_000
