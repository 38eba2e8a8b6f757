"""A film is stated only when it plays to its end: cut, stretched or broken ones are found before."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import av
import pytest

from recordings.film.composition import CompositionFlawed, inspect_film
from recordings.film.playable import Unplayable, play_through
from tests.recordings.exports import SECONDS, write_film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("playable") / "film.mp4"
    write_film(path)
    return path


def key_places(film: Path) -> list[tuple[int, int]]:
    """Where each key picture lies: offset and bytes."""
    with av.open(str(film)) as file:
        return [(p.pos, p.size) for p in file.demux(video=0) if p.size and p.is_keyframe and p.pos]


def test_a_whole_film_plays_to_its_end(film: Path) -> None:
    assert play_through(film, SECONDS) == len(key_places(film)) == 4
    assert inspect_film(film, SECONDS)["duration_ms"] == pytest.approx(SECONDS * 1000, abs=100)


@pytest.mark.parametrize("seconds", [SECONDS - 2, SECONDS + 2])
def test_sound_and_picture_end_with_the_recording(film: Path, seconds: float) -> None:
    with pytest.raises(Unplayable, match="ends at"):
        play_through(film, seconds)


def test_a_film_that_was_cut_off_does_not_play_to_its_end(film: Path, tmp_path: Path) -> None:
    """Its index lies in front and still tells of all of it: only who reads to the end finds it."""
    data, chance = film.read_bytes(), random.Random(70)
    at = data.index(b"mdat")
    for place in sorted(chance.randrange(at + 8, len(data) - 2000) for _ in range(20)):
        cut = tmp_path / "cut.mp4"
        cut.write_bytes(data[:place])
        with av.open(str(cut)) as file:
            assert file.duration == pytest.approx(SECONDS * av.time_base, rel=0.05)
        with pytest.raises(CompositionFlawed):
            inspect_film(cut, SECONDS)


def test_a_key_picture_that_cannot_be_decoded_is_found(film: Path, tmp_path: Path) -> None:
    for place, size in key_places(film):
        data = bytearray(film.read_bytes())
        # Lengths before the units of an access unit (ISO/IEC 14496-15): nothing can be read by false ones.
        data[place : place + 4] = struct.pack(">I", 0xFFFFFF)
        data[place + 4 : place + size] = bytes(size - 4)
        broken = tmp_path / "broken.mp4"
        broken.write_bytes(data)
        with pytest.raises(Unplayable):
            play_through(broken, SECONDS)


def test_what_is_no_film_is_said_to_be_none(tmp_path: Path) -> None:
    odd = tmp_path / "odd.mp4"
    for content in (b"", b"no film", bytes(5000)):
        odd.write_bytes(content)
        with pytest.raises(Unplayable):
            play_through(odd, 1.0)
    with pytest.raises((Unplayable, OSError)):
        play_through(tmp_path / "away.mp4", 1.0)
