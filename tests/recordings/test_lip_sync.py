"""Who beeps and flashes at once is heard and seen at once in the film, in the right place and under the right
name, whatever the line did. ``python -m tests.recordings.beeps 600`` does the same over ten minutes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recordings.evidence.sender_clock import (
    Reports,
    as_if_never_set,
    believable,
    clock_sets,
    on_sender_clock,
    on_server_clock,
)
from recordings.film.sound import LATE, RATE, STRETCH, Voice
from tests.recordings.beeps import WHO, lives, make_film, measure, report

SECONDS = 18.0
MEDIAN, WORST = 0.040, 0.080  # seconds
pytestmark = pytest.mark.timeout(180)


def test_sound_and_picture_meet_for_everybody_through_loss_drift_and_two_reconnects(tmp_path: Path) -> None:
    measured = measure(make_film(tmp_path / "rec", SECONDS), SECONDS)
    print(report(measured))
    for place, offsets in enumerate(measured.offsets):
        assert len(offsets) == sum(len(life.moments(place)) for life in lives(SECONDS, place)) >= 6
        assert np.median(np.abs(offsets)) <= MEDIAN, (WHO[place].participant_id, offsets)
        assert np.percentile(np.abs(offsets), 99, method="higher") <= WORST, (place, offsets)
    assert measured.checked >= 18 and measured.misplaced == []


def reports_of(every: float, first: float, drift: float, noise: float, seed: int, seconds: float) -> Reports:
    """Reports of a stream whose media time began 5 s before the session's and runs fast by ``drift``."""
    at = np.arange(first, seconds, every)
    missed = np.random.default_rng(seed).uniform(-noise, noise, len(at))
    return Reports(at + 0.02, at + missed + 1_000.0, (at + 5.0) * (1 + drift))


def test_noise_in_reports_is_smoothed_away_and_drift_is_followed() -> None:
    for every, drift in ((1.0, 150e-6), (5.0, -150e-6)):
        reports = reports_of(every, 0.3, drift, 0.010, 3, 3_600.0)
        true = np.arange(60.0, 3_500.0, 0.5)
        media = (true + 5.0) * (1 + drift)
        smoothed = np.abs(on_sender_clock(media, reports) - true - 1_000.0)
        as_told = np.abs(media + np.interp(media, reports.media, reports.offset) - true - 1_000.0)
        assert np.percentile(smoothed, 99) < 0.007 < np.percentile(as_told, 99), every


def test_a_clock_that_is_set_moves_no_stream_against_another() -> None:
    sound, picture = (
        reports_of(5.0, 0.3, 80e-6, 0.004, 1, 600.0),
        reports_of(1.0, 0.1, -50e-6, 0.004, 2, 600.0),
    )
    late = reports_of(1.0, 400.1, 0.0, 0.004, 4, 600.0)  # A document, shown after the clock was set.
    streams = []
    for stream in (sound, picture, late):
        ntp = stream.ntp + np.where(stream.arrival > 297.5, 3_600.0, 0.0)
        ntp[2] += 40.0  # One report is nonsense.
        streams.append(believable(Reports(stream.arrival, ntp, stream.media)))
    (found,) = clock_sets(streams)
    assert found.by == pytest.approx(3_600, abs=0.02) and found.after < 297.5 < found.before
    true = np.arange(410.0, 590.0)
    moved = [
        on_sender_clock((true + 5.0) * (1 + drift), as_if_never_set(stream, [found]))
        for stream, drift in zip(streams, (80e-6, -50e-6, 0.0), strict=True)
    ]
    for one in moved:
        assert np.abs(one - true - 1_000.0).max() < 0.02


def test_a_device_that_stands_still_is_not_taken_for_a_clock_that_was_set() -> None:
    at = np.arange(0.0, 60.0)
    stalled = Reports(at, at + 1_000.0, np.where(at < 30, at, at - 0.9))
    assert clock_sets([stalled]) == []
    full_line = Reports(at + np.where(at < 30, 0.0, 0.9), at + 1_000.0, at)
    assert clock_sets([full_line]) == []
    after = on_sender_clock(np.array([10.0, 50.0 - 0.9]), stalled)
    assert after == pytest.approx([1_010.0, 1_050.0], abs=0.001)


def test_a_full_line_moves_a_running_clock_by_little() -> None:
    times = np.arange(0.0, 120.0, 0.02)
    arrivals = times + 0.05 + np.where((times > 40) & (times < 60), 0.5, 0.0)
    (moved,) = on_server_clock([times], [arrivals], True)
    assert np.abs(moved - times - 0.05).max() < 0.041
    (followed,) = on_server_clock([times], [arrivals], False)
    assert followed[2_500] - times[2_500] > 0.5


@pytest.mark.parametrize("fast", [400e-6, -400e-6])
def test_sound_of_a_drifting_card_is_stretched_without_seams(
    monkeypatch: pytest.MonkeyPatch, fast: float
) -> None:
    wave = np.sin(2 * np.pi * 200 * np.arange(960) / RATE).astype(np.float32)
    packets = [(1.0 + number * 0.02 / (1 + fast), number * 960, wave) for number in range(3_000)]
    monkeypatch.setattr("recordings.film.sound._decode", lambda streams, stream: iter(packets))
    cursor = None
    for (at, _, _), (start, samples) in zip(packets, Voice(None, None)._place(None, None), strict=True):
        assert cursor in (None, start)
        assert abs(start + LATE - at * RATE) < 60  # 1.25 ms
        assert abs(len(samples) - 960) <= 960 // STRETCH and np.abs(np.diff(samples)).max() < 0.03
        cursor = start + len(samples)
