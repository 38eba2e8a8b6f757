"""Which way up a picture is: read, passed on in our own header, and shown so by a real browser."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import PublishAgain, StartRecording, StopRecording
from media.description import parse_description
from media.negotiation import accept, build_answer, build_offer, orientation_wanted
from media.orientation import OFFERED_ID, URI, oriented_header, read_orientation, rotation_of
from media.publication import Publication
from media.router import Router
from media.rtp import RtpError, find_extension, parse_packet
from media.sink import TrackDescription
from media.subscription import Subscription
from recordings.capture.segment import RTP, SegmentFile
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.manifest import MANIFEST_FILE, utc_text
from recordings.film.composition import compose
from recordings.film.layout import arrange, fit
from recordings.film.plan import CompositionPlan
from tests.media.chromium import CHROMIUM, ChromiumPeer, chromium
from tests.media.offers import ordinary_offer
from tests.media.peers import Controller
from tests.media.test_forwarding import DELTA, KEY, Outlet
from tests.media.test_negotiation import END
from tests.media.workers import running_worker, until
from tests.recordings.test_composition import picture_at

THEIRS = 13
PATIENCE = 60.0  # Seconds for what takes one on a machine of its own.
EXTMAP = f"a=extmap:{THEIRS} {URI}"


def packet_of(number: int, payload: bytes, value: bytes | None, last: bool = True) -> bytes:
    head = bytes((0x90 if value is not None else 0x80, 96 | last << 7)) + number.to_bytes(2, "big")
    head += (number * 3000).to_bytes(4, "big") + (77).to_bytes(4, "big")
    if value is None:
        return head + payload
    element = bytes((THEIRS << 4 | len(value) - 1,)) + value
    element += bytes(-len(element) % 4)
    return head + b"\xbe\xde" + (len(element) // 4).to_bytes(2, "big") + element + payload


@pytest.mark.parametrize(("value", "degrees"), [(0, 0), (1, 90), (2, 180), (3, 270), (8, 0), (0x0D, 90)])
def test_the_byte_says_how_far_to_turn(value: int, degrees: int) -> None:
    data = packet_of(1, KEY, bytes((value,)))
    assert read_orientation(data, THEIRS) == value
    assert rotation_of(value) == degrees


@pytest.mark.parametrize("value", [None, b"\x10", b"\xff", b"\x01\x02"], ids=str)
def test_what_is_no_such_byte_turns_nothing(value: bytes | None) -> None:
    assert read_orientation(packet_of(1, KEY, value), THEIRS) is None
    assert read_orientation(packet_of(1, KEY, b"\x01"), THEIRS - 1) is None
    assert read_orientation(packet_of(1, KEY, b"\x01"), 0) is None


def test_an_element_that_runs_past_the_end_turns_nothing() -> None:
    data = bytearray(packet_of(1, KEY, b"\x01"))
    data[16] = THEIRS << 4 | 9
    with pytest.raises(RtpError):
        find_extension(bytes(data), THEIRS)
    assert read_orientation(bytes(data), THEIRS) is None


@pytest.mark.parametrize("others", [b"", b"\x31\xab\xcd"], ids=["alone", "beside a number"])
def test_our_header_carries_it_for_whoever_reads(others: bytes) -> None:
    header = oriented_header(0x80 | 100, 500, 1234, 4000, 0x0B, others)
    assert len(header) % 4 == 0
    packet = parse_packet(header + b"picture")
    assert (packet.marker, packet.payload_type, packet.payload) == (True, 100, b"picture")
    assert (packet.sequence_number, packet.timestamp, packet.ssrc) == (500, 1234, 4000)
    assert read_orientation(packet.data, OFFERED_ID) == 0x0B
    assert find_extension(packet.data, 3) == (b"\xab\xcd" if others else None)


class OrientedOutlet(Outlet):
    """Keeps the byte beside the number it was sent under; None where there was none."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int, int]] = []

    def send_oriented(
        self, marker_and_type: int, number: int, timestamp: int, ssrc: int, payload: bytes, orientation: int
    ) -> None:
        self.send_rtp(marker_and_type, number, timestamp, ssrc, payload)
        self.told.append((number, orientation))


def stage(agreed: bool) -> tuple[Publication, Router, Subscription, OrientedOutlet]:
    track = TrackDescription("r", "anna", "camera", "video", "VP8", 90_000, 0, 96, "", THEIRS)
    publication = Publication(track, lambda data: None, 0.5)
    subscription = Subscription(publication, outlet := OrientedOutlet(), 4000, 100, "anna", 500)
    publication.attach(subscription)
    subscription.oriented = agreed
    subscription.open()
    return publication, Router(lambda publication, sink: None), subscription, outlet


