"""From an uploaded file to its pages, in a child process (renderer.py) that may fail without harm."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases.errors import Conflict, Invalid
from scheduling.materials.limits import MOST_PAGES
from scheduling.materials.material import MaterialKind

HOME = Path(__file__).resolve().parents[2]
SECONDS = 60.0
# One at a time is opened, so many more wait; then uploads are asked to come again.
MOST_WAITING = 8
ALLOWED = "可以上传照片（JPEG、PNG、WebP）和 PDF 文件"
REFUSALS: Mapping[str, str] = {
    "not_allowed": f"这个文件不是照片，也不是 PDF。{ALLOWED}。",
    "heic": "这张照片是 HEIC 格式，打不开。请截一张屏，上传截图；或者在相机设置里选「兼容性最佳」后重拍。",
    "too_many_pixels": "这张图片的尺寸太大。请截一张屏，上传截图。",
    "too_many_pages": f"这个 PDF 超过 {MOST_PAGES} 页。请分成几个文件上传。",
    "locked": "这个 PDF 有密码，打不开。请上传没有密码的文件。",
    "broken": "这个文件打不开，可能已经损坏。请换一个文件，或者拍照上传。",
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a file is, and each page as JPEG."""

    kind: MaterialKind
    pages: list[bytes]


class Rendering:
    """Owned: the turn. One file is opened at a time, so that uploads never take the reception's cores."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def render(self, content: bytes) -> Rendered:
        """Raises Invalid `material_<code>` for a file that cannot be shown, Conflict when too many wait."""
        if self._waiting >= MOST_WAITING:
            raise Conflict("materials_busy", "现在上传的人很多，请过一分钟再试。文件已经收到，不用重传。")
        self._waiting += 1
        try:
            async with self._turn:
                head, rest = await self._ask_child(content)
        finally:
            self._waiting -= 1
        if "refused" in head:
            raise refusal(str(head["refused"]))
        pages, place = [], 0
        for length in head["pages"]:
            pages.append(rest[place : place + length])
            place += length
        return Rendered(MaterialKind(head["kind"]), pages)

    async def _ask_child(self, content: bytes) -> tuple[dict[str, Any], bytes]:
        # Without our environment: whoever took the child over would find no password in it.
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scheduling.materials.renderer",
            cwd=HOME, env={}, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(self._seconds):
                out, _ = await child.communicate(content)
        except TimeoutError as error:
            raise refusal("broken") from error
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
        line, _, rest = out.partition(b"\n")
        if child.returncode != 0 or not line:  # Killed by a limit, or by what it read.
            raise refusal("broken")
        return json.loads(line), rest


def refusal(code: str) -> Invalid:
    """The refusal in words, at the field of the file."""
    return Invalid(f"material_{code}", REFUSALS.get(code, REFUSALS["broken"]), "file")
