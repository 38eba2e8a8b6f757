"""Pieces of tracks: whole by themselves, on the recording's time, beginning with a key frame."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest

from cases.errors import NotFound
from recordings.capture import segment
from recordings.capture.journal import Disk, TrackJournal
from recordings.film.depacketise import Frame
from recordings.playback import pieces as making
from recordings.playback.catalogue import Catalogue, read_catalogue
from recordings.playback.pieces import Busy, Cut, Piece, PieceMaker, cut_piece
from recordings.playback.sound import SILENT, opus_seconds, voice_of
from recordings.playback.window import PIECES, read_window
from tests.recordings.synthetic import (
    MONOTONIC_NS,
    PARTIES,
    START,
    START_NS,
    Party,
    audio_packets,
    identity,
    rtp,
    seal,
    video_packets,
    vp8_frames,
    vp8_payloads,
    write_track,
)
from tests.recordings.test_odd_films import write_camera
from tests.recordings.test_orientation import ELEMENT
from tests.recordings.test_orientation import packets as turning_packets

CITY, CITIZEN = PARTIES[0], PARTIES[3]
AWAY = (6.0, 14.0)  # seconds in which the citizen's camera sends nothing
SECONDS = 24.0
WHOLE = Cut(lead=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """City and citizen, with picture and sound; the citizen's camera is away for a while."""
    root = tmp_path_factory.mktemp("pieces") / "rec"
    root.mkdir()
    write_track(root, CITY, "camera", video_packets(CITY, SECONDS, 160, 90), 0.0, 0.06)
    write_track(root, CITY, "microphone", audio_packets(CITY, SECONDS), 0.0, 0.02)
    seen = (each for each in video_packets(CITIZEN, SECONDS, 160, 90) if not AWAY[0] <= each[0] < AWAY[1])
    write_track(root, CITIZEN, "camera", seen, 0.0, 0.06)
    seal(root, SECONDS, (CITY, CITIZEN))
    return root


@pytest.fixture(scope="module")
def catalogue(folder: Path) -> Catalogue:
    return read_catalogue(folder, START)


