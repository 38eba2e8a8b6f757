"""Publication, Router and Subscription: what leaves, under which numbers, and what comes back."""

from __future__ import annotations

from media.feedback import KeyFrameRequest, Nack, parse_compound
from media.publication import Publication
from media.resends import BURST
from media.router import Router
from media.rtp import HEADER, Packet, parse_packet
from media.sink import SenderReport, TrackDescription
from media.subscription import PATIENCE, Subscription

KEY, DELTA = b"\x10\x00key", b"\x10\x01delta"


class Outlet:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.ready = True
        self.sent: list[tuple[int, int, int, int, bytes]] = []
        self.rtcp: list[bytes] = []

    def send_rtp(
        self,
        marker_and_type: int,
        number: int,
        timestamp: int,
        ssrc: int,
        payload: bytes,
        padding: int = 0,
    ) -> None:
        self.sent.append((marker_and_type, number, timestamp, ssrc, payload))

    def send_rtcp(self, data: bytes) -> None:
        self.rtcp.append(data)

    @property
    def numbers(self) -> list[int]:
        return [number for _, number, *_ in self.sent]


class Stage:
    """A publication, its router and what goes upstream."""

    def __init__(self, kind: str = "video", codec: str = "VP8") -> None:
        clock_rate = 90_000 if kind == "video" else 48_000
        track = TrackDescription("r", "anna", "camera", kind, codec, clock_rate, 0, 96, "")
        self.upstream: list[bytes] = []
        self.broken: list[object] = []
        self.publication = Publication(track, self.upstream.append, 0.5, 1)
        self.router = Router(lambda publication, sink: self.broken.append(sink))

    def send(self, number: int, payload: bytes = DELTA, now: float | None = None, ssrc: int = 77) -> None:
        now = number / 30 if now is None else now
        packet = parse_packet(HEADER.pack(0x80, 0x80 | 96, number & 0xFFFF, number * 3000, ssrc) + payload)
        if self.publication.receive(packet, now):
            self.router.forward(self.publication, packet, now)

    def subscribe(self, first_number: int = 500) -> tuple[Subscription, Outlet]:
        subscription = Subscription(self.publication, outlet := Outlet(), 4000, 100, "anna", first_number)
        self.publication.attach(subscription)
        subscription.open()
        return subscription, outlet

    def requests(self) -> list[object]:
        return [item for data in self.upstream for item in parse_compound(data)]


def test_nothing_leaves_before_the_browser_agreed() -> None:
    stage = Stage()
    subscription = Subscription(stage.publication, outlet := Outlet(), 4000, 100, "anna")
    stage.publication.attach(subscription)
    stage.send(1, KEY)
    assert outlet.sent == []


def test_video_begins_with_a_key_frame_and_is_renumbered() -> None:
    stage = Stage()
    _, outlet = stage.subscribe()
    stage.send(10)
    stage.send(11, KEY)
    stage.send(12)
    assert outlet.sent == [(0x80 | 100, 500, 0, 4000, KEY), (0x80 | 100, 501, 3000, 4000, DELTA)]


def test_without_a_recognisable_key_frame_it_begins_after_a_while() -> None:
    stage = Stage()
    _, outlet = stage.subscribe()
    stage.send(1, now=0.0)
    stage.send(2, now=PATIENCE - 0.1)
    assert outlet.sent == []
    stage.send(3, now=PATIENCE + 0.1)
    assert len(outlet.sent) == 1


def test_a_new_subscriber_makes_one_request_and_a_crowd_no_more() -> None:
    stage = Stage()
    stage.send(1, KEY, 0.0)
    subscribers = [stage.subscribe()[0] for _ in range(5)]
    for step in range(100):
        for _ in subscribers:
            stage.publication.request_key_frame()
        stage.publication.tick(step / 100)
    assert stage.requests() == [KeyFrameRequest(77), KeyFrameRequest(77)]


def test_loss_is_asked_for_upstream_and_the_late_packet_goes_to_its_place() -> None:
    stage = Stage()
    _, outlet = stage.subscribe()
    for number in (1, 2, 5, 6):
        stage.send(number, KEY if number == 1 else DELTA)
    assert stage.requests() == [Nack(77, (3, 4))]
    stage.send(4)
    stage.send(3)
    assert outlet.numbers == [500, 501, 504, 505, 503, 502]


