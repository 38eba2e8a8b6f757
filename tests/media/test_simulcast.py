"""Layers of one Publication: who is who by rid, switches without a break, one stream for the recorder."""

from __future__ import annotations

from itertools import groupby

import pytest

from media.description import DescriptionError, parse_description
from media.feedback import KeyFrameRequest, Nack, parse_compound
from media.layer import PRESENCE, Layer
from media.negotiation import accept, build_answer
from media.publication import Publication
from media.router import Router
from media.rtp import HEADER, Packet, parse_packet
from media.sink import SenderReport, TrackDescription
from media.subscription import Subscription
from media.toplayer import TopLayer
from media.vp8 import PictureNumbers, frame_height
from tests.media.offers import offer, section
from tests.media.test_forwarding import Outlet
from tests.media.test_negotiation import END

RID = "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
LAYERS = [RID, "a=rid:q send", "a=rid:h send", "a=rid:f send", "a=simulcast:send q;h;f"]


def payload(key: bool, picture: int, tl0: int, height: int = 180) -> bytes:
    """Descriptor with 15 bit picture id, TL0PICIDX and TID, as Chromium sends it."""
    head = bytes((0x90, 0xE0, 0x80 | picture >> 8, picture & 0xFF, tl0 & 0xFF, 0x20))
    size = b"\x40\x01" + height.to_bytes(2, "little")
    return head + (b"\x10\x00\x00\x9d\x01\x2a" + size + b"rest" if key else b"\x11\x00\x00delta")


def numbers_of(data: bytes) -> tuple[int, int]:
    return (data[2] & 0x7F) << 8 | data[3], data[4]


class Stage:
    """One source with three layers, or as many as are named; each counts from somewhere else."""

    def __init__(self, rids: str = "qhf") -> None:
        track = TrackDescription("r", "anna", "camera", "video", "VP8", 90_000, 0, 96, "")
        self.upstream: list[bytes] = []
        self.publication = Publication(track, self.upstream.append, 0.5, 0, tuple(reversed(rids)))
        self.router = Router(lambda publication, sink: None)
        self.frames = [0, 0, 0]
        for rank, rid in enumerate(rids or ("",)):
            assert self.publication.claim(100 + rank, rid)

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self.publication.layers

    def send(self, rank: int, now: float, key: bool = False, repeated: bool = False) -> None:
        frame = self.frames[rank]
        self.frames[rank] += 1
        body = payload(key, (32_760 + 1000 * rank + frame) & 0x7FFF, 250 + 40 * rank + frame, 180 << rank)
        stamp = (0xFFFFF000 + 7_000_000 * rank + round(now * 90_000)) & 0xFFFFFFFF
        number = (65_530 + 300 * rank + frame) & 0xFFFF
        packet = parse_packet(HEADER.pack(0x80, 0x80 | 96, number & 0xFFFF, stamp, 100 + rank) + body)
        packet.repeated = repeated
        if self.publication.receive(packet, now):
            self.router.forward(self.publication, packet, now)

    def report(self, rank: int, now: float) -> None:
        stamp = (0xFFFFF000 + 7_000_000 * rank + round(now * 90_000)) & 0xFFFFFFFF
        item = SenderReport(100 + rank, round((1000 + now) * (1 << 32)), stamp)
        assert self.publication.receive_report(item, now)
        self.router.report(self.publication, item, now)

    def requests(self, now: float) -> list[object]:
        self.upstream.clear()
        self.publication.tick(now)
        return [item for data in self.upstream for item in parse_compound(data)]


def subscribed(stage: Stage) -> tuple[Subscription, Outlet]:
    subscription = Subscription(stage.publication, outlet := Outlet(), 4000, 100, "anna", 65_534)
    stage.publication.attach(subscription)
    subscription.open()
    return subscription, outlet


