"""Handing in a file with a matter: in parts that go on where they stopped, then its pages alone are kept.

Whoever fills in the form has no account; the form's id, which is random, is what a file hangs on. Parts and
pages lie in a store like that of the materials, sealed.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import scope_of
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.petitions import add_petition_event, load_petition
from cases.policy import ANONYMOUS, Action, Actor, require
from scheduling.intake.enclosure import (
    LARGEST,
    MOST_BEGUN,
    MOST_OF_FORM,
    MOST_UNCLAIMED,
    Enclosure,
    Purpose,
)
from scheduling.materials.limits import MEBIBYTE, PART
from scheduling.materials.reading import page_file
from scheduling.materials.rendering import Rendering
from scheduling.materials.store import MaterialStore
from scheduling.materials.uploading import Upload, clean_file_name

ABANDONED = timedelta(days=1)  # Files of a form that was not handed in go so long after they came.
OWNER = "form"  # The one who brings; the store's name for whose parts they are.
BUSY = "现在上传的人很多，请过一分钟再试。文件已经收到，不用重传。"
KEY_FILE = "enclosures-key.hex"
_DIGEST, _FORM = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-z]{32}")


def store_at(state: Path) -> MaterialStore:
    """The store of an installation; its key lies in a file of its own, with a copy in the safe."""
    return MaterialStore(state / "enclosures", state / "keys" / KEY_FILE)


async def received(db: AsyncSession, store: MaterialStore, form_id: str, upload: Upload) -> int:
    """How many bytes of this file are here. Raises what can be told beforehand: Invalid, Conflict."""
    _check(form_id, upload)
    await _require_space(db, form_id)
    return await asyncio.to_thread(store.received, form_id, OWNER, upload.digest)


async def add_part(
    db: AsyncSession, store: MaterialStore, form_id: str, upload: Upload, offset: int, content: bytes
) -> int:
    """Keep the next part; one that is here already is answered as if it had come now. Returns the bytes here.

    Raises Conflict `part_out_of_order` when an earlier one is missing.
    """
    here = await received(db, store, form_id, upload)
    if not content or len(content) > PART or offset < 0 or offset + len(content) > upload.size:
        raise Invalid("bad_part", "上传的内容不完整，请重新选择文件。", "file")
    if offset + len(content) <= here:
        return here
    if offset != here:
        raise Conflict("part_out_of_order", "前面的部分还没有收到，请重试。")
    if offset == 0 and len(await asyncio.to_thread(store.unfinished)) >= MOST_BEGUN:
        raise Conflict("materials_busy", BUSY)
    await asyncio.to_thread(store.add_part, form_id, OWNER, upload.digest, offset, content)
    return here + len(content)


async def finish(
    db: AsyncSession, clock: Clock, store: MaterialStore, rendering: Rendering, form_id: str, upload: Upload,
    name: str, purpose: Purpose,
) -> Enclosure:  # fmt: skip
    """Make the enclosure of what was sent; commits. The same file twice is one.

    Raises Conflict `upload_incomplete`, Invalid `digest_wrong` or one of `material_*`.
    """
    _check(form_id, upload)
    if known := await _known(db, form_id, upload, purpose):
        return known
    await _require_space(db, form_id)
    await db.commit()  # What follows takes seconds; nobody waits for our transaction meanwhile.
    content = await asyncio.to_thread(store.assemble, form_id, OWNER, upload.digest)
    if len(content) < upload.size:
        raise Conflict("upload_incomplete", "文件还没有传完，请重试。")
    try:
        if hashlib.sha256(content).hexdigest() != upload.digest:
            raise Invalid("digest_wrong", "传到一半的内容和原来的文件不一样，请重新选择文件上传。", "file")
        rendered = await rendering.render(content)
    except Invalid:
        await asyncio.to_thread(store.forget, form_id, OWNER, upload.digest)
        raise
    row = Enclosure(
        id=new_id(), form_id=form_id, purpose=purpose, name=clean_file_name(name), kind=rendered.kind,
        size=len(content), sha256=upload.digest, pages=len(rendered.pages), created_at=clock.now(),
    )  # fmt: skip
    files = {page_file(number): page for number, page in enumerate(rendered.pages, 1)}
    await asyncio.to_thread(store.write, form_id, row.id, files)
    try:
        db.add(row)
        await db.commit()
    except IntegrityError:
        await db.rollback()
        await asyncio.to_thread(store.drop, form_id, row.id)
        known = await _known(db, form_id, upload, purpose)
        if known is None:
            raise
        row = known
    await asyncio.to_thread(store.forget, form_id, OWNER, upload.digest)
    return row


async def withdraw(db: AsyncSession, store: MaterialStore, form_id: str, enclosure_id: str) -> None:
    """Take a file back before the matter is handed in; commits. One that is not there is as good."""
    mine = (Enclosure.id == enclosure_id) & (Enclosure.form_id == form_id) & Enclosure.petition_id.is_(None)
    gone = await db.scalar(delete(Enclosure).where(mine).returning(Enclosure.id))
    await db.commit()
    if gone is not None:
        await asyncio.to_thread(store.drop, form_id, gone)


async def list_of_form(db: AsyncSession, form_id: str) -> Sequence[Enclosure]:
    """What was sent with a form that was not handed in, oldest first. The form's id is the leave."""
    query = select(Enclosure).where(Enclosure.form_id == form_id, Enclosure.petition_id.is_(None))
    return (await db.scalars(query.order_by(Enclosure.created_at, Enclosure.id))).all()


