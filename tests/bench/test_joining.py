"""From link to picture: what is counted, what is said where it cannot be measured, and one real round."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import joining, visitor
from bench.joining import Joining, covered, read_story, report
from tests.scenarios.browsers import needs_chromium

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).resolve().parents[2]
STORY = {
    "clicked": 1000.0,
    "first": 1500.0,
    "page": 1100.0,
    "parsed": 1200.0,
    # The second request lies within the first; the last one ended after the picture; one came from the cache.
    "requests": [[1100.0, 1150.0], [1110.0, 1140.0], [1480.0, 1600.0], [0.0, 1300.0]],
    "marks": [
        ["socket asked", 1210.0],
        ["socket open", 1220.0],
        ["> authenticate", 1230.0],
        ["< welcome", 1240.0],
        ["> subscribe", 1250.0],
        ["< offer", 1260.0],
        ["> answer", 1300.0],
        ["subscribe connected", 1350.0],
        ["> subscribe", 1400.0],
    ],
}


def test_waiting_for_two_at_once_counts_once_and_ends_with_the_picture() -> None:
    assert covered([(0, 10), (5, 12), (20, 40)], 30) == 22
    read = read_story(STORY, 0.05)
    assert read.total == pytest.approx(0.5)
    assert read.waited == pytest.approx(0.05 + 0.01 * 3 + 0.05 + 0.02)
    assert read.steps["offer"] == pytest.approx(0.26)
    assert list(read.steps.values()) == sorted(read.steps.values())


@pytest.mark.parametrize(("seconds", "verdict"), [(0.6, "met (0.60 s)"), (0.9, "NOT met (0.90 s)")])
def test_the_table_gives_medians_and_a_verdict(seconds: float, verdict: str) -> None:
    steps = dict.fromkeys(joining.STEPS, 0.1)
    rounds = [Joining(total, 0.2, 0.1, steps) for total in (0.1, seconds, 5.0)]
    table = report(rounds)
    assert table.endswith(verdict)
    assert f"{seconds * 1000:.0f} ms  (100..5000)" in table


def test_a_missing_browser_is_said_loudly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(visitor, "CHROMIUM", None)
    monkeypatch.setattr(sys, "argv", ["bench.joining"])
    assert joining.main() == 0
    assert "NOT MEASURED" in capsys.readouterr().out


@needs_chromium
@pytest.mark.browser
@pytest.mark.timeout(530)
def test_one_round_is_measured(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench.joining", "--rounds", "1", "--json", str(figures)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (measured,) = json.loads(figures.read_text())["joinings"]
    assert 0 < measured["waited"] < measured["total"]
    assert measured["steps"]["first picture"] == measured["total"]
    assert "link to picture" in done.stdout
    noted = measured["noted"]
    # Asked again only after five seconds without an answer.
    assert noted.count("< offer") <= 1 + int(measured["total"] / 5), noted
    # The first connection of a page takes long to make; the server prepares its offer meanwhile.
    assert noted.index("> subscribe") < noted.index("connection made"), noted
    print(done.stdout)