@pytest.mark.parametrize("agreed", [True, False], ids=["agreed", "not agreed"])
def test_it_goes_to_whoever_agreed_and_again_when_asked_for(agreed: bool) -> None:
    publication, router, subscription, outlet = stage(agreed)
    sent = [
        (1, KEY, b"\x01", False),
        (2, DELTA, b"\x01", True),
        (3, DELTA, None, True),
        (4, DELTA, b"\x00", True),
    ]
    for number, payload, value, last in sent:
        packet = parse_packet(packet_of(number, payload, value, last))
        if publication.receive(packet, number / 30):
            router.forward(publication, packet, number / 30)
    assert outlet.numbers == [500, 501, 502, 503]
    # On the last packet of a frame only, and never made up.
    assert outlet.told == ([(501, 1), (503, 0)] if agreed else [])
    subscription.resend((501, 502), 1.0)
    assert outlet.numbers[4:] == [501, 502]
    assert outlet.told[2:] == ([(501, 1)] if agreed else [])


def test_it_is_negotiated_for_pictures_both_ways() -> None:
    asked = (
        ordinary_offer().replace("a=mid:1", f"a=mid:1\r\n{EXTMAP}").replace("a=mid:0", f"a=mid:0\r\n{EXTMAP}")
    )
    description = parse_description(asked)
    choices = accept(description)
    assert [choice.orientation_id for choice in choices if choice] == [0, THEIRS]
    assert build_answer(choices, description, END).count(EXTMAP) == 1
    assert URI not in build_answer(accept(parse_description(ordinary_offer())), description, END)


def test_an_answer_decides_whether_it_is_sent() -> None:
    for line, wanted in ((f"a=extmap:{OFFERED_ID} {URI}", True), (EXTMAP, False), ("a=x", False)):
        answer = ordinary_offer().replace("a=mid:1", f"a=mid:1\r\n{line}")
        assert orientation_wanted(parse_description(answer).sections[1]) is wanted
    assert URI not in build_offer([], 1, END)


# A worker that records as the service does.
PROGRAM = """
import json, sys
from media.config import MediaConfig
from media.worker import run_worker
from recordings.capture.recorder import JournalRecorderFactory
values = json.loads(sys.argv[1])
values |= {name: tuple(values[name]) for name in ("addresses", "networks")}
run_worker(MediaConfig(**values), JournalRecorderFactory())
"""
# A camera of four coloured quarters in a phone that can be turned: frames say so and are not turned.
# Asked to, it turns them itself as Safari does; Chromium 156 drops frames that it would have to turn.
PHONE = """() => {
  const colours = ["#c82828", "#28a03c", "#3246c8", "#d2be32"];
  const picture = (width, height, first) => {
    const canvas = Object.assign(document.createElement("canvas"), {width, height});
    const context = canvas.getContext("2d");
    for (const [place, [x, y]] of [[0, 0], [1, 0], [1, 1], [0, 1]].entries()) {
      context.fillStyle = colours[(place + first) % 4];
      context.fillRect(x * width / 2, y * height / 2, width / 2, height / 2);
    }
    return canvas;
  };
  const lying = picture(640, 360, 0), upright = picture(360, 640, 3);
  const track = new MediaStreamTrackGenerator({kind: "video"});
  const writer = track.writable.getWriter();
  window.rotation = 90;
  setInterval(() => {
    const plain = new VideoFrame(window.turns ? upright : lying, {timestamp: performance.now() * 1000});
    writer.write(new VideoFrame(plain, {rotation: window.turns ? 0 : window.rotation}));
    plain.close();
  }, 50);
  const sound = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
  window.stream = new MediaStream([sound, track]);
}"""
# Width, height and the colours in the corners, clockwise from the upper left, of the picture as it is shown.
SHOWN = """() => {
  const video = document.querySelector("video");
  if (!video || !video.videoWidth) return null;
  const {videoWidth: width, videoHeight: height} = video;
  const canvas = Object.assign(document.createElement("canvas"), {width, height});
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  const corners = [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]].map(([x, y]) =>
    [...context.getImageData(Math.floor(x * width), Math.floor(y * height), 1, 1).data.slice(0, 3)]);
  return {tall: height > width, corners};
}"""
CORNERS = ((200, 40, 40), (40, 160, 60), (50, 70, 200), (210, 190, 50))


def order_of(corners: list[list[int]]) -> list[int]:
    def distance(pixel: list[int], colour: tuple[int, int, int]) -> int:
        return max(abs(a - b) for a, b in zip(pixel, colour, strict=True))

    return [min(range(4), key=lambda place: distance(pixel, CORNERS[place])) for pixel in corners]


