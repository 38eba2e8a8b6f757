"""The other bench, from the click on a link to the first picture, as one figure beside the forwarding."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

ROUNDS = 7
TIMEOUT = 180.0
_MODULE = "bench.joining"


def measure_joining(path: Path) -> str | None:
    """Run it as a process of its own, which writes `path`. Says why there is no figure, or gives None."""
    path.unlink(missing_ok=True)
    if importlib.util.find_spec(_MODULE) is None:
        return f"{_MODULE} is not there"
    command = [sys.executable, "-m", _MODULE, "--rounds", str(ROUNDS), "--json", str(path)]
    try:
        code = subprocess.run(command, timeout=TIMEOUT, check=False).returncode
    except subprocess.TimeoutExpired:
        return f"{_MODULE} took longer than {TIMEOUT:.0f} s"
    return None if path.exists() else f"{_MODULE} wrote no figures (exit code {code})"


def median_joining(path: Path) -> float | None:
    """Median seconds from link to picture in what `measure_joining` wrote; None when there is nothing."""
    try:
        joinings = json.loads(path.read_text())["joinings"]
        return median(float(joining["total"]) for joining in joinings)
    except (OSError, ValueError, KeyError):
        return None