async def claim(db: AsyncSession, form_id: str, petition_id: str) -> None:
    """The files of a form belong to its case from now on; commits."""
    mine = (Enclosure.form_id == form_id) & Enclosure.petition_id.is_(None)
    await db.execute(update(Enclosure).where(mine).values(petition_id=petition_id))
    await db.commit()


@atomic
async def file_mandate(db: AsyncSession, clock: Clock, actor: Actor, form_id: str, petition_id: str) -> int:
    """A clerk brings a proxy's mandate into a case that is there already; commits. Returns how many files.

    Raises NotFound, Forbidden.
    """
    require(actor, Action.REQUEST_BOOKING, scope_of(await load_petition(db, petition_id)))
    mine = (Enclosure.form_id == form_id) & Enclosure.petition_id.is_(None)
    change = update(Enclosure).where(mine, Enclosure.purpose == Purpose.MANDATE)
    found = (await db.scalars(change.values(petition_id=petition_id).returning(Enclosure.id))).all()
    if found:
        data = {"count": len(found)}
        await add_petition_event(db, clock, actor, petition_id, "petition.mandate_filed", data)
        await add_audit(db, clock, actor, "petition.mandate_filed", "petition", petition_id, detail=data)
    await db.commit()
    return len(found)


async def list_of_case(db: AsyncSession, actor: Actor, petition_id: str) -> Sequence[Enclosure]:
    """What was handed in with a case, oldest first. Raises NotFound."""
    require(actor, Action.SEE_PETITION, scope_of(await load_petition(db, petition_id)))
    query = select(Enclosure).where(Enclosure.petition_id == petition_id)
    return (await db.scalars(query.order_by(Enclosure.created_at, Enclosure.id))).all()


async def read_page(
    db: AsyncSession, store: MaterialStore, actor: Actor, petition_id: str, enclosure_id: str, number: int
) -> bytes:
    """One page as JPEG, for whoever may see the matter. Raises NotFound, Conflict when it was damaged."""
    require(actor, Action.SEE_PETITION, scope_of(await load_petition(db, petition_id)))
    row = await db.get(Enclosure, enclosure_id)
    if row is None or row.petition_id != petition_id or not 1 <= number <= row.pages:
        raise NotFound("material_not_found", "没有找到这份材料。")
    return await asyncio.to_thread(store.read, row.form_id, row.id, page_file(number))


async def forget_abandoned(db: AsyncSession, clock: Clock, store: MaterialStore) -> int:
    """Forget the files of forms that were never handed in; commits. Returns how many."""
    query = select(Enclosure).where(
        Enclosure.petition_id.is_(None), Enclosure.created_at <= clock.now() - ABANDONED
    )
    rows = (await db.scalars(query.limit(200))).all()
    for row in rows:
        await withdraw(db, store, row.form_id, row.id)
    for each in await asyncio.to_thread(store.standing_since, clock.now() - ABANDONED):
        await asyncio.to_thread(store.forget, each.session_id, each.owner, each.digest)
    return len(rows)


def _check(form_id: str, upload: Upload) -> None:
    require(ANONYMOUS, Action.SUBMIT_PETITION)
    if not _FORM.fullmatch(form_id):
        raise Invalid("bad_form", "页面已经过期。请返回上一页，刷新后再上传。", "file")
    if not _DIGEST.fullmatch(upload.digest) or upload.size < 1:
        raise Invalid("bad_upload", "这个文件是空的，或者没有读完整，请重新选择。", "file")
    if upload.size > LARGEST:
        large = f"这个文件有 {upload.size / MEBIBYTE:.0f} MB，最大 {LARGEST // MEBIBYTE} MB。"
        raise Invalid("material_too_large", f"{large}请拍照上传，或者分成几个文件。", "file")


async def _known(db: AsyncSession, form_id: str, upload: Upload, purpose: Purpose) -> Enclosure | None:
    query = select(Enclosure).where(Enclosure.form_id == form_id, Enclosure.sha256 == upload.digest)
    return await db.scalar(query.where(Enclosure.purpose == purpose))


async def _require_space(db: AsyncSession, form_id: str) -> None:
    """Raises Conflict `enclosures_full` for this form, `materials_busy` for all of them."""
    count = select(func.count()).select_from(Enclosure)
    if (await db.scalar(count.where(Enclosure.form_id == form_id)) or 0) >= MOST_OF_FORM:
        full = f"一件事最多传 {MOST_OF_FORM} 个文件。其余的请等工作人员联系您时再交。"
        raise Conflict("enclosures_full", full)
    if (await db.scalar(count.where(Enclosure.petition_id.is_(None))) or 0) >= MOST_UNCLAIMED:
        raise Conflict("materials_busy", BUSY)