def piece(catalogue: Catalogue, party: Party, source: str, number: int, lead: bool = True) -> Piece:
    (track,) = (each for each in catalogue.of(party.participant_id) if each.source == source)
    window = read_window(catalogue, party.participant_id, number // PIECES)
    return cut_piece(track, window, number, Cut(lead))


def times_in(*bodies: bytes) -> list[float]:
    """Seconds of all frames that a decoder makes of these bytes one behind the other."""
    with av.open(io.BytesIO(b"".join(bodies))) as file:
        return [float(frame.pts * frame.time_base) for frame in file.decode(file.streams[0])]


def colour_of(body: bytes) -> np.ndarray:
    with av.open(io.BytesIO(body)) as file:
        picture = next(file.decode(video=0)).to_ndarray(format="rgb24")
    return np.asarray(picture[60, 80].astype(int))


def test_every_piece_decodes_by_itself_and_lies_where_it_was(catalogue: Catalogue) -> None:
    for number, since in enumerate((0.0, 10.0, 20.0)):
        made = piece(catalogue, CITY, "camera", number)
        times = times_in(made.body)
        assert made.begins and made.keys[0] == pytest.approx(times[0], abs=0.002)
        assert times[0] == pytest.approx(since, abs=0.1) and made.start == pytest.approx(since, abs=0.1)
        assert np.diff(times) == pytest.approx(1 / 15, abs=0.002)
        assert np.abs(colour_of(made.body) - np.array(CITY.colour)).max() < 30


def test_pieces_that_follow_each_other_are_one_film_without_a_frame_twice(catalogue: Catalogue) -> None:
    for source, frames, step in (("camera", 360, 1 / 15), ("microphone", 1200, 0.02)):
        parts = [piece(catalogue, CITY, source, number, number == 0) for number in range(3)]
        assert [part.begins for part in parts] == [True, False, False]
        times = times_in(*(part.body for part in parts))
        assert len(times) == frames
        assert np.diff(times) == pytest.approx(step, abs=0.003)


def test_a_head_and_what_follows_it_are_the_piece_and_no_frame_is_given_twice(catalogue: Catalogue) -> None:
    (track,) = (each for each in catalogue.of(CITY.participant_id) if each.source == "camera")
    window = read_window(catalogue, CITY.participant_id, 0)
    whole = cut_piece(track, window, 0, WHOLE)
    head = cut_piece(track, window, 0, Cut(lead=True, head=2))
    rest = cut_piece(track, window, 0, Cut(after=head.rest))
    assert head.begins and head.end == pytest.approx(2.0, abs=0.1) and len(head.body) < len(whole.body) / 3
    assert (rest.begins, rest.rest, rest.end) == (False, 0, whole.end)
    assert times_in(head.body, rest.body) == times_in(whole.body)
    # Where nothing comes so soon, or the piece is over by then, it is the whole.
    for seconds in (0, 10):
        assert cut_piece(track, window, 0, Cut(lead=True, head=seconds)) == whole


def test_picture_and_sound_of_a_party_are_on_one_clock(catalogue: Catalogue) -> None:
    """Sent in the same moment, they came 40 ms apart, and their sender's clock is 12.5 s off."""
    seen, heard = (piece(catalogue, CITY, source, 0) for source in ("camera", "microphone"))
    assert abs(seen.start - heard.start) < 0.01


def test_where_nothing_came_there_is_a_gap_and_a_key_frame_after_it(catalogue: Catalogue) -> None:
    before, after = (piece(catalogue, CITIZEN, "camera", number) for number in (0, 1))
    assert before.end == pytest.approx(AWAY[0] + 0.1, abs=0.1)
    assert after.keys and after.keys[-1] >= AWAY[1] and after.end == pytest.approx(20.0, abs=0.2)
    between = [at for at in times_in(before.body, after.body) if AWAY[0] + 0.1 < at < AWAY[1]]
    assert between == []


def test_a_picture_far_from_its_key_frame_leads_there(tmp_path: Path) -> None:
    """Browsers make hardly any key frames by themselves."""
    root = tmp_path / "rec"
    root.mkdir()
    journal = TrackJournal(root, identity(CITY, "camera"), Disk())
    frames = vp8_frames((9, 90, 190), 160, 90, 30)
    for number in range(62 * 5):
        (part,) = vp8_payloads(frames[min(number, 29)], number)
        at = round(number / 5 * 1e9)
        packet = rtp(number, number * 18_000, 5, part, True, 96)
        journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, packet)
        if number % 30 == 0:
            journal.drain(MONOTONIC_NS + at, START_NS + at)
    journal.drain(MONOTONIC_NS + at, START_NS + at)
    journal.finish(MONOTONIC_NS + at, START_NS + at, "session closed")
    found = read_catalogue(root, START)
    made = piece(found, CITY, "camera", 5)
    assert made.begins and made.keys == (pytest.approx(0.0, abs=0.05),)
    assert made.end == pytest.approx(60.0, abs=0.3)
    follow = piece(found, CITY, "camera", 5, lead=False)
    assert not follow.begins and follow.start == pytest.approx(50.0, abs=0.2)
    assert len(follow.body) < len(made.body)


def test_another_codec_is_another_track(tmp_path: Path) -> None:
    """VP8, then H.264 on the same source: each is played by a decoder of its own."""
    for place, (codec, colour) in enumerate((("VP8", (200, 40, 40)), ("H264", (50, 70, 200)))):
        write_camera(
            tmp_path,
            codec,
            replace(CITY, colour=colour),
            2.0 * place,
            ssrc=7,
            stamp=place * 10**6,
            number=place * 1_000,
        )
    found = read_catalogue(tmp_path, START)
    assert sorted(track.codec for track in found.tracks) == ["H264", "VP8"]
    for track, colour, since in zip(
        sorted(found.tracks, key=lambda track: track.start),
        ((200, 40, 40), (50, 70, 200)),
        (0.0, 2.0),
        strict=True,
    ):
        made = cut_piece(track, read_window(found, CITY.participant_id, 0), 0, WHOLE)
        assert made.kind.startswith("video/webm" if track.codec == "VP8" else 'video/mp4; codecs="avc3.')
        assert np.abs(colour_of(made.body) - np.array(colour)).max() < 30
        times = times_in(made.body)
        assert times[0] == pytest.approx(since, abs=0.1) and times[-1] - times[0] == pytest.approx(
            1.33, abs=0.1
        )


def test_the_way_up_is_told_where_it_changes(tmp_path: Path) -> None:
    journal = TrackJournal(tmp_path, replace(identity(CITY, "camera"), orientation_id=ELEMENT), Disk())
    for sent, data in turning_packets(False):
        at = int(sent * 1e9)
        journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, data)
    journal.drain(MONOTONIC_NS + at, START_NS + at)
    journal.finish(MONOTONIC_NS + at, START_NS + at, "closed")
    made = piece(read_catalogue(tmp_path, START), CITY, "camera", 0)
    assert [degrees for _, degrees in made.turns] == [0, 90, 180, 270, 0]
    assert [at for at, _ in made.turns] == pytest.approx([0, 1, 2, 3, 4], abs=0.1)


