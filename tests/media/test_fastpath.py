"""The compiled packet path against the Python it stands in for: packet for packet, count for count."""

from __future__ import annotations

import asyncio
import math
import random
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

from media.credit import RepairCredit
from media.fastlane import FastLane
from media.fastpath import build
from media.room import Room
from media.selector import loop_factory
from media.transport import TransportState
from tests.media.scene import Sender, Stage

WHY_NOT = build()
compiled = pytest.mark.skipif(
    WHY_NOT is not None, reason=f"the compiled packet path was not built: {WHY_NOT}"
)


def interfere(stage: Stage, step: int, dice: random.Random) -> None:
    """What happens besides: layers chosen, NACKs, padding, a mute, reports of loss."""
    camera, voice, screen = (stage.subscriptions[i : i + 3] for i in (3, 0, 6))
    if step % 40 == 20:
        layers = camera[0].publication.layers
        camera[dice.randrange(3)].aim(dice.choice((*layers, None)))
    if step % 30 == 10:
        for group in (camera, voice, screen):
            numbers = tuple((group[0].state.highest - i) & 0xFFFF for i in range(0, 12, 3))
            group[0].resend(numbers, stage.now)
    if step % 100 == 50:
        for subscription in (*camera, *screen):
            subscription.pad(3)
    if step % 150 in (70, 90):
        voice[0].publication.muted = step % 150 == 70
        voice[0].hold()
    if step % 80 == 60:
        voice[0].redundancy.heed(dice.choice((0, 0, 0, 40)))


def script(stage: Stage, seed: int) -> list[object]:
    """A reception of a few seconds, with loss, disorder and key frames: all that came of it."""
    sender, dice, told = Sender(seed), random.Random(seed + 1), []
    held: list[bytes] = []
    for step in range(500):
        stage.now += dice.choice((0.001, 0.004, 0.02))
        name = dice.choice(("voice", "q", "h", "f", "f", "screen"))
        key = step < 30 or dice.random() < 0.04
        burst = [sender.packet(name, key and not i, last=i == 2) for i in range(3)]
        fate = dice.random()
        if fate < 0.05:
            burst.pop(1)  # lost
        elif fate < 0.10:
            held.append(burst.pop())  # overtaken
        elif fate < 0.15:
            burst.reverse()
        stage.send(*burst)
        if held and dice.random() < 0.3:
            stage.send(held.pop(0))
        if step % 17 == 3:
            ssrc, name = dice.choice(((11, "voice"), (41, "q"), (43, "f"), (31, "screen")))
            stage.report(ssrc, sender.stamps[name])
        interfere(stage, step, dice)
        if step % 120 == 0:
            stage.deliver_all()
            for publication in stage.publisher.publications:
                publication.tick(stage.now)
            stage.gate.flush()
            told.append(stage.counts())
        told.append(stage.heard())
    stage.deliver_all()
    told.append(stage.counts())
    told += [stage.recorders, stage.spies, [hand.sent for hand in stage.hands]]
    told.append([list(t.sent.sizes) for t, _ in stage.out if t.sent is not None])
    return told


class Unlimited(RepairCredit):
    """In the compiled path requests are reckoned a batch later: only without a ceiling are they the same."""

    def take(self, wanted: int, received: int) -> int:
        return wanted


@compiled
@pytest.mark.parametrize("seed", range(3))
async def test_packet_for_packet_as_python_does_it(seed: int) -> None:
    lane = FastLane.open()
    assert lane is not None
    told = []
    for each in (None, lane):
        stage = Stage(each)
        for publication in stage.publisher.publications:
            for layer in publication.layers:
                layer._credit = Unlimited(alone=False)
        told.append(script(stage, seed))
        stage.publisher.close("over")
        stage.loopback.close()
    for step, (plain, fast) in enumerate(zip(*told, strict=True)):
        assert plain == fast, f"step {step}"
    # Most of it did pass through the compiled path.
    print(f"{lane.forwarded} of about 1500 packets were forwarded by compiled code")
    assert lane.forwarded > 300


@pytest.fixture
async def fast() -> AsyncIterator[Stage]:
    stage = Stage(FastLane.open())
    yield stage
    stage.publisher.close("over")
    stage.loopback.close()


def started(stage: Stage, sender: Sender) -> None:
    """Everything runs."""
    for _ in range(3):
        for name in ("voice", "q", "h", "f", "screen"):
            stage.now += 0.02
            stage.send(sender.packet(name, key=True))


@compiled
async def test_a_full_reel_costs_the_recorder_nothing(fast: Stage) -> None:
    sender = Sender(9)
    started(fast, sender)
    fast.deliver_all()
    reel = next(p for p in fast.publisher.publications if p.track.source == "screen").layers[0].reel
    assert reel is not None
    reel.state.size = 2_000
    before = len(fast.recorders["screen"].written)
    sent = [sender.packet("screen") for _ in range(40)]
    for number in range(0, 40, 8):
        fast.send(*sent[number : number + 8])
    fast.deliver_all()
    assert [data for data, _ in fast.recorders["screen"].written[before:]] == sent


