"""The film: everybody at the right place, everybody heard, as long as the session was."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from recordings.film.captions import load_font, shorten_label
from recordings.film.composition import CompositionFlawed, compose, inspect_film
from recordings.film.layout import Box, arrange, cells, fit, standing
from recordings.film.plan import CompositionPlan
from recordings.film.sound import PEAK, RATE, Mixer, Voice
from tests.recordings.synthetic import PARTIES, audio_packets, seal, video_packets, write_session, write_track

SECONDS = 6.0
LATE = 2.0
PLAN = CompositionPlan()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("film") / "rec"
    root.mkdir()
    write_session(root, SECONDS, joined={"p_citizen": LATE}, roll_seconds=2)
    seal(root, SECONDS)
    out = root / "composed.mp4"
    heard: list[float] = []
    stated = compose(root, out, PLAN, heard.append)
    assert heard[-1] == 1.0
    assert stated["size"] == out.stat().st_size
    return out


def picture_at(path: Path, seconds: float) -> np.ndarray[Any, Any]:
    """What a viewer sees then: a picture stands until the next one."""
    shown: av.VideoFrame | None = None
    with av.open(str(path)) as container:
        assert (container.duration or 0) / av.time_base >= seconds, "the film is too short"
        for frame in container.decode(video=0):
            if shown is not None and frame.time > seconds + 1e-6:
                break
            shown = frame
    assert shown is not None
    return shown.to_ndarray(format="rgb24")


def loudness(path: Path, since: float, until: float) -> dict[int, float]:
    """Strength of each party's tone between two times, 1 is full scale."""
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)]
    sound = np.concatenate(parts)[int(since * RATE) : int(until * RATE)]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) * 4 / len(sound)
    width = RATE / len(sound)
    return {
        party.tone: float(spectrum[int(party.tone / width) - 3 : int(party.tone / width) + 4].max())
        for party in PARTIES
    }


def tiles() -> dict[str, Box]:
    sources = {party.participant_id: {"camera"} for party in PARTIES}
    found = arrange([party.entry() for party in PARTIES], sources, PLAN.width, PLAN.height)
    return {tile.participant_id: tile.picture for tile in found}


def test_it_decodes_to_the_end_and_is_as_long_as_the_session(film: Path) -> None:
    with av.open(str(film)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.width, video.height) == ("h264", 1280, 720)
        assert (audio.codec_context.name, audio.rate) == ("aac", RATE)
        assert abs((container.duration or 0) / av.time_base - SECONDS) < 1.0
        last = max(frame.time for frame in container.decode(video=0))
    assert abs(last - SECONDS) < 0.2


def test_the_index_stands_in_front(film: Path) -> None:
    data = film.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