async def shows(peer: ChromiumPeer, tall: bool, order: list[int]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            shown = await peer.page.evaluate(SHOWN)
            if shown and shown["tall"] is tall and order_of(shown["corners"]) == order:
                return
            await asyncio.sleep(0.1)


PHASES = (
    (90, True, [3, 0, 1, 2]),
    (180, False, [2, 3, 0, 1]),
    (0, False, [0, 1, 2, 3]),
    (270, True, [1, 2, 3, 0]),
)


@pytest.mark.browser
@pytest.mark.timeout(240)
@pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here")
async def test_a_phone_that_is_turned_is_upright_in_the_room_and_in_the_film(tmp_path: Path) -> None:
    """Real packets all the way: one Chromium publishes turned frames, another shows them upright."""
    folder, moments = tmp_path / "recording", []
    with running_worker(tmp_path, program=PROGRAM) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address):
            peers = [ChromiumPeer(controller, await browser.new_page(), "r", name) for name in ("anna", "bo")]
            for peer in peers:
                await peer.page.goto(address)
                await peer.enter()
            await client.request(StartRecording(room_id="r", recording_id="one", directory=str(folder)))
            anna, bo = peers
            await anna.page.evaluate(PHONE)
            await anna.publish("vp8")
            await bo.subscribe()
            for rotation, tall, order in PHASES:
                await anna.page.evaluate("rotation => { window.rotation = rotation; }", rotation)
                await shows(bo, tall, order)
                moments.append(time.time() + 0.3)
                await asyncio.sleep(0.6)
            await client.request(StopRecording(room_id="r"))
            await controller.close()
    (path,) = (folder / "tracks" / "anna-camera").glob("*.lxj")
    told = told_by(path)
    runs = [value for place, value in enumerate(told) if not place or told[place - 1] != value]
    print("packets with the byte:", len(told), "in this order:", runs)
    assert [rotation_of(value) for value in runs] == [rotation for rotation, *_ in PHASES]
    began = film_of(folder, path)
    for at, (rotation, tall, order) in zip(moments, PHASES, strict=True):
        assert corners_of_film(folder / "composed.mp4", at - began, tall) == order, rotation


def told_by(path: Path) -> list[int]:
    """The bytes that came, in order."""
    segment = SegmentFile(path)
    assert segment.header is not None and segment.header.orientation_id
    packets = [item.payload for item in segment.items() if getattr(item, "kind", None) == RTP]
    found = [read_orientation(data, segment.header.orientation_id) for data in packets]
    return [value for value in found if value is not None]


def film_of(folder: Path, path: Path) -> float:
    """Compose what was recorded; when the film begins, in seconds since 1970."""
    items = [item for item in SegmentFile(path).items() if getattr(item, "kind", None) == RTP]
    began, ended = items[0].wall_ns, items[-1].wall_ns
    clock = read_clock_map(folder)
    manifest = {
        "recording": {"started_at": utc_text(began), "stopped_at": utc_text(ended)},
        "participants": [{"participant_id": "anna", "name": "马秀英", "role": "petitioner"}],
        "tracks": [track for track in read_tracks(folder, clock) if track["source"] == "camera"],
        "clock": {"source": "server", "boots": clock.anchors()},
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    compose(folder, folder / "composed.mp4", CompositionPlan(640, 360), lambda share: None)
    return began / 1e9


def corners_of_film(path: Path, seconds: float, tall: bool) -> list[int]:
    who = {"participant_id": "anna", "name": "马秀英", "role": "petitioner"}
    (tile,) = arrange([who], {"anna": {"camera"}}, 640, 360)
    box = fit(*((360, 640) if tall else (640, 360)), tile.picture)
    picture = picture_at(path, seconds)
    spots = [(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)]
    pixels = [picture[box.y + int(y * box.height), box.x + int(x * box.width)].astype(int) for x, y in spots]
    return order_of([[int(part) for part in pixel] for pixel in pixels])


def without_orientation(sdp: str) -> str:
    """What Firefox makes of an offer: it knows no such extension and agrees to none."""
    return "".join(line for line in sdp.splitlines(keepends=True) if URI not in line)


@pytest.mark.browser
@pytest.mark.timeout(240)
@pytest.mark.skipif(not os.path.exists(CHROMIUM), reason="no Chromium here")
async def test_whoever_cannot_turn_pictures_gets_them_turned(tmp_path: Path) -> None:
    """Somebody like Firefox comes: the phone publishes anew and turns its pictures itself, for everybody."""
    with running_worker(tmp_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        async with chromium() as (browser, address):
            anna, bo, fox = [
                ChromiumPeer(controller, await browser.new_page(), "r", name)
                for name in ("anna", "bo", "fox")
            ]
            answers: list[str] = []
            anna.rewrite = lambda sdp: answers.append(sdp) or sdp
            fox.rewrite = without_orientation
            for peer in (anna, bo, fox):
                await peer.page.goto(address)
                await peer.enter()
            await anna.page.evaluate(PHONE)
            await bo.subscribe()
            await anna.publish("vp8")
            await shows(bo, True, [3, 0, 1, 2])
            await asyncio.sleep(1.2)
            assert URI in answers[0] and not controller.of(PublishAgain)

            await fox.subscribe()
            await until(lambda: controller.of(PublishAgain, participant_id="anna"), PATIENCE, "anna is asked")
            await shows(fox, False, [0, 1, 2, 3])
            await anna.page.evaluate("() => { publishing.close(); window.turns = true; }")
            await anna.publish("vp8")
            assert URI not in answers[1]
            for peer in (bo, fox):
                await shows(peer, True, [3, 0, 1, 2])
            await asyncio.sleep(1.2)
            assert len(controller.of(PublishAgain)) == 1
            await controller.close()
