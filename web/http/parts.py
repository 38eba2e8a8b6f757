"""What a page sends of a file that goes up in parts: the words around it as JSON, then part after part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cases.errors import Invalid
from scheduling.materials.limits import PART


async def read_part(request: web.Request) -> bytes:
    """The body, at most a part long; more is refused before it is read. Raises Invalid `bad_part`."""
    if (request.content_length or 0) > PART:
        raise _bad_part()
    content = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        content += chunk
        if len(content) > PART:
            raise _bad_part()
    return bytes(content)


async def read_words(request: web.Request) -> Mapping[str, Any]:
    """The object of a JSON body; empty for everything else."""
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def text_of(body: Mapping[str, Any], name: str) -> str:
    """Empty for what is no text."""
    value = body.get(name, "")
    return value if isinstance(value, str) else ""


def natural(value: object) -> int:
    """A natural number of at most nine digits, else -1."""
    text = str(value) if not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _bad_part() -> Invalid:
    return Invalid("bad_part", "上传的内容不完整，请重新选择文件。", "file")