@pytest.mark.parametrize("party", PARTIES, ids=lambda party: party.participant_id)
def test_everybody_stands_in_the_right_place(film: Path, party: Any) -> None:
    picture, box = picture_at(film, SECONDS - 1), tiles()[party.participant_id]
    middle = picture[box.y + box.height // 2, box.x + box.width // 2].astype(int)
    assert np.abs(middle - np.array(party.colour)).max() < 25, middle


def test_who_is_not_there_yet_has_a_placeholder(film: Path) -> None:
    box = tiles()["p_citizen"]
    before = picture_at(film, LATE - 0.5)[box.y + 20, box.x + box.width // 2].astype(int)
    assert np.abs(before - np.array((52, 58, 66))).max() < 20
    after = picture_at(film, LATE + 0.5)[box.y + box.height // 2, box.x + box.width // 2].astype(int)
    assert np.abs(after - np.array(PARTIES[3].colour)).max() < 25


def test_names_and_the_running_time_are_burned_in(film: Path) -> None:
    first, second = picture_at(film, 1.1), picture_at(film, 4.1)
    clock = (slice(0, 40), slice(1280 - 340, 1280))
    assert (first[clock] > 200).sum() > 500
    assert (first[clock].astype(int) != second[clock].astype(int)).sum() > 50
    for box in tiles().values():
        caption = first[box.y + box.height : box.y + box.height + 32, box.x : box.x + 200]
        assert (caption > 200).sum() > 100


def test_everybody_is_heard_and_nobody_before_coming(film: Path) -> None:
    together = loudness(film, LATE + 1, SECONDS - 0.5)
    assert all(strength > 0.1 for strength in together.values()), together
    before = loudness(film, 0.3, LATE - 0.3)
    assert before[PARTIES[3].tone] < 0.005
    assert before[PARTIES[0].tone] > 0.1


def test_the_mix_does_not_clip(film: Path) -> None:
    with av.open(str(film)) as container:
        peak = max(np.abs(frame.to_ndarray()).max() for frame in container.decode(audio=0))
    assert peak <= 1.0


def first_heard(path: Path, tone: int) -> float:
    """Seconds at which a tone begins."""
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])
    step = RATE // 50
    waves = np.exp(-2j * np.pi * tone * np.arange(step) / RATE)
    starts = range(0, len(sound) - step, step)
    return next(i for i in starts if abs(np.dot(sound[i : i + step], waves)) * 2 / step > 0.1) / RATE


def first_seen(path: Path, box: Box, colour: tuple[int, int, int]) -> float:
    """Seconds at which a tile takes its colour."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            pixel = frame.to_ndarray(format="rgb24")[box.y + box.height // 2, box.x + box.width // 2]
            if np.abs(pixel.astype(int) - np.array(colour)).max() < 25:
                return float(frame.time)
    raise AssertionError("never seen")


def test_clocks_that_are_wrong_move_neither_picture_nor_sound(film: Path) -> None:
    """Parties' own clocks are off by up to a day; still the late one is seen and heard at LATE."""
    heard = first_heard(film, PARTIES[3].tone)
    seen = first_seen(film, tiles()["p_citizen"], PARTIES[3].colour)
    assert abs(heard - LATE) < 0.15
    assert abs(seen - heard) < 0.15


def test_pictures_that_arrive_late_still_meet_their_sound(tmp_path: Path) -> None:
    """A camera whose packets take 0.8 s longer than the voice: sender reports put them together."""
    root, party = tmp_path / "rec", PARTIES[0]
    root.mkdir()
    write_track(root, party, "camera", video_packets(party, 3.0, 160, 90), 1.0, 0.82)
    write_track(root, party, "microphone", audio_packets(party, 3.0), 1.0, 0.02)
    seal(root, 4.0, PARTIES[:1])
    out = tmp_path / "out.mp4"
    compose(root, out, replace(PLAN, width=640, height=360), lambda _: None)
    (tile,) = arrange([party.entry()], {party.participant_id: {"camera"}}, 640, 360)
    assert abs(first_heard(out, party.tone) - 1.0) < 0.1
    assert abs(first_seen(out, tile.picture, party.colour) - 1.0) < 0.15


def test_a_gap_in_the_middle_keeps_the_length(tmp_path: Path) -> None:
    """The worker died: the first segment has no end, the second begins two seconds later."""
    root = tmp_path / "rec"
    root.mkdir()
    write_session(root, 2.0, PARTIES[:1], (160, 90))
    for path in root.rglob("*.lxj"):
        os.truncate(path, path.stat().st_size - 200)
    write_session(root, 6.0, PARTIES[:1], (160, 90), joined={PARTIES[0].participant_id: 4.0})
    seal(root, 6.0, PARTIES[:1])
    out = tmp_path / "out.mp4"
    compose(root, out, replace(PLAN, width=640, height=360), lambda _: None)
    strengths = [loudness(out, since, since + 0.5)[PARTIES[0].tone] for since in (1.0, 2.8, 5.0)]
    assert strengths[0] > 0.1 and strengths[1] < 0.01 and strengths[2] > 0.1, strengths


def test_broken_pictures_do_not_stop_the_film(tmp_path: Path) -> None:
    from recordings.capture import segment
    from recordings.capture.journal import Disk, TrackJournal
    from tests.recordings.synthetic import MONOTONIC_NS, START_NS, identity, rtp

    root = tmp_path / "rec"
    root.mkdir()
    journal = TrackJournal(root, identity(PARTIES[0], "camera"), Disk())
    huge = b"\x10" + b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", 16_383, 16_383) + bytes(40)
    for number in range(30):
        at = number * 100_000_000
        journal.append(
            segment.RTP, MONOTONIC_NS + at, START_NS + at, rtp(number, number * 9000, 9, huge, True, 96)
        )
        journal.drain(MONOTONIC_NS + at, START_NS + at)
    journal.finish(MONOTONIC_NS + at, START_NS + at, "bye")
    seal(root, 3.0, PARTIES[:1])
    out = tmp_path / "out.mp4"
    compose(root, out, replace(PLAN, width=640, height=360), lambda _: None)
    with pytest.raises(CompositionFlawed):
        inspect_film(out, 10.0)


def test_the_limiter_holds_the_peak_without_a_jump() -> None:
    class Loud:
        def add_to(self, mix: Any, start: int) -> None:
            moment = (np.arange(len(mix)) + start) / RATE
            mix += (
                np.sin(2 * np.pi * 200 * moment) * np.where((moment > 1.5) & (moment < 2.5), 3.0, 0.2)
            ).astype(np.float32)

    voices: list[Voice] = [Loud()]  # type: ignore[list-item]
    mixer = Mixer(voices)
    out = np.concatenate([mixer.read() for _ in range(5)])
    assert np.abs(out).max() <= PEAK + 1e-3
    assert np.abs(np.diff(out)).max() < 0.1
    assert np.abs(out[-RATE:]).max() > 0.19


@pytest.mark.parametrize("count", range(1, 14))
def test_cells_stand_inside_and_apart(count: int) -> None:
    boxes = cells(count, 1280, 720)
    assert len(boxes) == count
    for place, box in enumerate(boxes):
        assert all(value % 2 == 0 for value in (box.x, box.y, box.width, box.height))
        assert box.x >= 0 and box.y >= 40 and box.x + box.width <= 1280 and box.y + box.height <= 720
        for other in boxes[place + 1 :]:
            apart = (
                other.x >= box.x + box.width
                or other.y >= box.y + box.height
                or other.x + other.width <= box.x
            )
            assert apart


def test_the_order_does_not_depend_on_the_order_of_entry() -> None:
    entries = [party.entry() for party in PARTIES]
    forwards = [entry["name"] for entry in sorted(entries, key=standing)]
    backwards = [entry["name"] for entry in sorted(reversed(entries), key=standing)]
    assert forwards == backwards == ["赵明", "李建国", "王芳", "马秀英"]


def test_in_a_narrow_place_name_and_role_stay_readable() -> None:
    font, label = load_font(18), "欧阳正华  兰州市住房和城乡建设局供热管理办公室  责任单位"
    wide, narrow, least = (shorten_label(label, width, font) for width in (900, 230, 170))
    assert wide == label
    assert narrow.startswith("欧阳正华  兰州") and narrow.endswith("…  责任单位")
    assert least == "欧阳正华  责任单位"
    assert all(font.getlength(text) <= width for text, width in ((narrow, 230), (least, 170)))


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (1920, 1080), (1, 1), (3, 999)])
def test_pictures_keep_their_shape(width: int, height: int) -> None:
    box = Box(10, 20, 400, 300)
    inner = fit(width, height, box)
    assert box.x <= inner.x and inner.x + inner.width <= box.x + box.width
    assert box.y <= inner.y and inner.y + inner.height <= box.y + box.height
    if min(width, height) > 100:
        assert abs(inner.width / inner.height - width / height) < 0.03


def test_the_burned_in_time_is_that_of_beijing() -> None:
    from recordings.film.stage import BEIJING

    assert datetime(2026, 11, 20, 1, 30, tzinfo=UTC).astimezone(BEIJING).hour == 9
