"""The face of letters, made small: a whole one has 65,000 glyphs, and each letter reads and cuts all of them.

What GB 2312 and Latin text need of it is cut out once, by a process of its own, and kept under the digest of
the whole. With that a letter takes a quarter of the time; one with other characters is set in the whole face.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)
# Rows and cells of GB/T 2312-1980 as two bytes; younger codes read two of its signs as other characters.
ROWS, CELLS, CODES = range(0xA1, 0xF8), range(0xA1, 0xFF), ("gb2312", "gbk")
# Latin letters with accents, dashes and quotes, full-width forms.
BLOCKS = (range(0x20, 0x7F), range(0xA0, 0x100), range(0x2010, 0x2028), range(0x3000, 0x3018))
WIDE = range(0xFF01, 0xFF5F)
# Nothing here sets vertical lines, nor shapes what it sets.
LEFT_OUT = "GSUB,GPOS,GDEF,BASE,VORG,vhea,vmtx,DSIG"
PATIENCE = 120


def small_face(path: str, number: int, folder: Path) -> Path | None:
    """The file in `folder` with what is usual of that face.

    None while it is not there: it is being made then, which takes seconds for which no letter waits, or it
    cannot be made, which is logged. The whole face does it as well.
    """
    try:
        made = place_of(path, number, folder)
        if not made.is_file():
            threading.Thread(target=cut_out, args=(path, number, folder), daemon=True).start()
            return None
        kept = made.stat()
        return made if _can_be_read(made, kept.st_size, kept.st_mtime_ns) else None
    except OSError as error:
        logger.warning("No small face, letters are set in the whole one: %s", error)
        return None


def place_of(path: str, number: int, folder: Path) -> Path:
    """Where the small face of that one is kept. Raises OSError."""
    whole = Path(path).stat()
    return folder / f"{_digest(path, whole.st_size, whole.st_mtime_ns)}-{number}.otf"


def cut_out(path: str, number: int, folder: Path) -> None:
    """Make the small face unless somebody is about it, in another process: this one may have live rooms."""
    try:
        made = place_of(path, number, folder)
        folder.mkdir(parents=True, exist_ok=True)
        fresh = made.with_suffix(".new")
        if fresh.exists():
            if time.time() - fresh.stat().st_mtime < PATIENCE:
                return
            fresh.unlink(missing_ok=True)  # Of one who was killed.
        fresh.open("x").close()
    except OSError as error:
        logger.warning("No small face, letters are set in the whole one: %s", error)
        return
    command = [
        *(sys.executable, "-m", "fontTools.subset", path, f"--font-number={number}"),
        f"--unicodes={','.join(_spans(usual()))}",
        *("--layout-features=", f"--drop-tables+={LEFT_OUT}", "--notdef-outline", "--name-IDs=*"),
        f"--output-file={fresh}",
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        fresh.replace(made)
    except (OSError, subprocess.SubprocessError) as error:
        # The command names thousands of characters; the last line of what it said is the reason.
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().rpartition("\n")[2]
        reason = said or (str(error) if isinstance(error, OSError) else type(error).__name__)
        logger.warning("No small face, letters are set in the whole one: %s", reason)
    finally:
        fresh.unlink(missing_ok=True)


@functools.cache
def usual() -> frozenset[int]:
    """The characters of the small face, as numbers."""
    found = {code for block in (*BLOCKS, WIDE) for code in block}
    for pair, name in product(product(ROWS, CELLS), CODES):
        found.update(map(ord, bytes(pair).decode(name, "ignore")))
    return frozenset(found)


def _spans(codes: frozenset[int]) -> Iterator[str]:
    """`4E00-4E03` and the like, in which these numbers are told."""
    ordered = sorted(codes)
    first = last = ordered[0]
    for code in (*ordered[1:], -1):
        if code != last + 1:
            yield f"{first:X}-{last:X}"
            first = code
        last = code


@functools.lru_cache(maxsize=8)
def _digest(path: str, size: int, changed: int) -> str:
    """SHA-256 of a font file that was changed then, read once for all letters."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.lru_cache(maxsize=8)
def _can_be_read(made: Path, size: int, changed: int) -> bool:
    """False for one of which a part was lost, which is looked at once; it is made anew next time."""
    try:
        with TTFont(made, lazy=True) as font:
            good = bool(font.getBestCmap())
    except (TTLibError, OSError, ValueError, KeyError, AssertionError) as error:
        logger.warning("The small face %s cannot be read: %s", made, error)
        good = False
    if not good:
        made.unlink(missing_ok=True)
    return good
