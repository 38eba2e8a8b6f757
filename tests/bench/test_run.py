"""The whole of `python -m bench`, for a second or so."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.janus import missing_janus
from bench.netns import missing_namespace

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).resolve().parents[2]


def run_bench(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--points", "1x4", "--rounds", "1", "--seconds", "1", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def measure(tmp_path: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    """What it printed and wrote. Once more when a busy machine did not let a server start or connect."""
    path = tmp_path / "figures.json"
    for _ in range(2):
        out = run_bench(*arguments, "--json", str(path))
        figures: dict[str, Any] = json.loads(path.read_text())
        if not figures["machine"]["failures"]:
            return out, figures
    raise AssertionError(figures["machine"]["failures"])


def test_ours_on_loopback(tmp_path: Path) -> None:
    out, figures = measure(tmp_path, "--loopback", "--servers", "ours,janus,floor")
    assert [m["server"] for m in figures["measurements"]] == ["ours", "floor"]
    for measured in figures["measurements"]:
        # Four peers of 165 packets a second, each forwarded to three; late ones are lost on a busy machine.
        print(measured["packets_per_second"], measured["loss"])
        assert 200 < measured["packets_per_second"] < 2500
        assert measured["loss"] < 0.8
        assert measured["cpu_per_packet"] > 0
        assert 0 <= measured["kernel_share"] <= 1
    assert set(figures["ratios"]["ours"]["floor"]) == {"1x4"}
    assert "µs/packet" in out
    assert "CPU per packet over the floor" in out


def test_without_a_compiler_it_goes_on_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANXIN_BENCH_PYTHON", "1")
    out, figures = measure(tmp_path, "--loopback", "--servers", "floor")
    assert figures["measurements"][0]["loss"] < 0.8
    assert "floor (Python)" in out
    assert "driven in Python" in out


def test_with_feedback(tmp_path: Path) -> None:
    _, figures = measure(tmp_path, "--loopback", "--servers", "ours", "--feedback")
    assert figures["machine"]["feedback"] is True
    # On a busy machine the server believes in narrow links and holds video back; sound it never does.
    assert figures["measurements"][0]["loss"] < 0.8


@pytest.mark.parametrize(("flag", "value"), [("--points", "4"), ("--points", "1x1"), ("--servers", "apache")])
def test_what_cannot_be_measured_is_refused_in_words(flag: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--loopback", flag, value],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert value in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.netns
@pytest.mark.skipif(missing_namespace() is not None, reason=f"no namespace: {missing_namespace()}")
@pytest.mark.skipif(missing_janus() is not None, reason=f"no Janus: {missing_janus()}")
def test_ours_beside_janus(tmp_path: Path) -> None:
    out, figures = measure(tmp_path, "--servers", "ours,janus")
    assert [m["server"] for m in figures["measurements"]] == ["ours", "janus"]
    assert set(figures["ratios"]["ours"]["janus"]) == {"1x4"}
    assert "Targets" in out