@compiled
async def test_a_transport_may_end_in_the_middle_of_a_batch(fast: Stage) -> None:
    sender = Sender(5)
    started(fast, sender)
    take = fast.publisher.take_packet

    def end(data: bytes, now: float) -> None:
        take(data, now)
        fast.publisher.close("over")

    fast.publisher.take_packet = end  # type: ignore[method-assign]
    fast.send(*[sender.packet("screen", key=True) for _ in range(5)])
    assert not fast.gate.counters["parser_error"]
    assert fast.publisher.transport.state is TransportState.CLOSED
    # Nobody is at home there any more, for the compiled path either.
    fast.send(*[sender.packet("screen") for _ in range(5)])
    assert fast.gate.counters["stranger"] == 5


@compiled
async def test_what_libsrtp_refuses_is_counted(fast: Stage) -> None:
    sender = Sender(5)
    started(fast, sender)
    packet = fast.sending.protect(sender.packet("voice"))
    for data in (packet, packet, packet[:-1] + b"?"):
        fast.peer.send(data)
    fast.loopback.read(3, fast.now)
    assert (fast.gate.counters["replayed"], fast.gate.counters["forged"]) == (2, 0)
    fast.peer.send(fast.sending.protect(sender.packet("voice"))[:-1] + b"?")
    fast.loopback.read(1, fast.now)
    assert fast.gate.counters["forged"] == 1


@compiled
async def test_the_loop_wakes_for_others_and_on_time() -> None:
    """asyncio around the lane: timers, threads, other sockets."""
    lane = FastLane.open()
    assert lane is not None

    async def life() -> str:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.sleep(0.05)
        assert 0.045 < loop.time() - before < 5
        assert await asyncio.to_thread(lambda: 7) == 7
        mine, other = socket.socketpair()
        mine.setblocking(False)
        loop.call_later(0.01, other.send, b"hello")
        received = await loop.sock_recv(mine, 16)
        mine.close()
        other.close()
        return received.decode()

    def run() -> str:
        with asyncio.Runner(loop_factory=loop_factory(lane)) as runner:
            return runner.run(life())

    assert await asyncio.to_thread(run) == "hello"


@compiled
async def test_what_comes_during_a_tick_is_not_from_the_future(fast: Stage) -> None:
    """Packets are served between two participants; those after it are told the later time."""

    class Ticking:
        """In place of a Publisher and of a Subscriber."""

        publications = ()

        def tick(self, now: float) -> None:
            told.append(now)
            time.sleep(0.002)

    told: list[float] = []
    room = Room("r", replace(fast.surroundings, clock=time.monotonic))
    for name in "ab":
        room.participants[name] = SimpleNamespace(publisher=Ticking(), subscriber=Ticking())  # type: ignore[assignment]
    room._tell_wanted = room._tell_speakers = lambda publications, now: None  # type: ignore[method-assign]
    room._quality_at = math.inf
    room.tick(time.monotonic())
    assert len(told) == 4
    assert all(after - before >= 0.002 for before, after in pairwise(told))
    assert fast.gate.now >= told[-1]


@compiled
async def test_arrivals_are_the_kernels_though_nobody_read_for_a_while(fast: Stage) -> None:
    """To two milliseconds; where others had the processor just then, which nobody can judge, once more."""
    fast.loopback.port.time_arrivals()
    sender = Sender(4)
    started(fast, sender)
    off: list[float] = []
    while not off or off[-1] > 0.002:
        assert len(off) < 8, off
        off.append(unread_for_a_while(fast, sender))


def unread_for_a_while(fast: Stage, sender: Sender) -> float:
    """Three packets with pauses, read at the end: how far their times lie outside of their sending."""
    log = fast.publisher._arrivals
    assert log is not None
    for body in log.take(1, 2):
        assert body
    fast.now = time.monotonic()
    moments = []
    for name in ("voice", "q", "voice"):
        protected, before = fast.sending.protect(sender.packet(name, key=name == "q")), time.monotonic()
        fast.peer.send(protected)
        moments.append((before, time.monotonic()))
        time.sleep(0.03)  # This process is busy.
    fast.loopback.read(3, time.monotonic())
    # One of them went through Python, as every beginning of a key frame.
    assert log.state.count == 3
    # As they were numbered: what Python takes may be noted after what the compiled path takes.
    told = [at for _, at in sorted(zip(log.state.number[0:3], log.state.at[0:3], strict=True))]
    return max(max(before - at, at - after) for (before, after), at in zip(moments, told, strict=True))
