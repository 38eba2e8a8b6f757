"""The bench of replays: its film is whole and can be entered anywhere, its table gives verdicts."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import pytest

from bench import replaying, visitor
from bench.film import KEY_SECONDS, write_film
from bench.replaying import Figures, report


def test_a_repeated_film_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_film(path, 45, (160, 90), 5, True)
    with av.open(str(path)) as film:
        assert (film.duration or 0) / av.time_base == pytest.approx(45, abs=0.1)
        video, audio = film.streams.video[0], film.streams.audio[0]
        pictures = list(film.decode(video))
        assert len(pictures) == 45 * 5
        keys = [round(picture.time or 0) for picture in pictures if picture.key_frame]
        assert max(later - one for one, later in zip(keys, keys[1:], strict=False)) <= KEY_SECONDS
        assert audio.duration * audio.time_base == pytest.approx(45, abs=0.1)


def test_the_table_gives_medians_and_verdicts() -> None:
    lines = report(Figures([0.1, 0.45, 9.0], [0.2, 0.31, 0.4])).splitlines()
    assert lines[0] == "met     page to first frame: 450 ms (100..9000, 3 times; at most 500)"
    assert lines[1].startswith("NOT met seek in two hours: 310 ms")
    assert lines[2] == "!! NOT MEASURED: tracks: page to first frame."
    lines = report(Figures([0.1], [0.2], [0.5, 0.2, 0.6])).splitlines()
    assert lines[2] == "met     tracks: page to first frame: 500 ms (200..600, 3 times; at most 500)"


def test_a_missing_browser_is_said_loudly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(visitor, "CHROMIUM", None)
    monkeypatch.setattr(sys, "argv", ["bench.replaying"])
    assert replaying.main() == 0
    assert "NOT MEASURED" in capsys.readouterr().out
