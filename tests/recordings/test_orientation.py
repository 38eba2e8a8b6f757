"""A phone held upright is upright in the film, also when it is turned meanwhile; and the words of a pause."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import google_crc32c
import numpy as np
import pytest

from recordings.capture.journal import Disk, TrackJournal
from recordings.capture.segment import RTP, SegmentFile, encode_header, parse_header
from recordings.evidence.manifest import MANIFEST_FILE, moment_ns, moment_text
from recordings.evidence.pauses import deliberations_of, pauses_of
from recordings.evidence.veils import veils_of, without_names
from recordings.film.canvas import turn
from recordings.film.captions import Lettering
from recordings.film.colour import planes_of_rgb
from recordings.film.composition import compose
from recordings.film.layout import Box, arrange, fit
from recordings.film.plan import CompositionPlan
from tests.recordings.synthetic import (
    FPS,
    MONOTONIC_NS,
    PARTIES,
    START,
    START_NS,
    Party,
    identity,
    manifest_content,
    rtp,
    seal,
    vp8_payloads,
)
from tests.recordings.test_composition import picture_at

SIZE = (320, 180)
SECONDS = 10.0
PLAN = CompositionPlan(width=960, height=540)
ELEMENT = 5
# The corners of what the camera sees, clockwise from the upper left.
CORNERS = ((200, 40, 40), (40, 160, 60), (50, 70, 200), (210, 190, 50))
# What the phone tells: its byte from second to second. 8 is the back camera, upright.
TOLD = (0, 1, 2, 3, 8)
BROWSER, THRIFTY = PARTIES[0], PARTIES[3]
PAUSE = (5.5, 8.0)


@lru_cache
def frames() -> tuple[bytes, ...]:
    """Five seconds of four coloured quarters; a key frame at the beginning only."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height = SIZE
    encoder.pix_fmt, encoder.bit_rate, encoder.time_base = "yuv420p", 900_000, Fraction(1, FPS)
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "g": "9999"}
    picture = np.empty((SIZE[1], SIZE[0], 3), dtype=np.uint8)
    picture[:90, :160], picture[:90, 160:], picture[90:, 160:], picture[90:, :160] = CORNERS
    coded = []
    for number in range(len(TOLD) * FPS):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = number
        coded += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(coded)


def with_element(packet: bytes, value: int) -> bytes:
    """The packet with another element before the one that counts."""
    extension = struct.pack("!HHBBBBBBBB", 0xBEDE, 2, 0x20, 77, 0x31, 1, 2, ELEMENT << 4, value, 0)
    return bytes((packet[0] | 0x10,)) + packet[1:12] + extension + packet[12:]


def packets(is_thrifty: bool) -> Iterator[tuple[float, bytes]]:
    """As browsers do, the byte on each frame that is not upright; or as 3GPP allows, only on changes."""
    number, before = 0, None
    for picture, frame in enumerate(frames()):
        value = TOLD[picture // FPS]
        parts = vp8_payloads(frame, picture)
        for place, part in enumerate(parts):
            last = place == len(parts) - 1
            data = rtp(number, picture * 90_000 // FPS, 9, part, last, 96)
            if last and (value != before or (value & 3 and not is_thrifty)):
                data = with_element(data, value)
            yield picture / FPS, data
            number += 1
        before = value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("orientation") / "rec"
    root.mkdir()
    for party in (BROWSER, THRIFTY):
        track = replace(identity(party, "camera"), orientation_id=ELEMENT)
        journal = TrackJournal(root, track, Disk())
        for sent, data in packets(party is THRIFTY):
            at = int(sent * 1e9)
            journal.append(RTP, MONOTONIC_NS + at, START_NS + at, data)
            journal.drain(MONOTONIC_NS + at, START_NS + at)
        journal.finish(MONOTONIC_NS + at, START_NS + at, "paused")
    seal(root, SECONDS, (BROWSER, THRIFTY))
    content = json.loads((root / MANIFEST_FILE).read_bytes())
    content["session_events"] = [event(1, "session.paused", PAUSE[0]), event(2, "session.resumed", PAUSE[1])]
    (root / MANIFEST_FILE).write_text(json.dumps(content))
    compose(root, root / "composed.mp4", PLAN, lambda share: None)
    return root


def event(sequence: int, kind: str, seconds: float) -> dict[str, Any]:
    at = moment_text(datetime.fromtimestamp(START.timestamp() + seconds, UTC))
    return {"sequence": sequence, "kind": kind, "at": at}


def box_of(party: Party) -> Box:
    everybody = (BROWSER, THRIFTY)
    sources = {who.participant_id: {"camera"} for who in everybody}
    tiles = arrange([who.entry() for who in everybody], sources, PLAN.width, PLAN.height)
    return next(tile.picture for tile in tiles if tile.participant_id == party.participant_id)


def corners_at(path: Path, party: Party, seconds: float, rotation: int) -> list[int]:
    """Which colour of CORNERS stands in each corner of the tile, clockwise from the upper left."""
    size = SIZE if rotation % 180 == 0 else SIZE[::-1]
    inner, picture = fit(*size, box_of(party)), picture_at(path, seconds).astype(int)
    found = []
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8)):
        pixel = picture[inner.y + int(y * inner.height), inner.x + int(x * inner.width)]
        distances = [int(np.abs(pixel - np.array(colour)).max()) for colour in CORNERS]
        assert min(distances) < 30, (seconds, pixel)
        found.append(distances.index(min(distances)))
    return found


