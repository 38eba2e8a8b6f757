"""Uploading a material in parts: begin, go on where it stopped, finish. The digest names the upload.

What is interrupted goes on from the byte that is here; the same file again is the same material; what is
not what it says it is becomes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import note_refusal
from cases.clock import Clock
from cases.database import new_id
from cases.errors import Conflict, Invalid
from cases.fields import clean
from cases.policy import Action, Actor, require
from scheduling.materials.limits import LARGEST, MEBIBYTE, MOST_OF_OWNER, MOST_OF_SESSION, PART, SESSION_BYTES
from scheduling.materials.material import OFFICE, Material
from scheduling.materials.reading import owner_of, page_file
from scheduling.materials.rendering import Rendered, Rendering
from scheduling.materials.store import MaterialStore
from scheduling.reach import load_session, scope_of_session
from scheduling.session import OVER
from scheduling.session_events import add_event

ADDED = "material.added"
ORIGINAL = "original"
NAMELESS = "没有名称的材料"
NAME_LENGTH = 64
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody means to send: SHA-256 in hex, and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Progress:
    """So many bytes are here; or the whole file has been a material for some time."""

    received: int
    material: Material | None = None


async def begin_upload(
    db: AsyncSession, store: MaterialStore, actor: Actor, session_id: str, upload: Upload
) -> Progress:
    """Where to go on. Raises what can be told beforehand: NotFound, Forbidden, Invalid, Conflict."""
    known = await _require(db, actor, session_id, upload)
    if known is not None:
        return Progress(upload.size, known)
    await _require_space(db, owner_of(actor), session_id, upload.size)
    return Progress(await asyncio.to_thread(store.received, session_id, owner_of(actor), upload.digest))


async def add_part(
    db: AsyncSession, store: MaterialStore, actor: Actor, session_id: str, upload: Upload,
    offset: int, content: bytes,
) -> Progress:  # fmt: skip
    """Keep the next part. One that is here already is answered as if it had come now.

    Raises Conflict `part_out_of_order` when an earlier one is missing.
    """
    known = await _require(db, actor, session_id, upload)
    if known is not None:
        return Progress(upload.size, known)
    owner = owner_of(actor)
    if not content or len(content) > PART or offset < 0 or offset + len(content) > upload.size:
        raise Invalid("bad_part", "上传的内容不完整，请重新选择文件。", "file")
    here = await asyncio.to_thread(store.received, session_id, owner, upload.digest)
    if offset + len(content) <= here:
        return Progress(here)
    if offset != here:
        raise Conflict("part_out_of_order", "前面的部分还没有收到，请重试。")
    if offset == 0:
        await _require_space(db, owner, session_id, upload.size)
    await asyncio.to_thread(store.add_part, session_id, owner, upload.digest, offset, content)
    return Progress(here + len(content))


async def finish_upload(
    db: AsyncSession, clock: Clock, store: MaterialStore, rendering: Rendering, actor: Actor,
    session_id: str, upload: Upload, name: str,
) -> Material:  # fmt: skip
    """Make the material of what was sent; commits. Twice gives the same one.

    Raises Conflict `upload_incomplete`, Invalid `digest_wrong` or one of `material_*` (rendering.py).
    """
    known = await _require(db, actor, session_id, upload)
    if known is not None:
        return known
    owner = owner_of(actor)
    await _require_space(db, owner, session_id, upload.size)
    await db.commit()  # What follows takes seconds; nobody waits for our transaction meanwhile.
    content = await asyncio.to_thread(store.assemble, session_id, owner, upload.digest)
    if len(content) < upload.size:
        raise Conflict("upload_incomplete", "文件还没有传完，请重试。")
    found = await asyncio.to_thread(_sha256, content)
    try:
        if found != upload.digest:
            raise Invalid("digest_wrong", "传到一半的内容和原来的文件不一样，请重新选择文件上传。", "file")
        rendered = await rendering.render(content)
    except Invalid as error:
        await asyncio.to_thread(store.forget, session_id, owner, upload.digest)
        await note_refusal(db, clock, actor, "material.refused", "session", session_id, {"code": error.code})
        raise
    draft = Draft(actor, session_id, name, content, found)
    material = await keep_material(db, clock, store, draft, rendered)
    await asyncio.to_thread(store.forget, session_id, owner, upload.digest)
    return material


@dataclass(frozen=True, slots=True)
class Draft:
    """A material that is about to be kept."""

    actor: Actor
    session_id: str
    name: str
    content: bytes
    digest: str
    copy_of: str | None = None


async def keep_material(
    db: AsyncSession, clock: Clock, store: MaterialStore, draft: Draft, rendered: Rendered
) -> Material:
    """Write files, row and event; commits. The caller has asked the policy. Same content, same row."""
    owner, actor = owner_of(draft.actor), draft.actor
    await load_session(db, draft.session_id, lock=True)
    await _require_space(db, owner, draft.session_id, len(draft.content))
    material = Material(
        id=new_id(), session_id=draft.session_id, owner=owner, brought_by=actor.name,
        official_id=actor.official_id, name=clean_file_name(draft.name), kind=rendered.kind,
        size=len(draft.content), sha256=draft.digest, pages=len(rendered.pages), copy_of=draft.copy_of,
        created_at=clock.now(),
    )  # fmt: skip
    files = {page_file(number): page for number, page in enumerate(rendered.pages, 1)}
    await asyncio.to_thread(store.write, draft.session_id, material.id, files | {ORIGINAL: draft.content})
    data = {
        "material_id": material.id, "name": material.name, "kind": str(material.kind),
        "pages": material.pages, "size": material.size, "sha256": material.sha256, "copy_of": draft.copy_of,
    }  # fmt: skip
    try:
        db.add(material)
        await db.flush()
        await add_event(db, clock, draft.session_id, ADDED, actor.name or None, data=data)
        await db.commit()
    except IntegrityError:
        await db.rollback()
        await asyncio.to_thread(store.drop, draft.session_id, material.id)
        known = await _known(db, owner, draft.session_id, draft.digest)
        if known is None:
            raise
        return known
    return material


def clean_file_name(name: str) -> str:
    """What people call the file: one line without control and direction characters, at most 64 characters.

    It is text and never a path.
    """
    last = clean(name[:4000].replace("\\", "/").rsplit("/", 1)[-1])
    marks = 0
    kept = []
    for char in last:
        marks = marks + 1 if _is_mark(char) else 0
        if marks <= 3:
            kept.append(char)
    return "".join(kept)[:NAME_LENGTH].strip() or NAMELESS


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Me", "Mc")


async def _require(db: AsyncSession, actor: Actor, session_id: str, upload: Upload) -> Material | None:
    """Ask policy and shape; returns the material if the file has been one before."""
    session = await load_session(db, session_id)
    require(actor, Action.ADD_MATERIAL, await scope_of_session(db, session))
    if session.state in OVER:
        raise Conflict("session_over", "接访已经结束，不能再上传材料。请在信访件里补充。")
    if not _DIGEST.fullmatch(upload.digest) or upload.size < 1:
        raise Invalid("bad_upload", "这个文件是空的，或者没有读完整，请重新选择。", "file")
    if upload.size > LARGEST:
        large = f"这个文件有 {upload.size / MEBIBYTE:.0f} MB，最大 {LARGEST // MEBIBYTE} MB。"
        raise Invalid("material_too_large", f"{large}请拍照上传，或者分成几个文件。", "file")
    return await _known(db, owner_of(actor), session_id, upload.digest)


async def _known(db: AsyncSession, owner: str, session_id: str, digest: str) -> Material | None:
    query = select(Material).where(
        Material.session_id == session_id, Material.owner == owner, Material.sha256 == digest
    )
    return await db.scalar(query)


async def _require_space(db: AsyncSession, owner: str, session_id: str, size: int) -> None:
    """Raises Conflict `materials_full`."""
    query = select(func.count(), func.coalesce(func.sum(Material.size), 0)).where(
        Material.session_id == session_id
    )
    count, used = (await db.execute(query)).one()
    if owner != OFFICE:
        mine = await db.scalar(
            select(func.count()).where(Material.session_id == session_id, Material.owner == owner)
        )
        if (mine or 0) >= MOST_OF_OWNER:
            raise Conflict(
                "materials_full",
                f"您已经上传了 {MOST_OF_OWNER} 份材料，不能再多。请把要紧的留给工作人员当面看。",
            )
    if count >= MOST_OF_SESSION or used + size > SESSION_BYTES:
        raise Conflict("materials_full", "这场接访的材料已经满了，不能再上传。请当面交给工作人员。")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