def test_layers_are_accepted_only_with_their_extensions() -> None:
    description = parse_description(offer(section("video", "0") + LAYERS))
    (choice,) = accept(description)
    assert choice is not None and choice.rids == ("q", "h", "f")
    answer = build_answer([choice], description, END)
    for line in (RID, "a=rid:f recv", "a=simulcast:recv q;h;f"):
        assert f"{line}\r\n" in answer
    (plain,) = accept(parse_description(offer(section("video", "0") + LAYERS[1:])))
    assert plain is not None and plain.rids == ()


@pytest.mark.parametrize("sent", ["q;h;f;x", "q;q", "q;h;f;q;h;f"])
def test_more_layers_than_three_are_refused(sent: str) -> None:
    lines = [*LAYERS[:-1], "a=rid:x send", f"a=simulcast:send {sent}"]
    with pytest.raises(DescriptionError):
        parse_description(offer(section("video", "0") + lines))


def test_a_layer_has_one_ssrc_and_strangers_none() -> None:
    stage = Stage()
    assert [layer.rid for layer in stage.layers] == ["q", "h", "f"]
    assert not stage.publication.claim(999, "q")
    assert not stage.publication.claim(999, "z")
    packet = Packet(bytes(12) + b"x", 96, 1, 1, 999, True, 12, 13)
    assert not stage.publication.receive(packet, 0.0)


def test_a_switch_happens_at_a_key_frame_and_breaks_no_number() -> None:
    stage = Stage()
    subscription, outlet = subscribed(stage)
    for rank in range(3):
        stage.send(rank, 0.0, key=True)
        stage.report(rank, 0.0)
    for frame in range(1, 40):
        now = frame / 30
        if frame == 10:
            subscription.aim(stage.layers[0])
        if frame == 20:
            subscription.aim(stage.layers[2])
        if frame in (11, 21):
            wanted = 100 if frame == 11 else 102
            assert KeyFrameRequest(wanted) in stage.requests(now + 0.6)
        for rank in range(3):
            stage.send(rank, now, key=(frame, rank) in ((14, 0), (14, 1), (25, 2)))
    numbers = outlet.numbers
    assert [(b - a) & 0xFFFF for a, b in zip(numbers, numbers[1:], strict=False)] == [1] * (len(numbers) - 1)
    stamps = [stamp for _, _, stamp, *_ in outlet.sent]
    assert {(b - a) & 0xFFFFFFFF for a, b in zip(stamps, stamps[1:], strict=False)} <= {1, 2999, 3000, 3001}
    told = [numbers_of(data) for *_, data in outlet.sent]
    assert {(b[0] - a[0]) & 0x7FFF for a, b in zip(told, told[1:], strict=False)} == {1}
    assert {(b[1] - a[1]) & 0xFF for a, b in zip(told, told[1:], strict=False)} == {1}
    assert subscription.layer is stage.layers[2]


def test_what_is_sent_again_after_a_switch_is_the_same_packet() -> None:
    stage = Stage()
    subscription, outlet = subscribed(stage)
    stage.send(0, 0.0, key=True)
    subscription.aim(stage.layers[1])
    for frame in range(1, 6):
        stage.send(1, frame / 30, key=frame == 1)
    first = list(outlet.sent)
    subscription.resend(tuple(n for _, n, *_ in first[2:]), 1.0)
    assert outlet.sent[len(first) :] == first[2:]
    # From before the switch nothing is mistaken for the new layer.
    subscription.resend((first[0][1],), 1.0)
    assert len(outlet.sent) == 2 * len(first) - 2


def test_nothing_is_sent_of_what_nobody_sees_and_it_comes_back_with_a_key_frame() -> None:
    stage = Stage()
    subscription, outlet = subscribed(stage)
    stage.send(0, 0.0, key=True)
    subscription.aim(None)
    stage.send(0, 0.1)
    stage.send(0, 0.2, key=True)
    assert len(outlet.sent) == 1 and subscription.layer is None
    subscription.aim(stage.layers[0])
    stage.send(0, 0.3)
    stage.send(0, 0.4, key=True)
    assert len(outlet.sent) == 2
    assert (outlet.numbers[1] - outlet.numbers[0]) & 0xFFFF == 1