@pytest.mark.parametrize("party", (BROWSER, THRIFTY), ids=("browser", "only changes"))
def test_the_picture_turns_when_the_phone_does(folder: Path, party: Party) -> None:
    path = folder / "composed.mp4"
    for second, value in enumerate(TOLD):
        turns = value & 3
        # Each quarter turn clockwise brings the lower left corner to the upper left.
        expected = [(corner - turns) % 4 for corner in range(4)]
        for seconds in (second + 0.25, second + 0.9):
            assert corners_at(path, party, seconds, turns * 90) == expected, (seconds, value)


def test_beside_an_upright_picture_nothing_of_the_wide_one_is_left(folder: Path) -> None:
    box = box_of(BROWSER)
    picture = picture_at(folder / "composed.mp4", 1.5)
    assert picture[box.y + box.height // 2, box.x + 6].max() < 20


def shows(folder: Path, seconds: float, remark: str) -> bool:
    """Whether both tiles say it, by comparing the pixels with the same words drawn anew."""
    picture = planes_of_rgb(picture_at(folder / "composed.mp4", seconds)).astype(int)
    for party in (BROWSER, THRIFTY):
        box = box_of(party)
        words = Lettering().placeholder((party.name, remark), box.width, box.height).astype(int)
        shown = picture[box.y : box.y + box.height, box.x : box.x + box.width]
        if np.abs(shown - words[: box.height]).mean() > 1.5:
            return False
    return True


def test_a_pause_is_called_a_pause_and_a_lost_picture_lost(folder: Path) -> None:
    path = folder / "composed.mp4"
    assert corners_at(path, BROWSER, 5.4, 0) == [0, 1, 2, 3]
    assert shows(folder, 6.5, "暂停") and not shows(folder, 6.5, "画面中断")
    assert shows(folder, 7.9, "暂停")
    assert shows(folder, 9.5, "暂停")  # Nobody has been seen since.


def test_spans_of_pauses() -> None:
    def spans(*events: tuple[str, float]) -> list[tuple[float, float]]:
        listed = [event(number, kind, at) for number, (kind, at) in enumerate(events, 1)]
        start = moment_ns(moment_text(START) or "")
        return pauses_of({"session_events": listed[::-1]}, start, 60.0)

    pause, resume = "session.paused", "session.resumed"
    assert spans() == [] == pauses_of({}, START_NS, 60.0)
    assert spans((pause, 10), ("hand.raised", 12), (resume, 20)) == [(10, 20)]
    assert spans((pause, 10), ("session.closed", 70)) == [(10, 60)]
    assert spans((pause, 50)) == [(50, 60)]
    assert spans((pause, -9), (resume, -3), (pause, -2), ("minutes.presented", 5)) == [(0, 5)]
    assert spans((pause, 61), (resume, 62)) == []


def test_spans_of_deliberations() -> None:
    def spans(*events: tuple[str, float]) -> list[tuple[float, float]]:
        listed = [event(number, kind, at) for number, (kind, at) in enumerate(events, 1)]
        start = moment_ns(moment_text(START) or "")
        return deliberations_of({"session_events": listed[::-1]}, start, 60.0)

    began, ended = "deliberation.began", "deliberation.ended"
    assert spans() == [] == spans(("session.paused", 5), (ended, 9))
    assert spans((began, 10), ("deliberation.returning", 15), (ended, 25), (began, 40)) == [
        (10, 25),
        (40, 60),
    ]
    assert spans((began, 10), ("session.closed", 30)) == [(10, 30)]


def test_spans_of_who_is_screened_and_their_name() -> None:
    events = [
        event(1, "veil.began", -5) | {"participant_id": "a"},
        event(2, "veil.ended", 10) | {"participant_id": "a"},
        event(3, "veil.began", 20) | {"participant_id": "b"},
        event(4, "veil.ended", 30) | {"participant_id": "c"},
        event(5, "veil.began", 40) | {"participant_id": "a"},
    ]
    start = moment_ns(moment_text(START) or "")
    found = veils_of({"session_events": events[::-1]}, start, 60.0)
    assert found == {"a": [(0.0, 10.0), (40.0, 60.0)], "b": [(20.0, 60.0)]}
    people = [{"participant_id": who, "name": "马秀英", "organisation": "某局"} for who in "abc"]
    assert [each["name"] for each in without_names(people, found)] == ["已屏蔽", "已屏蔽", "马秀英"]
    assert without_names(people, found)[0]["organisation"] is None


@pytest.mark.parametrize(
    ("began", "ended", "said"),
    [
        ("session.paused", "session.resumed", "暂停"),
        ("deliberation.began", "deliberation.ended", "内部合议（不录制）"),
    ],
)
def test_after_a_pause_somebody_who_stays_away_is_lost(
    tmp_path: Path, began: str, ended: str, said: str
) -> None:
    """The words change when the pause has been over for a while."""
    root = tmp_path / "rec"
    root.mkdir()
    journal = TrackJournal(root, identity(BROWSER, "camera"), Disk())
    for sent, data in packets(False):
        at = int(sent * 1e9)
        journal.append(RTP, MONOTONIC_NS + at, START_NS + at, data)
    journal.drain(MONOTONIC_NS + at, START_NS + at)
    journal.finish(MONOTONIC_NS + at, START_NS + at, "paused")
    content = manifest_content(root, 14.0, (BROWSER,))
    content["session_events"] = [event(1, began, 5.5), event(2, ended, 7.0)]
    (root / MANIFEST_FILE).write_text(json.dumps(content))
    plan = CompositionPlan(width=640, height=360, fps=5)
    compose(root, root / "composed.mp4", plan, lambda share: None)
    sources = {BROWSER.participant_id: {"camera"}}
    (tile,) = arrange([BROWSER.entry()], sources, plan.width, plan.height)
    box = tile.picture
    for seconds, remark in ((6.9, said), (11.0, said), (13.0, "画面中断")):
        shown = planes_of_rgb(picture_at(root / "composed.mp4", seconds)).astype(int)
        words = Lettering().placeholder((BROWSER.name, remark), box.width, box.height).astype(int)
        part = shown[box.y : box.y + box.height, box.x : box.x + box.width]
        assert np.abs(part - words[: box.height]).mean() < 1.5, (seconds, remark)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_planes_turn_clockwise(degrees: int) -> None:
    planes = np.arange(24, dtype=np.uint8).reshape(6, 4)
    turned = turn(planes, 4, 4, degrees)
    luma = np.rot90(planes[:4], k=-(degrees // 90))
    assert (turned[:4] == luma).all()
    corners = planes[4:].reshape(2, 2, 2)[0]
    assert (turned[4:].reshape(2, 2, 2)[0] == np.rot90(corners, k=-(degrees // 90))).all()


def test_a_segment_from_before_is_read_without_the_number(folder: Path) -> None:
    path = sorted(folder.rglob("*.lxj"))[0]
    header = SegmentFile(path).header
    assert header is not None and header.orientation_id == ELEMENT
    data = encode_header(header).replace(b'"orientation_id":5', b'"orientation_xx":5')
    data = data[:-4] + google_crc32c.value(data[:-4]).to_bytes(4, "big")
    old, _ = parse_header(data)
    assert old is not None and old.orientation_id == 0