def test_damage_is_a_gap_and_all_else_plays(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "tracks" / f"{CITY.participant_id}-microphone"
    copy.mkdir(parents=True)
    data = bytearray((folder / "tracks" / copy.name / "000001.lxj").read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 4] = bytes(len(data) // 4)
    (copy / "000001.lxj").write_bytes(data)
    found = read_catalogue(tmp_path, START)
    times = [at for number in range(3) for at in times_in(piece(found, CITY, "microphone", number).body)]
    steps = np.diff(times)
    assert times[0] < 0.1 and times[-1] > 23.9
    assert steps.max() == pytest.approx(SECONDS / 4, abs=0.6) and np.sort(steps)[-2] < 0.03


def test_a_short_loss_is_silence() -> None:
    tone = b"\xfctone"
    frames = [Frame(tone, True, number * 960, number / 50, None, number / 50) for number in range(10)]
    sounds = list(voice_of(frames[:3] + frames[6:]))
    assert [sound.data == SILENT for sound in sounds] == [False] * 3 + [True] * 3 + [False] * 4
    assert np.diff([sound.at for sound in sounds]) == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("data", "seconds"),
    [(b"", 0.0), (b"\xfc\0", 0.02), (b"\x78\0", 0.02), (b"\xe0\0", 0.0025), (b"\xfd\0", 0.04),
     (b"\xff\x03", 0.06), (b"\x1b\x02", 0.12), (b"\xff\x3f", 0.0), (b"\xff", 0.0)],
)  # fmt: skip
def test_lengths_of_opus_packets(data: bytes, seconds: float) -> None:
    assert opus_seconds(data) == pytest.approx(seconds)


def test_a_file_that_was_put_there_later_is_not_played(folder: Path, catalogue: Catalogue) -> None:
    stranger = folder / "tracks" / "p_stranger-camera"
    stranger.mkdir()
    original = folder / "tracks" / f"{CITY.participant_id}-camera" / "000001.lxj"
    try:
        (stranger / "000001.lxj").write_bytes(original.read_bytes())
        assert read_catalogue(folder, START).tracks == catalogue.tracks
    finally:
        (stranger / "000001.lxj").unlink()
        stranger.rmdir()


def test_nobody_and_garbage(tmp_path: Path) -> None:
    assert read_catalogue(tmp_path, START).tracks == ()
    for name, content in (("p_a-camera", b""), ("p_b-camera", b"garbage" * 5000), ("hostile", b"\0" * 99)):
        (tmp_path / "tracks" / name).mkdir(parents=True)
        (tmp_path / "tracks" / name / "000001.lxj").write_bytes(content)
    assert read_catalogue(tmp_path, START).tracks == ()


async def test_what_is_asked_for_at_once_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def counted(catalogue: Catalogue, participant_id: str, number: int) -> object:
        read.append((participant_id, number))
        return read_window(catalogue, participant_id, number)

    monkeypatch.setattr(making, "read_window", counted)
    maker = PieceMaker()
    try:
        wanted = [
            maker.piece(folder, START, "v", track, number, WHOLE) for track in (1, 2) for number in (0, 1)
        ]
        assert all(made.body for made in await asyncio.gather(*wanted))
        assert read == [(CITY.participant_id, 0)]
        for track, number in ((99, 0), (-1, 0), (0, 3), (0, 10**6)):
            with pytest.raises(NotFound):
                await maker.piece(folder, START, "v", track, number, WHOLE)
        monkeypatch.setattr(making, "MOST_WAITING", 1)
        asked = await asyncio.gather(
            *(maker.piece(folder, START, "v", 1, 2, WHOLE) for _ in range(3)), return_exceptions=True
        )
        assert [type(each) for each in asked] == [Piece, Busy, Busy]
    finally:
        maker.close()


async def test_kept_windows_are_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "KEPT_WINDOWS", 1)
    maker = PieceMaker()
    try:
        for number in (0, 2, 0):
            await maker.piece(folder, START, "v", 1, number, WHOLE)
        assert len(maker._windows) == 1
    finally:
        maker.close()


def test_a_recording_that_began_before_the_first_packet(folder: Path) -> None:
    """Second 0 is the recording's, not the track's."""
    found = read_catalogue(folder, START - timedelta(seconds=5))
    assert times_in(piece(found, CITY, "camera", 0).body)[0] == pytest.approx(5.0, abs=0.1)
