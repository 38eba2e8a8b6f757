"""What `make bench` says about verification is of a recording that was really verified."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bench.verification import compare, make_recording

missing = not (shutil.which("sha256sum") and shutil.which("openssl"))


@pytest.mark.skipif(missing, reason="sha256sum or openssl is not installed")
def test_only_an_intact_recording_is_measured(tmp_path: Path) -> None:
    folder = make_recording(tmp_path, 2_000_000)
    (ours,), (theirs,) = compare(folder, 1)
    assert ours > 0 and theirs > 0
    damaged = next((folder / "tracks").rglob("*.*"))
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(subprocess.CalledProcessError):
        compare(folder, 1)
