"""An annotated copy: what was drawn over a page, kept as a material of its own. The original stays."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Sequence

from PIL import Image, ImageDraw
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import Conflict, Forbidden
from cases.policy import Action, Actor, require
from scheduling.materials.material import Material, MaterialKind
from scheduling.materials.reading import find_material, read_page, sees_own_only
from scheduling.materials.rendering import Rendered
from scheduling.materials.store import MaterialStore
from scheduling.materials.uploading import NAME_LENGTH, Draft, keep_material
from scheduling.reach import load_session, scope_of_session

INK = (208, 16, 16)
UNITS = 10_000  # Of width and height, as strokes are told.
LINE = 250  # A line is this part of the longer side wide.
QUALITY = 90


async def keep_annotated(
    db: AsyncSession, clock: Clock, store: MaterialStore, actor: Actor, session_id: str, material_id: str,
    page: int, strokes: Sequence[Sequence[int]],
) -> Material:  # fmt: skip
    """Keep a page with its strokes (each x, y, x, y… in UNITS) as a new material of the office; commits.

    Raises NotFound, Forbidden for guests, Conflict `nothing_drawn`.
    """
    session = await load_session(db, session_id)
    require(actor, Action.ADD_MATERIAL, await scope_of_session(db, session))
    if sees_own_only(actor):
        raise Forbidden()
    material = await find_material(db, actor, session_id, material_id)
    if not strokes:
        raise Conflict("nothing_drawn", "这一页还没有批注，先画了再保存。")
    picture = await read_page(store, material, page)
    drawn = await asyncio.to_thread(draw_over, picture, strokes)
    mark = f"（第{page}页批注）"
    name = material.name[: NAME_LENGTH - len(mark)] + mark
    digest = hashlib.sha256(drawn).hexdigest()
    draft = Draft(actor, session_id, name, drawn, digest, copy_of=material.id)
    return await keep_material(db, clock, store, draft, Rendered(MaterialKind.JPEG, [drawn]))


def draw_over(picture: bytes, strokes: Sequence[Sequence[int]]) -> bytes:
    """The page as JPEG with the strokes on it."""
    with Image.open(io.BytesIO(picture), formats=("JPEG",)) as page:
        copy = page.convert("RGB")
    pen = ImageDraw.Draw(copy)
    width = max(2, max(copy.size) // LINE)
    for stroke in strokes:
        points = [
            (x * copy.width / UNITS, y * copy.height / UNITS)
            for x, y in zip(stroke[::2], stroke[1::2], strict=True)
        ]
        pen.line(points, INK, width, joint="curve")
    out = io.BytesIO()
    copy.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
