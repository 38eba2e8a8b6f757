"""Frames left out of a VP8 layer: no number tells of them, and every frame that is sent can be decoded.

The receiver here finds references as browsers do: by TL0PICIDX, TID and Y, and it waits for every picture
id it has not seen. The publisher knows what each of its frames really needs.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from media.allocator import Demand, allocate
from media.feedback import BandwidthEstimate
from media.outflow import Outflow
from media.rtp import HEADER, Packet, parse_packet
from media.subscription import Subscription
from media.temporal import FULL, SHARES, Step, level_of, steps_of
from media.vp8 import PictureNumbers
from tests.media.test_forwarding import Outlet
from tests.media.test_hostile_bytes import run
from tests.media.test_simulcast import Stage
from tests.media.test_wishes import Wire

# TID and Y of the frames of a cycle, as Chromium 156 sends L1T3 and L1T2.
THREE = ((0, 0), (2, 1), (1, 1), (2, 0), (0, 0), (2, 0), (1, 0), (2, 0))
TWO = ((0, 0), (1, 1), (0, 0), (1, 0))


def made(number: int, timestamp: int, ssrc: int, marker: bool, payload: bytes) -> Packet:
    return parse_packet(HEADER.pack(0x80, marker << 7 | 96, number & 0xFFFF, timestamp, ssrc) + payload)


def payload(frame: int, tl0: int, tid: int, sync: int, part: int, key: bool) -> bytes:
    """Descriptor with a picture id of 15 bits, TL0PICIDX and TID; the body names frame and part."""
    first = 0x90 if not part else 0x80
    picture = (32_750 + frame) & 0x7FFF
    head = bytes((first, 0xE0, 0x80 | picture >> 8, picture & 0xFF, tl0 & 0xFF, tid << 6 | sync << 5))
    body = (b"\x10\x00\x00\x9d\x01\x2a\x40\x01\xb4\x00" if key else b"\x11\x00\x00") if not part else b""
    return head + body + b"frame %d part %d" % (frame, part)


@dataclass
class Sent:
    number: int
    payload: bytes

    @property
    def picture(self) -> int:
        return (self.payload[2] & 0x7F) << 8 | self.payload[3]

    @property
    def tl0(self) -> int:
        return self.payload[4]

    @property
    def tid(self) -> int:
        return self.payload[5] >> 6

    @property
    def sync(self) -> bool:
        return bool(self.payload[5] & 0x20)

    @property
    def frame(self) -> int:
        return int(self.payload[6:].split(b"frame ")[1].split()[0])


class Camera:
    """One layer with temporal ones; frames of two packets; some packets are lost and come later."""

    def __init__(
        self, pattern: tuple[tuple[int, int], ...] = THREE, seed: int = 0, loss: float = 0.0
    ) -> None:
        self.stage = Stage()
        self.subscription = Subscription(
            self.stage.publication, outlet := Outlet(), 4000, 100, "anna", 65_500
        )
        self.stage.publication.attach(self.subscription)
        self.subscription.open()
        self.outlet = outlet
        self.pattern = pattern
        self.dice = random.Random(seed)
        self.loss = loss
        self.frame = self.number = self.tl0 = 0
        self.late: list[tuple[int, int, bytes, bool]] = []  # due at frame, number, payload, marker
        self.needs: dict[int, set[int]] = {}
        self._last: dict[int, int] = {}

    def film(self, frames: int) -> None:
        for _ in range(frames):
            self._one_frame()
            for entry in [e for e in self.late if e[0] <= self.frame]:
                self.late.remove(entry)
                self._send(*entry[1:])

    def _one_frame(self) -> None:
        frame, key = self.frame, self.frame == 0
        tid, sync = self.pattern[frame % len(self.pattern)]
        self.tl0 += tid == 0
        below = range(tid if sync else tid + 1) if tid < 2 else range(1 if sync else 2)
        self.needs[frame] = set() if key else {self._last[t] for t in below if t in self._last}
        self._last[tid] = frame
        for part in range(2):
            data = payload(frame, self.tl0, tid, sync, part, key)
            number, self.number = self.number, self.number + 1
            if not key and self.dice.random() < self.loss:
                self.late.append((frame + self.dice.randrange(1, 6), number, data, part == 1))
            else:
                self._send(number, data, part == 1)
        self.frame += 1

    def _send(self, number: int, data: bytes, marker: bool) -> None:
        frame = int(data.split(b"frame ")[1].split()[0])
        packet = made(number, frame * 3000, 100, marker, data)
        if self.stage.publication.receive(packet, frame / 30):
            self.stage.router.forward(self.stage.publication, packet, frame / 30)

    @property
    def sent(self) -> list[Sent]:
        return [Sent(number, body) for _, number, _, _, body in self.outlet.sent if b"frame" in body]

    def frames_sent(self) -> list[int]:
        return sorted({packet.frame for packet in self.sent})


def steps_between(numbers: list[int], bits: int) -> set[int]:
    return {(b - a) % (1 << bits) for a, b in zip(numbers, numbers[1:], strict=False)}


class Browser:
    """Decides what can be decoded from the descriptors alone, as libwebrtc does for VP8."""

    def __init__(self) -> None:
        self.layers: dict[int, dict[int, int]] = {}
        self.missing: set[int] = set()
        self.last: int | None = None
        self.decoded: list[int] = []

    def take(self, packet: Sent, picture: int, tl0: int) -> None:
        """`picture` and `tl0` unwrapped."""
        if self.last is None:
            self.last = picture
            self.layers[tl0] = {0: picture}
            self.decoded.append(packet.frame)
            return
        self.missing |= set(range(self.last + 1, picture))
        self.last = max(self.last, picture)
        base = self.layers.get(tl0 - 1 if packet.tid == 0 else tl0)
        if base is None or not self._has_all(packet, picture, base):
            self.missing.add(picture)
            return
        self.layers[tl0] = {**base, packet.tid: picture}
        self.decoded.append(packet.frame)

    def _has_all(self, packet: Sent, picture: int, base: dict[int, int]) -> bool:
        if packet.tid == 0 or packet.sync:
            return True
        for tid in range(packet.tid + 1):
            if tid == 2 and tid not in base:
                continue  # Never a reference in these patterns.
            if tid not in base or any(base[tid] < gone < picture for gone in self.missing):
                return False
        return True


def decode(camera: Camera) -> list[int]:
    browser, pictures, tl0s = Browser(), -1, -1
    for packet in camera.sent:
        if not packet.payload[0] & 0x10:
            continue
        pictures = packet.picture if pictures < 0 else nearest(pictures, packet.picture, 15)
        tl0s = packet.tl0 if tl0s < 0 else nearest(tl0s, packet.tl0, 8)
        browser.take(packet, pictures, tl0s)
    return browser.decoded


def nearest(reference: int, value: int, bits: int) -> int:
    half = 1 << bits - 1
    return reference + (value - reference + half) % (1 << bits) - half


@pytest.mark.parametrize(
    ("pattern", "limit", "kept"),
    [(THREE, 2, 8), (THREE, 1, 4), (THREE, 0, 2), (TWO, 1, 4), (TWO, 0, 2), (THREE, FULL, 8)],
)
def test_frames_above_the_limit_are_left_out_and_nothing_tells_of_it(
    pattern: tuple[tuple[int, int], ...], limit: int, kept: int
) -> None:
    scene = Camera(pattern)
    scene.subscription.aim(scene.stage.layers[0], limit)
    scene.film(160)
    assert len(scene.frames_sent()) == 160 * kept // len(pattern)
    packets = scene.sent
    assert steps_between([p.number for p in packets], 16) == {1}
    firsts = [p for p in packets if p.payload[0] & 0x10]
    assert steps_between([p.picture for p in firsts], 15) == {1}
    # TL0PICIDX is the publisher's: base frames are never left out.
    assert [p.tl0 for p in firsts if p.tid == 0] == [
        n & 0xFF for n in range(1, 1 + 160 * 2 // (8 if pattern is THREE else 4))
    ]
    assert decode(scene) == scene.frames_sent()


@pytest.mark.parametrize("pattern", [THREE, TWO])
def test_the_rate_goes_down_at_once_and_up_where_nothing_is_missing(
    pattern: tuple[tuple[int, int], ...],
) -> None:
    dice = random.Random(7741)
    scene = Camera(pattern)
    layer = scene.stage.layers[0]
    for _ in range(200):
        scene.subscription.aim(layer, dice.choice((0, 1, 2, FULL)))
        scene.film(dice.randrange(1, 20))
    sent = set(scene.frames_sent())
    assert all(scene.needs[frame] <= sent for frame in sent)
    assert decode(scene) == sorted(sent)
    assert steps_between([p.number for p in scene.sent], 16) == {1}


def test_the_full_rate_is_back_within_two_cycles() -> None:
    scene = Camera()
    layer = scene.stage.layers[0]
    scene.subscription.aim(layer, 0)
    scene.film(80)
    scene.subscription.aim(layer, FULL)
    scene.film(40)
    assert set(range(98, 120)) <= set(scene.frames_sent())


@pytest.mark.parametrize("seed", range(8))
def test_what_comes_late_has_a_number_of_its_own(seed: int) -> None:
    """Packets lost on the way to us come up to five frames later; the rate changes meanwhile."""
    scene = Camera(THREE, seed, 0.1)
    layer = scene.stage.layers[0]
    for _ in range(60):
        scene.subscription.aim(layer, scene.dice.choice((0, 1, FULL)))
        scene.film(scene.dice.randrange(1, 16))
        scene.subscription.pad(scene.dice.randrange(4))
    scene.loss = 0.0
    scene.film(16)
    assert not scene.late
    taken: dict[int, bytes] = {}
    for _, number, _, _, body in scene.outlet.sent:
        assert number not in taken, "a number was used twice"
        taken[number] = body
    first, last = 65_500, 65_500 + len(taken)
    assert set(taken) == {number & 0xFFFF for number in range(first, last)}
    by_picture: dict[int, set[int]] = {}
    for packet in scene.sent:
        by_picture.setdefault(packet.picture, set()).add(packet.frame)
    assert all(len(frames) == 1 for frames in by_picture.values()), "two frames share a picture id"
    bases = {frame for frame in range(scene.frame) if THREE[frame % 8][0] == 0}
    assert bases <= set(scene.frames_sent())


def test_what_is_asked_for_again_is_what_was_sent() -> None:
    scene = Camera()
    layer = scene.stage.layers[0]
    for limit in (1, FULL, 0, 1):
        scene.subscription.aim(layer, limit)
        scene.film(24)
    first = list(scene.outlet.sent)
    recent = first[-60:]
    scene.subscription.resend(tuple(number for _, number, *_ in recent), 10.0)
    assert scene.outlet.sent[len(first) :] == recent


def test_padding_and_frames_left_out_go_together() -> None:
    scene = Camera()
    scene.subscription.aim(scene.stage.layers[0], 1)
    for _ in range(20):
        scene.film(3)
        scene.subscription.pad(5)
    numbers = [number for _, number, *_ in scene.outlet.sent]
    assert steps_between(numbers, 16) == {1}


def test_other_layers_follow_a_thinned_one_without_a_break() -> None:
    stage = Stage()
    subscription = Subscription(stage.publication, outlet := Outlet(), 4000, 100, "anna", 65_000)
    stage.publication.attach(subscription)
    subscription.open()
    subscription.aim(stage.layers[1], 0)
    for rank in range(2):
        send(stage, rank, 0, key=True)
    for frame in range(1, 60):
        if frame == 20:
            subscription.aim(stage.layers[0], FULL)
        if frame == 40:
            subscription.aim(stage.layers[1], 1)
        for rank in range(2):
            send(stage, rank, frame, key=frame in (24, 48))
    numbers = [number for _, number, *_ in outlet.sent]
    assert steps_between(numbers, 16) == {1}
    told = [Sent(number, body) for _, number, _, _, body in outlet.sent]
    assert steps_between([p.picture for p in told], 15) == {1}
    # From asking for the smaller one to its key frame, the larger one was reduced to its base.
    assert subscription.layer is stage.layers[1]


def send(stage: Stage, rank: int, frame: int, key: bool) -> None:
    tid, sync = THREE[frame % 8] if not key else (0, 1)
    data = payload(frame + 700 * rank, frame // 2 + 90 * rank, tid, sync, 0, key)
    packet = made(300 * rank + frame, frame * 3000, 100 + rank, True, data)
    if stage.publication.receive(packet, frame / 30):
        stage.router.forward(stage.publication, packet, frame / 30)


def test_steps_lie_between_layers() -> None:
    assert steps_of((3, 3)) == (
        Step(0, 0, 0.4),
        Step(0, 1, 0.6),
        Step(0, FULL, 1.0),
        Step(1, 1, 0.6),
        Step(1, FULL, 1.0),
    )
    assert steps_of((1, 1)) == (Step(0, FULL, 1.0), Step(1, FULL, 1.0))
    assert [s.share for s in steps_of((9,))] == list(SHARES[3]) and steps_of((0,)) == steps_of((1,))


@pytest.mark.parametrize(
    ("estimate", "rank", "limit"),
    [
        (70_000, 0, 0),
        (110_000, 0, 1),
        (200_000, 0, FULL),
        (300_000, 1, 1),
        (480_000, 1, FULL),
        (5_000_000, 2, FULL),
    ],
)
def test_the_estimate_decides_on_size_and_rate(estimate: int, rank: int, limit: int) -> None:
    stage = Stage()
    subscription = Subscription(stage.publication, Outlet(), 4000, 100, "anna", 0)
    stage.publication.attach(subscription)
    subscription.open()
    outflow = Outflow(Wire())  # type: ignore[arg-type]
    for frame in range(40):
        for number in range(3):
            send(stage, number, frame, key=frame == 0)
        stage.publication.tick(frame / 30)
    for layer, rate in zip(stage.layers, (150_000, 400_000, 1_200_000), strict=True):
        assert layer.temporal_layers == 3
        layer.bitrate = rate
    # A REMB below the least that is believed is not taken at its word, so the rest is taken up by sound.
    outflow.receive(BandwidthEstimate(max(estimate, 100_000), ()), 1.3)
    outflow._estimator.bitrate = estimate
    outflow.tick([subscription], 1.3)
    assert subscription.aimed_at is stage.layers[rank]
    assert subscription.limit == limit


def test_of_two_pictures_both_get_fewer_frames_before_one_gets_none() -> None:
    rates = tuple(round(150_000 * share) for share in SHARES[2])
    assert allocate(140_000, [Demand(360, rates, 2), Demand(360, rates, 2)]) == [0, 0]
    assert allocate(200_000, [Demand(360, rates, 2, 1), Demand(360, rates, 2, 1)]) == [1, 1]


def test_descriptors_of_any_bytes() -> None:
    pictures = PictureNumbers()

    def parse(data: bytes) -> object:
        level = level_of(data)
        assert -1 <= level <= 255
        pictures.skip(data)
        pictures.skipped(data)
        assert len(pictures.translate(data)) == len(data)
        return level

    assert run("temporal", 77, [payload(5, 6, 2, 1, 0, False), b"\x90\xf0\x11\x05\x80\x00"], parse) == 20_000
    assert level_of(b"\x90\x20\xe0\x00") == 0xE0 and level_of(b"\x90\x80\x05\x00") == -1
    assert level_of(b"\x67\x42\x00") == -1
