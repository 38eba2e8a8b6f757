"""The compiled loops of the film (``pixels.c``), where there is a compiler."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from media.library import Library

HERE = Path(__file__).parent
LIBRARY = Library("pixels", (HERE / "pixels.c",), (HERE / "pixels.h",), "-O3")
build = LIBRARY.build
ffi = LIBRARY.declarations()
BLOCK: int = ffi.dlopen(None).BLOCK


@cache
def load() -> Any:
    """The functions of ``pixels.h``, or None when they were not compiled before this was first asked."""
    return LIBRARY.load(ffi)


if __name__ == "__main__":
    reason = build()
    if reason is not None:
        print(f"!! 合成的像素运算未编译，改用 Python（约慢四成）：{reason} (films are drawn by Python)")
