"""Library: C files of ours, compiled once where there is a compiler, and opened through cffi (ABI mode).

What lies in ``_build`` beside the sources is named by their digest, so changed sources are compiled anew.
Nothing depends on it: whoever opens one does the same in Python where there is none.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cffi import FFI

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Library:
    """``name`` of the file; ``sources`` and ``headers`` lie in one folder; ``level`` of optimisation."""

    name: str
    sources: tuple[Path, ...]
    headers: tuple[Path, ...]
    level: str = "-O2"

    def declarations(self) -> FFI:
        """The structs and functions of the headers."""
        ffi = FFI()
        for header in self.headers:
            ffi.cdef(header.read_text())
        return ffi

    def built_at(self) -> Path:
        """Where the library of these very sources belongs."""
        texts = b"".join(path.read_bytes() for path in (*self.sources, *self.headers))
        digest = hashlib.sha256(texts + platform.machine().encode())
        return self.sources[0].parent / "_build" / f"{self.name}-{digest.hexdigest()[:16]}.so"

    def build(self) -> str | None:
        """Compile unless that is done. Returns None when it is there, else in words why it cannot be."""
        target = self.built_at()
        if target.exists():
            return None
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if not sys.platform.startswith("linux") or compiler is None:
            return "no C compiler (cc) was found"
        try:
            target.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                made = Path(folder) / target.name
                command = [compiler, self.level, "-shared", "-fPIC", "-o", str(made)]
                command += map(str, self.sources)
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    return f"{compiler} failed: {done.stderr.strip()[-300:]}"
                made.replace(target)
        except OSError as exc:
            return f"{target.parent} cannot be written: {exc.strerror}"
        return None

    def load(self, ffi: FFI) -> Any:
        """The compiled functions, or None when they were not built for these sources."""
        target = self.built_at()
        if not sys.platform.startswith("linux") or not target.exists():
            return None
        try:
            return ffi.dlopen(str(target))
        except OSError:
            logger.exception("%s cannot be loaded", target.name)
            return None
