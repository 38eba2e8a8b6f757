"""SDP bombs and wrong requests through the control channel: refused fast, and nobody else notices."""

import asyncio
import time

import pytest

from bench.peer import SOURCES
from media.control import AcceptOffer, AddParticipant, ControlError, Publish, Subscribe
from tests.hostile.siege import ROOM, Siege

# Accepted without harm: needless lines are passed over, unknown codecs refused in the answer.
HARMLESS = ("20,000 candidates", "unknown codec", "NUL and broken text")


def _head() -> str:
    return "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"


def _bombs(genuine: str) -> dict[str, str]:
    """Offers that no browser makes, from a genuine one."""
    video = genuine[genuine.index("m=video") :]
    audio = genuine[genuine.index("m=audio") : genuine.index("m=video")]
    codecs = "".join(
        f"a=rtpmap:{96 + n % 30} VP8/90000\r\na=rtcp-fb:{96 + n % 30} nack\r\n" for n in range(1200)
    )
    return {
        "empty": "",
        "not SDP": "GET / HTTP/1.1\r\n\r\n",
        "no media": _head(),
        "garbage media": _head() + "m=video\r\na=mid:0\r\n",
        "62 KiB of codecs": genuine + codecs,
        "20,000 ssrc lines": genuine + "".join(f"a=ssrc:{n} cname:x\r\n" for n in range(20_000)),
        "2,000 media sections": _head() + (audio + video) * 1000,
        "20,000 candidates": genuine
        + "".join(f"a=candidate:{n} 1 udp 1 10.0.0.1 {n % 60000} typ host\r\n" for n in range(20_000)),
        "evil setup": genuine.replace("setup:actpass", "setup:evil"),
        "no fingerprint": "\r\n".join(li for li in genuine.split("\r\n") if "fingerprint" not in li),
        "MD5 fingerprint": genuine.replace("fingerprint:sha-256", "fingerprint:md5"),
        "no credentials": "\r\n".join(li for li in genuine.split("\r\n") if "ice-" not in li),
        "unknown codec": genuine.replace("VP8/90000", "XXX/1").replace("opus/48000/2", "YYY/1"),
        "huge numbers": genuine.replace("a=ssrc:", "a=ssrc:99999999999999999999"),
        "NUL and broken text": genuine.replace("opus", "\0\ud7ff\ufffd"),
        "one endless line": "v=0\r\na=" + "x" * 3_000_000,
    }


async def _publish(siege: Siege, sdp: str, participant: str) -> None:
    await siege.rooms.client.request(
        Publish(room_id=ROOM, participant_id=participant, offer_sdp=sdp, sources=dict(SOURCES))  # type: ignore[arg-type]
    )


async def test_sdp_bombs(siege: Siege) -> None:
    await siege.rooms.client.request(AddParticipant(room_id=ROOM, participant_id="carl"))
    for name, sdp in _bombs(siege.anna.offer()).items():
        started = time.monotonic()
        try:
            await _publish(siege, sdp, "carl")
        except ControlError as error:
            assert error.code == "bad_sdp", f"{name}: {error.code}"
        else:
            assert name in HARMLESS, f"{name} was accepted"
        assert time.monotonic() - started < 0.5, f"{name} took too long"
    await siege.stands()


async def test_sdp_bombs_as_answers(siege: Siege) -> None:
    await siege.rooms.client.request(AddParticipant(room_id=ROOM, participant_id="dora"))
    await siege.rooms.client.request(Subscribe(room_id=ROOM, participant_id="dora"))
    offer = await _next_offer(siege, "dora")
    for name, sdp in _bombs(siege.anna.offer()).items():
        try:
            await siege.rooms.client.request(
                AcceptOffer(room_id=ROOM, participant_id="dora", offer_id=offer, answer_sdp=sdp)
            )
        except ControlError as error:
            assert error.code in ("bad_sdp", "stale_offer"), f"{name}: {error.code}"
    await siege.stands()


async def _next_offer(siege: Siege, participant: str) -> int:
    async with asyncio.timeout(5):
        while True:
            if participant in siege.rooms.unanswered:
                return siege.rooms.unanswered[participant].offer_id
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("room", ["no such room", "", "x" * 10_000, "../../etc"])
async def test_unknown_rooms(siege: Siege, room: str) -> None:
    with pytest.raises(ControlError) as caught:
        await siege.rooms.client.request(Subscribe(room_id=room, participant_id="anna"))
    assert caught.value.code == "not_found"
    await siege.stands()


@pytest.mark.parametrize(
    "frame",
    [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x04\xc1\xc1\xc1\xc1", b"\0\0\0\x05hello", b"\0\0\0\x01\x80"],
)
async def test_broken_frames_close_only_their_own_connection(siege: Siege, frame: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(siege.worker.socket_path))
    writer.write(frame + b"\0" * 16)
    async with asyncio.timeout(5):
        while await reader.read(65_536):
            pass
    writer.close()
    await siege.stands()
