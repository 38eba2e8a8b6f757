"""`python -m bench.composition`: four parties into 720p, ours and the `ffmpeg` program in turn on one core.

The same packets, layout, codec settings and threads; times real time, size, and whether the targets are met.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from statistics import median

import av

from bench.reel import FPS, HEIGHT, PEOPLE, START, WIDTH, Reel, make_reel
from recordings.film.captions import BAR, find_font
from recordings.film.composition import Composition
from recordings.film.encoder import MODULE
from recordings.film.layout import TITLE_HEIGHT, arrange, fit
from recordings.film.pixels import build
from recordings.film.plan import CompositionPlan
from recordings.film.stage import BEIJING, CLOCK_WIDTH

KINDS = {"heads": "talking heads", "noise": "noise everywhere"}
FIVE_TIMES = 5.0


@dataclass(frozen=True)
class Run:
    """One film: CPU and wall time in seconds, length of the reel in seconds, size in bytes."""

    who: str
    kind: str
    seconds: float
    cpu: float
    wall: float
    size: int

    @property
    def speed(self) -> float:
        """Times real time by the CPU time of one core: what others do on the machine does not count."""
        return self.seconds / self.cpu


def conclusions(runs: list[Run]) -> list[str]:
    """Ratios of medians, and what the targets are worth."""
    lines = []
    for kind in dict.fromkeys(run.kind for run in runs):
        ours, theirs = (_of(runs, kind, who) for who in ("ours", "ffmpeg"))
        speed = median(run.speed for run in ours)
        if theirs:
            ratio = speed / median(run.speed for run in theirs)
            size = median(run.size for run in ours) / median(run.size for run in theirs)
            lines.append(f"{_met(ratio >= 1)} {KINDS[kind]}: {ratio:.2f} x as fast as ffmpeg (at least 1)")
            lines.append(f"  size / ffmpeg's: {size:.2f}")
        if kind == "heads":
            goal = f"{speed:.2f} x real time on one core (at least {FIVE_TIMES:.0f})"
            lines.append(f"{_met(speed >= FIVE_TIMES)} {KINDS[kind]}: {goal}")
    return lines


def _of(runs: list[Run], kind: str, who: str) -> list[Run]:
    return [run for run in runs if run.kind == kind and run.who == who]


def _met(good: bool) -> str:
    return "met   " if good else "MISSED"


def main() -> int:
    options = _options()
    if (reason := build()) is not None:
        print(f"!! Our film is drawn in Python: {reason}")
    program = shutil.which("ffmpeg")
    if program is None:
        print("!! NOT MEASURED against the ffmpeg program: it is not installed.")
    root = Path(tempfile.mkdtemp(prefix="lianxin-reel-"))
    runs: list[Run] = []
    try:
        for kind in options.kinds.split(","):
            print(f"Making {options.seconds:.0f} s of {KINDS[kind]} …", flush=True)
            reel = make_reel(root, kind, options.seconds)
            for _ in range(options.rounds):
                runs.append(_time(_ours(reel, root / "ours.mp4"), "ours", kind, reel, root / "ours.mp4"))
                print(_row(runs[-1]), flush=True)
                if program is not None:
                    out = root / "ffmpeg.mp4"
                    runs.append(_time(_theirs(program, reel, root, out), "ffmpeg", kind, reel, out))
                    print(_row(runs[-1]), flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    print("\n" + "\n".join(conclusions(runs)))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(run) for run in runs], indent=2) + "\n")
    print(f"Figures: {options.json}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.composition", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the reel")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--json", type=Path, default=Path("var/bench/composition.json"))
    return parser.parse_args()


def _ours(reel: Reel, out: Path) -> list[str]:
    return [sys.executable, "-m", MODULE, str(reel.folder), str(out), json.dumps(asdict(CompositionPlan()))]


def _theirs(program: str, reel: Reel, root: Path, out: Path) -> list[str]:
    """The same film as a filter graph. Title and labels are a still picture made beforehand, in favour of the
    program; its own filter draws the running time where there is one and a Chinese font."""
    plan, still = CompositionPlan(), root / "still.png"
    _draw_still(reel, still)
    rate = ["-threads", "1"]
    inputs = ["-loop", "1", "-framerate", str(plan.fps), "-t", str(reel.seconds), "-i", str(still)]
    steps, last = ["[0:v]format=yuv420p,setparams=colorspace=bt709[s0]"], "s0"
    people = [{"participant_id": who, "role": role, "tier": tier} for who, _, role, tier, _ in PEOPLE]
    tiles = arrange(people, {who[0]: {"camera"} for who in PEOPLE}, plan.width, plan.height)
    ids = [who[0] for who in PEOPLE]
    for number, tile in enumerate(tiles, 1):
        # Matroska's times are whole milliseconds, by which the overlay would show every second picture late.
        inputs += [*rate, "-r", str(FPS), "-i", str(reel.films[ids.index(tile.participant_id)])]
        box = fit(WIDTH, HEIGHT, tile.picture)
        steps.append(f"[{number}:v]scale={box.width}:{box.height}:flags=bilinear[p{number}]")
        steps.append(f"[{last}][p{number}]overlay={box.x}:{box.y}:format=yuv420[s{number}]")
        last = f"s{number}"
    if clock := _clock(program):
        steps.append(f"[{last}]{clock}[timed]")
        last = "timed"
    sounds = "".join(f"[{number}:a]" for number in range(1, 5))
    steps.append(f"{sounds}amix=inputs=4:normalize=0,alimiter=limit=0.95:level=0,aresample=48000[a]")
    coder = ["-c:v", "libx264", "-preset", plan.preset, "-crf", str(plan.crf), "-g", str(2 * plan.fps)]
    return [
        program, "-hide_banner", "-loglevel", "error", "-nostdin", "-y",
        "-filter_threads", "1", "-filter_complex_threads", "1", *inputs,
        "-filter_complex", ";".join(steps), "-map", f"[{last}]", "-map", "[a]",
        *coder, *rate, "-pix_fmt", "yuv420p", "-r", str(plan.fps), "-t", str(reel.seconds),
        "-c:a", "aac", "-b:a", str(plan.audio_bit_rate), "-ac", "1", "-movflags", "+faststart", str(out),
    ]  # fmt: skip


def _clock(program: str) -> str:
    """The filters that draw the running time into the title's corner; empty where they are missing."""
    filters = subprocess.run(
        [program, "-hide_banner", "-filters"], capture_output=True, text=True, check=False
    )
    font = find_font()
    if font is None or " drawtext " not in filters.stdout:
        print("!! The ffmpeg program draws no running time here, which is in its favour.")
        return ""
    plan, local = CompositionPlan(), int(START.astimezone(BEIJING).replace(tzinfo=UTC).timestamp())
    bar = "x{:02x}{:02x}{:02x}".format(*BAR)
    # Escaped twice: for the option's value and for the function in it.
    digits = rf"%{{pts\:gmtime\:{local}\:%Y-%m-%d %H\\\:%M\\\:%S}}"
    return (
        f"drawbox=x={plan.width - CLOCK_WIDTH}:y=0:w={CLOCK_WIDTH}:h={TITLE_HEIGHT}:color=0{bar}:t=fill,"
        f"drawtext=fontfile={font[0]}:fontsize={int(TITLE_HEIGHT * 0.58)}:fontcolor=white:"
        f"x=w-tw-10:y=({TITLE_HEIGHT}-lh)/2:text='北京时间 {digits}'"
    )


def _draw_still(reel: Reel, path: Path) -> None:
    composition = Composition(reel.folder, CompositionPlan())
    try:
        composition.still().to_image().save(path)
    finally:
        composition.close()


def _time(command: list[str], who: str, kind: str, reel: Reel, out: Path) -> Run:
    core = max(os.sched_getaffinity(0))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core})
    )
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    with av.open(str(out)) as film:
        length = (film.duration or 0) / av.time_base
    if abs(length - reel.seconds) > 0.5:
        raise RuntimeError(f"{who} made {length:.1f} s of {reel.seconds:.1f} s")
    return Run(who, kind, reel.seconds, cpu, wall, out.stat().st_size)


def _row(run: Run) -> str:
    return (
        f"{run.who:7} {KINDS[run.kind]:17} {run.speed:5.2f} x real time of CPU  "
        f"{run.seconds / run.wall:5.2f} x by the clock  {run.size / 1000:6.0f} kB"
    )


if __name__ == "__main__":
    sys.exit(main())
