"""Compiles the bench's own C files on first use and opens them through cffi (ABI mode).

What lies in the folder is named by the digest of its source, so a changed source is compiled anew. Without a
compiler the bench goes on in Python and says so.
"""

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cffi import FFI
from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp_lib

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "build" / "bench"
FLAGS = ("-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")
COMPILE_TIMEOUT = 60.0


class Native:
    """One opened library: `ffi` knows its structures, `lib` its functions."""

    def __init__(self, ffi: FFI, lib: Any) -> None:
        self.ffi = ffi
        self.lib = lib

    def srtp(self, name: str) -> Any:
        """A function of the libsrtp inside pylibsrtp, as an `srtp_call` of this library."""
        address = int(srtp_ffi.cast("uintptr_t", srtp_ffi.addressof(srtp_lib, name)))
        return self.ffi.cast("srtp_call", address)

    def pointer(self, theirs: Any) -> Any:
        """A pointer that pylibsrtp's cffi handed out, for this library."""
        return self.ffi.cast("void *", int(srtp_ffi.cast("uintptr_t", theirs)))


def missing_compiler() -> str | None:
    """Why nothing can be compiled here, or None."""
    if os.environ.get("LIANXIN_BENCH_PYTHON"):
        return "LIANXIN_BENCH_PYTHON is set"
    return None if shutil.which("cc") else "no C compiler (`cc`) was found"


@functools.cache
def open_native(name: str) -> Native | None:
    """bench/NAME.c with its declarations from bench/NAME.h; None without a compiler.

    Raises RuntimeError when the compiler refuses the file: then the file is wrong, not the machine.
    """
    if missing_compiler() is not None:
        return None
    ffi = FFI()
    ffi.cdef((HERE / f"{name}.h").read_text(encoding="utf-8"))
    return Native(ffi, ffi.dlopen(str(_compiled(name))))


def _compiled(name: str) -> Path:
    sources = [HERE / f"{name}.c", HERE / f"{name}.h"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    target = _folder() / f"{name}-{digest}.so"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / target.name
        command = ["cc", *FLAGS, "-o", str(made), str(sources[0])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT, check=False)
        if done.returncode:
            raise RuntimeError(f"cc refused {sources[0].name}:\n{done.stderr}")
        made.replace(target)
    return target


def _folder() -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    return FOLDER
