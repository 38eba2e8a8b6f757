"""`python -m bench.verification`: a sealed recording verified by us, and its files digested by `sha256sum`
and `openssl dgst -sm3`, in turn on one core. Bytes a second of CPU time, and whether the target is met."""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.reel import START
from recordings.capture import segment
from recordings.capture.journal import Disk, TrackIdentity, TrackJournal
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.manifest import (
    MANIFEST_FILE,
    MANIFEST_FORMAT,
    MANIFEST_VERSION,
    SIGNATURE_FILE,
    canonical,
    moment_text,
)
from recordings.evidence.signing import load_signer

GOAL = 0.8
PACKET = 1_100  # bytes
TRACKS = 4


def make_recording(root: Path, size: int) -> Path:
    """A sealed and signed recording of about ``size`` bytes in some tracks of packets of noise."""
    folder, dice = root / "rec", random.Random(1)
    noise = dice.randbytes(1 << 20)
    start = int(START.timestamp()) * 1_000_000_000
    for place in range(TRACKS):
        identity = TrackIdentity("bench", f"p{place}", "camera", "video", "VP8", 90_000, 0, 96, "")
        journal, at = TrackJournal(folder, identity, Disk()), 0
        for _ in range(size // TRACKS // PACKET):
            cut = dice.randrange(len(noise) - PACKET)
            at += 8_000_000
            journal.append(segment.RTP, at, start + at, noise[cut : cut + PACKET])
            if at % 800_000_000 == 0:
                journal.drain(at, start + at)
        journal.finish(at, start + at, "session closed")
    clock = read_clock_map(folder)
    content = {
        "format": MANIFEST_FORMAT,
        "version": MANIFEST_VERSION,
        "recording": {"id": "bench", "started_at": moment_text(START), "stopped_at": moment_text(START)},
        "participants": [],
        "clock": {"source": "server", "boots": clock.anchors()},
        "tracks": read_tracks(folder, clock),
    }
    data = canonical(content)
    (folder / MANIFEST_FILE).write_bytes(data)
    (folder / SIGNATURE_FILE).write_bytes(canonical(load_signer(root / "keys").sign(data)))
    return folder


def cpu_of(*commands: list[str]) -> float:
    """User and system seconds of these programs one after another on one core. CalledProcessError."""
    core, before = max(os.sched_getaffinity(0)), resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core})
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def compare(folder: Path, rounds: int) -> tuple[list[float], list[float]]:
    """CPU seconds of our verification and of both programs, round by round. CalledProcessError unless all is
    intact."""
    files = [str(path) for path in sorted((folder / "tracks").rglob("*")) if path.is_file()]
    program = "import sys, pathlib, recordings.evidence.verification as v; "
    program += "sys.exit(not v.verify_folder(pathlib.Path(sys.argv[1])).intact)"
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(cpu_of([sys.executable, "-c", program, str(folder)]))
        theirs.append(cpu_of(["sha256sum", *files], ["openssl", "dgst", "-sm3", *files]))
    return ours, theirs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.verification", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not (shutil.which("sha256sum") and shutil.which("openssl")):
        print("!! NOT MEASURED: sha256sum or openssl is not installed.")
        return 0
    with tempfile.TemporaryDirectory(prefix="lianxin-verify-") as root:
        folder = make_recording(Path(root), options.megabytes * 1_000_000)
        ours, theirs = compare(folder, options.rounds)
    speed, rival = (options.megabytes / median(seconds) for seconds in (ours, theirs))
    print(f"lianxin verify {speed:6.0f} MB/s of CPU, start of the interpreter included")
    print(f"both programs  {rival:6.0f} MB/s of CPU")
    ratio = median(b / a for a, b in zip(ours, theirs, strict=True))
    verdict = "met   " if ratio >= GOAL else "MISSED"
    print(f"{verdict} verification: {ratio:.2f} x as fast as both programs (at least {GOAL})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
