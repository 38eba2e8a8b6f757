"""The whole of `python -m bench`, for a second or so."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.janus import missing_janus
from bench.netns import missing_namespace

ROOT = Path(__file__).resolve().parents[2]


def run_bench(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--rooms", "1", "--rounds", "1", "--seconds", "1", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ours_on_loopback(tmp_path: Path) -> None:
    out = run_bench("--loopback", "--servers", "ours,janus", "--json", str(tmp_path / "figures.json"))
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [m["server"] for m in figures["measurements"]] == ["ours"]
    measured = figures["measurements"][0]
    # Four peers of 165 packets a second, each forwarded to three.
    assert measured["packets_per_second"] == pytest.approx(1980, rel=0.15)
    assert measured["loss"] < 0.01
    assert measured["cpu_per_packet"] > 0
    assert "µs/packet" in out


@pytest.mark.netns
@pytest.mark.skipif(missing_namespace() is not None, reason=f"no namespace: {missing_namespace()}")
@pytest.mark.skipif(missing_janus() is not None, reason=f"no Janus: {missing_janus()}")
def test_ours_beside_janus(tmp_path: Path) -> None:
    out = run_bench("--servers", "ours,janus", "--json", str(tmp_path / "figures.json"))
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [m["server"] for m in figures["measurements"]] == ["ours", "janus"]
    assert set(figures["ratios"]["ours"]) == {"1"}
    assert "Target" in out