def test_what_came_again_and_then_for_the_first_time_is_forwarded_once() -> None:
    stage = Stage()
    _, outlet = stage.subscribe()
    for number in (1, 2, 4, 3, 5, 3, 4, 5):
        stage.send(number, KEY if number == 1 else DELTA)
    assert outlet.numbers == [500, 501, 503, 502, 504]
    assert stage.publication.layers[0].repeated == 3
    assert stage.publication.stats.received == 5


def test_a_nack_is_answered_with_the_very_same_packet() -> None:
    stage = Stage()
    subscription, outlet = stage.subscribe(65_534)
    for number in range(65_533, 65_540):
        stage.send(number, KEY if number == 65_533 else DELTA + bytes([number & 0xFF]))
    first = list(outlet.sent)
    subscription.resend((65_535, 1, 3), 10.0)
    assert outlet.sent[len(first) :] == [first[1], first[3], first[5]]
    subscription.resend((900, 40_000), 10.0)
    assert subscription.resends.count == 3


def test_a_flood_of_nacks_is_throttled() -> None:
    stage = Stage()
    subscription, _ = stage.subscribe(0)
    for number in range(1, 400):
        stage.send(number, KEY if number == 1 else DELTA)
    for step in range(1000):
        subscription.resend(tuple(range(0, 65_536)), 20.0 + step / 1000)
    assert subscription.resends.count <= BURST * 2


def test_a_muted_source_reaches_nobody_and_leaves_no_hole() -> None:
    stage = Stage()
    subscription, outlet = stage.subscribe(0)
    for number in range(1, 4):
        stage.send(number, KEY if number == 1 else DELTA)
    stage.publication.muted = True
    for number in range(4, 50):
        stage.send(number)
    assert len(outlet.sent) == 3
    assert stage.publication.cache.get(0x10000 + 10) is None
    stage.publication.muted = False
    subscription.hold()
    stage.send(50)
    stage.send(51, KEY)
    stage.send(52)
    assert outlet.numbers == [0, 1, 2, 3, 4]
    # 48 frames at 30 a second went by between the third packet and the key frame.
    assert outlet.sent[3][2] - outlet.sent[2][2] == 48 * 3000


def test_another_publication_goes_on_under_the_same_numbers() -> None:
    before, after = Stage(), Stage()
    subscription, outlet = before.subscribe(0)
    before.send(1, KEY, 1.0)
    before.publication.detach(subscription)
    subscription.switch(after.publication)
    after.publication.attach(subscription)
    after.send(40_000, KEY, 2.0, ssrc=5)
    assert [entry[1:4] for entry in outlet.sent] == [(0, 0, 4000), (1, 90_000, 4000)]


def test_sender_reports_are_translated() -> None:
    stage = Stage()
    subscription, outlet = stage.subscribe()
    stage.router.report(stage.publication, SenderReport(77, 1 << 40, 3000, 9, 9), 0.0)
    assert outlet.rtcp == []
    stage.send(1, KEY)
    stage.router.report(stage.publication, SenderReport(77, 1 << 40, 6000, 9, 9), 0.0)
    assert parse_compound(outlet.rtcp[-1]) == [SenderReport(4000, 1 << 40, 3000, 1, len(KEY))]


def test_a_second_ssrc_cannot_take_a_publication_over() -> None:
    stage = Stage()
    _, outlet = stage.subscribe()
    stage.send(1, KEY)
    stage.send(2, DELTA, ssrc=78)
    assert len(outlet.sent) == 1


def test_a_broken_sink_is_detached_and_the_others_go_on() -> None:
    class Broken:
        def write(self, packet: Packet, now: float) -> None:
            raise OSError("disk gone")

        def report(self, report: SenderReport, now: float) -> None:
            raise AssertionError

        def close(self, reason: str) -> None:
            raise AssertionError

    stage = Stage()
    stage.publication.attach(broken := Broken())
    _, outlet = stage.subscribe()
    stage.send(1, KEY)
    stage.send(2)
    assert stage.broken == [broken]
    assert len(outlet.sent) == 2


def test_sound_begins_at_once_and_a_closed_outlet_gets_nothing() -> None:
    stage = Stage("audio", "opus")
    _, outlet = stage.subscribe()
    outlet.ready = False
    stage.send(1, b"sound")
    outlet.ready = True
    stage.send(2, b"sound")
    assert len(outlet.sent) == 1
