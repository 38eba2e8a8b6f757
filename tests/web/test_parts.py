"""More than a part is refused before it lies in memory, whether its length was declared or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from cases.errors import Invalid
from scheduling.materials.limits import PART
from web.http.parts import read_part

CHUNK = 64 * 1024


class Body:
    """So many octets of a request; counts what was taken of them."""

    def __init__(self, length: int) -> None:
        self.left, self.taken = length, 0

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        while self.left:
            chunk = min(size, self.left)
            self.left, self.taken = self.left - chunk, self.taken + chunk
            yield bytes(chunk)


def request(body: Body, declared: int | None) -> Any:
    return SimpleNamespace(content=body, content_length=declared)


async def test_a_part_is_read_whole() -> None:
    assert len(await read_part(request(Body(PART), PART))) == PART
    assert await read_part(request(Body(0), None)) == b""


@pytest.mark.parametrize(("declared", "most"), [(PART + 1, 0), (None, PART + CHUNK), (10, PART + CHUNK)])
async def test_more_than_a_part_is_not_taken_in(declared: int | None, most: int) -> None:
    body = Body(100 * PART)
    with pytest.raises(Invalid) as caught:
        await read_part(request(body, declared))
    assert (caught.value.code, caught.value.field) == ("bad_part", "file")
    assert body.taken <= most
