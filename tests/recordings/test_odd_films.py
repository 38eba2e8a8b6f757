"""Odd recordings become films too: nobody, sound only, thirteen at once, other shapes, cut to nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from recordings.capture import segment
from recordings.capture.journal import Disk, TrackJournal
from recordings.film.colour import BT709, LIMITED
from recordings.film.composition import compose
from recordings.film.layout import arrange
from recordings.film.plan import CompositionPlan
from recordings.film.sound import PEAK, RATE, Mixer, Samples
from tests.recordings.synthetic import (
    MONOTONIC_NS,
    PARTIES,
    START_NS,
    Party,
    audio_packets,
    identity,
    rtp,
    seal,
    video_packets,
    vp8_frames,
    vp8_payloads,
    write_session,
    write_track,
)
from tests.recordings.test_colour import h264_frames, single_units
from tests.recordings.test_composition import picture_at

PLAN = replace(CompositionPlan(), width=640, height=360, preset="ultrafast")


def film_of(root: Path, seconds: float, parties: tuple[Party, ...]) -> Path:
    seal(root, seconds, parties)
    out = root / "film.mp4"
    compose(root, out, PLAN, lambda _: None)
    return out


def lengths(path: Path) -> tuple[float, float]:
    """Seconds of picture and of sound, both decoded to the end."""
    with av.open(str(path)) as film:
        pictures = [frame.time for frame in film.decode(video=0)]
    with av.open(str(path)) as film:
        samples = sum(frame.samples for frame in film.decode(audio=0))
    return pictures[-1] + 1 / PLAN.fps, samples / RATE


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "rec"
    (folder / "tracks").mkdir(parents=True)
    return folder


def test_nobody_came(root: Path) -> None:
    assert lengths(film_of(root, 2.0, ())) == pytest.approx((2.0, 2.0), abs=0.1)


def test_a_recording_of_no_length(root: Path) -> None:
    picture, _ = lengths(film_of(root, 0.0, ()))
    assert picture <= 2 / PLAN.fps


def test_segments_of_no_bytes_are_as_if_nobody_had_come(root: Path) -> None:
    write_session(root, 2.0, PARTIES[:1], (160, 90))
    seal(root, 2.0, PARTIES[:1])
    for path in root.rglob("*.lxj"):
        path.write_bytes(b"")
    out = root / "film.mp4"
    compose(root, out, PLAN, lambda _: None)
    assert lengths(out) == pytest.approx((2.0, 2.0), abs=0.1)


def test_sound_only_still_shows_who_it_is(root: Path) -> None:
    party = PARTIES[0]
    write_track(root, party, "microphone", audio_packets(party, 2.0), 0.0, 0.02)
    out = film_of(root, 2.0, PARTIES[:1])
    (tile,) = arrange([party.entry()], {party.participant_id: {"microphone"}}, PLAN.width, PLAN.height)
    box = tile.picture
    words = picture_at(out, 1.0)[box.y : box.y + box.height, box.x : box.x + box.width]
    assert (words > 150).sum() > 300  # Name and remark, light on a dark ground.


def test_a_still_picture_is_coded_once_a_second_and_lasts(root: Path) -> None:
    """Only the running time changes; nothing else is coded again, and the film is as long as ever."""
    party = PARTIES[0]
    write_track(root, party, "microphone", audio_packets(party, 10.0), 0.0, 0.02)
    out = film_of(root, 10.0, PARTIES[:1])
    with av.open(str(out)) as film:
        packets = [packet for packet in film.demux(video=0) if packet.size]
    times = sorted(float(packet.pts * packet.time_base) for packet in packets)
    assert 10 <= len(packets) <= 13, len(packets)
    assert max(np.diff(times)) < 1.1
    keys = [float(packet.pts * packet.time_base) for packet in packets if packet.is_keyframe]
    assert max(np.diff([*keys, 10.0])) < 6.0
    assert lengths(out) == pytest.approx((10.0, 10.0), abs=0.15)


def test_who_comes_back_with_a_picture_of_another_shape(root: Path) -> None:
    party = PARTIES[0]
    again = replace(party, tone=party.tone + 1)
    write_track(root, party, "camera", video_packets(party, 1.5, 320, 180), 0.0, 0.05)
    write_track(root, again, "camera", video_packets(again, 1.5, 90, 160), 2.0, 0.05)
    out = film_of(root, 3.5, PARTIES[:1])
    (tile,) = arrange([party.entry()], {party.participant_id: {"camera"}}, PLAN.width, PLAN.height)
    box = tile.picture
    wide, narrow = picture_at(out, 1.0), picture_at(out, 3.0)
    edge = (box.y + box.height // 2, box.x + 80)
    middle = (box.y + box.height // 2, box.x + box.width // 2)
    for picture in (wide, narrow):
        assert np.abs(picture[middle].astype(int) - np.array(party.colour)).max() < 30
    assert np.abs(wide[edge].astype(int) - np.array(party.colour)).max() < 30
    assert narrow[edge].max() < 30


def coded_as(codec: str, party: Party, seconds: float) -> list[list[bytes]]:
    """Payloads of each picture of one colour."""
    count = round(seconds * 15)
    if codec == "VP8":
        return [vp8_payloads(frame, n) for n, frame in enumerate(vp8_frames(party.colour, 320, 180, count))]
    return [single_units(frame) for frame in h264_frames(party.colour, BT709, LIMITED, False)][:count]


def write_camera(root: Path, codec: str, party: Party, joined: float, **how: int) -> None:
    """A publication of 1.4 s, begun at second ``joined``, as the packets of one connection."""

    def packets() -> Iterator[tuple[float, bytes]]:
        number = how["number"]
        for picture, parts in enumerate(coded_as(codec, party, 1.4)):
            for part in parts:
                stamp = how["stamp"] + picture * 6_000
                yield picture / 15, rtp(number, stamp, how["ssrc"], part, part is parts[-1], 96)
                number += 1

    journal = TrackJournal(root, replace(identity(party, "camera"), codec=codec), Disk())
    for sent, data in packets():
        at = round((joined + sent + 0.05) * 1e9)
        journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, data)
        journal.drain(MONOTONIC_NS + at, START_NS + at)
    journal.finish(MONOTONIC_NS + at, START_NS + at, "replaced")


def test_who_comes_back_with_another_codec(root: Path) -> None:
    """VP8, then H.264 on one track, from a browser that keeps its SSRC and goes on counting.

    Nothing but the segment's header tells where the one ends and the other begins. The header of the segment
    between them is damaged: what it holds is taken for what came before.
    """
    party = PARTIES[0]
    colours = ((200, 40, 40), (40, 160, 60), (50, 70, 200))
    for place, (codec, colour) in enumerate(zip(("VP8", "VP8", "H264"), colours, strict=True)):
        who = replace(party, colour=colour)
        write_camera(root, codec, who, 1.5 * place, ssrc=7, stamp=place * 135_000, number=place * 1_000)
    middle = root / "tracks" / "p_city-camera" / "000002.lxj"
    middle.write_bytes(b"\0" * 40 + middle.read_bytes()[40:])
    out = film_of(root, 4.5, PARTIES[:1])
    (track,) = json.loads((root / "manifest.json").read_bytes())["tracks"]
    assert [entry["packets"] > 0 for entry in track["segments"]] == [True, True, True]
    assert {gap["cause"] for gap in track["gaps"]} >= {"damaged", "track_ended:replaced"}
    (tile,) = arrange([party.entry()], {party.participant_id: {"camera"}}, PLAN.width, PLAN.height)
    box = tile.picture
    for place, colour in enumerate(colours):
        for at in (0.3, 1.2):
            shown = picture_at(out, 1.5 * place + at)[box.y + box.height // 2, box.x + 100].astype(int)
            assert np.abs(shown - np.array(colour)).max() < 30, (place, at, shown)
    assert lengths(out) == pytest.approx((4.5, 4.5), abs=0.1)


def test_thirteen_at_once(root: Path) -> None:
    party = PARTIES[1]
    everybody = tuple(
        replace(party, participant_id=f"p_{n:02}", name=f"第{n}人", tone=300 + 40 * n) for n in range(13)
    )
    write_session(root, 2.0, everybody, (160, 90))
    out = film_of(root, 2.0, everybody)
    sources = {who.participant_id: {"camera"} for who in everybody}
    picture = picture_at(out, 1.5)
    for tile in arrange([who.entry() for who in everybody], sources, PLAN.width, PLAN.height):
        box = tile.picture
        middle = picture[box.y + box.height // 2, box.x + box.width // 2].astype(int)
        assert np.abs(middle - np.array(party.colour)).max() < 30, tile.label
    with av.open(str(out)) as film:
        peak = max(np.abs(frame.to_ndarray()).max() for frame in film.decode(audio=0))
    assert 0.5 < peak <= 1.0


class Tone:
    """A voice of one frequency and strength that speaks throughout."""

    def __init__(self, hertz: float, strength: float) -> None:
        self._hertz, self._strength = hertz, strength

    def add_to(self, mix: Samples, start: int) -> None:
        moments = (np.arange(len(mix)) + start) / RATE
        mix += (self._strength * np.sin(2 * np.pi * self._hertz * moments)).astype(np.float32)


def mixed(*voices: Tone) -> Samples:
    mixer = Mixer(list(voices))  # type: ignore[arg-type]
    return np.concatenate([mixer.read() for _ in range(3)])


def test_thirteen_loud_voices_do_not_clip_and_one_keeps_its_level() -> None:
    crowd = mixed(*(Tone(200 + 37 * n, 0.9) for n in range(13)))
    assert 0.5 < np.abs(crowd).max() <= PEAK + 1e-3
    alone = mixed(Tone(200, 0.6), *(Tone(300 + n, 0.0) for n in range(12)))
    assert np.abs(alone).max() == pytest.approx(0.6, abs=0.002)