class Track:
    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.reports: list[int] = []
        self.closed = ""

    def write(self, packet: Packet, now: float) -> None:
        self.packets.append(packet)

    def report(self, report: SenderReport, now: float) -> None:
        self.reports.append(report.ssrc)

    def close(self, reason: str) -> None:
        self.closed = reason


def test_the_recorder_gets_the_largest_layer_there_is_and_no_two_at_once() -> None:
    stage = Stage()
    track = Track()
    stage.publication.attach(TopLayer(track))
    for frame in range(120):
        now = frame / 30
        stage.send(0, now, key=frame in (0, 70))
        if frame >= 10 and not 40 <= frame < 90:
            stage.send(2, now, key=frame in (10, 90))
        stage.report(0, now)
    turns = [next(turn) for _, turn in groupby(track.packets, key=lambda packet: packet.ssrc)]
    assert [packet.ssrc for packet in turns] == [100, 102, 100, 102]
    assert all(packet.key_frame for packet in turns)


def test_sizes_are_read_from_key_frames() -> None:
    stage = Stage()
    for rank in range(3):
        stage.send(rank, 0.0, key=True)
    assert [layer.height for layer in stage.layers] == [180, 360, 720]
    for cut in range(16):
        frame_height(payload(True, 1, 1)[: cut + 1])


def test_payloads_without_numbers_are_left_alone() -> None:
    pictures = PictureNumbers()
    for old, new in ((b"\x10\x00", b"\x90\x80\x05\x00"), (b"\x90\x80\x05\x00", b"\x10"), (b"", b"\x80")):
        pictures.note(old)
        pictures.restart(new)
        assert pictures.translate(new) == new
    pictures.note(b"\x90\x80\x7f\x00")
    pictures.restart(b"\x90\x80\x11\x00")
    assert pictures.translate(b"\x90\x80\x12\x00") == b"\x90\x80\x01\x00"
    assert pictures.translate(b"") == b""


def test_what_comes_again_of_a_layer_does_not_keep_it_present() -> None:
    stage = Stage()
    layer = stage.layers[2]
    for frame in (0, 1, 3, 4):
        stage.frames[2] = frame
        stage.send(2, frame / 30, key=frame == 0)
    assert layer.present(0.2)
    stage.frames[2] = 2
    stage.send(2, 0.9)
    assert layer.loss.recovered == 1 and not layer.present(1.0)


def test_nothing_is_asked_for_of_a_layer_that_is_not_sent_any_more() -> None:
    stage = Stage()
    for frame in (0, 1, 3):
        stage.frames[2] = frame
        stage.send(2, frame / 30, key=frame == 0)
    assert [type(item) for item in stage.requests(0.4)] == [Nack]
    assert stage.requests(1.5) == []


def test_a_layer_without_pictures_is_gone_sooner_when_the_smallest_goes_on() -> None:
    stage = Stage()
    layer, missed = stage.layers[2], 3
    for frame in range(28):
        for rank in (0, 2):
            if rank == 0 or (frame < 9 and frame != missed):
                stage.frames[rank] = frame
                stage.send(rank, frame / 30, key=frame == 0)
    last = 8 / 30
    assert layer.present(27 / 30) is False and 27 / 30 - last < PRESENCE
    assert stage.layers[0].present(27 / 30)
    assert layer.loss.missing == 1
    stage.requests(27 / 30)
    assert layer.loss.missing == 0 and layer.loss.given_up == 1, (
        "what comes back is asked for no old pictures"
    )
    stage.frames[2] = 9
    stage.send(2, 28 / 30, repeated=True)
    assert not layer.present(28 / 30), "the last packet before the pause, sent again"
    stage.send(2, 28 / 30)
    assert layer.present(28 / 30)
