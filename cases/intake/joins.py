"""Joining the histories of two cases that are the same matter, and undoing it; nothing is ever removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import PetitionCase, scope_of
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid
from cases.fields import clean_text
from cases.intake.join import PetitionJoin
from cases.petitions import add_petition_event, get_petition, load_petition
from cases.policy import Action, Actor, require
from cases.visibility import visible_petitions


@dataclass(frozen=True, slots=True)
class Joined:
    """A case whose history belongs to another's."""

    petition: PetitionCase
    reason: str
    at: datetime


@atomic
async def join_histories(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, other_id: str, reason: str
) -> None:
    """Say that two cases are one matter; commits. Raises Invalid, Conflict `joined_already`, NotFound."""
    await _change(db, clock, actor, petition_id, other_id, reason, joined=True)


@atomic
async def undo_join(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, other_id: str, reason: str
) -> None:
    """Say that they are two after all; commits. Raises Invalid, Conflict `not_joined`, NotFound."""
    await _change(db, clock, actor, petition_id, other_id, reason, joined=False)


async def list_joined(db: AsyncSession, actor: Actor, petition_id: str) -> Sequence[Joined]:
    """Cases joined with this one now, as far as the actor sees them, oldest first."""
    await get_petition(db, actor, petition_id)
    mine = or_(PetitionJoin.petition_id == petition_id, PetitionJoin.other_id == petition_id)
    last: dict[str, PetitionJoin] = {}
    for row in await db.scalars(select(PetitionJoin).where(mine).order_by(PetitionJoin.sequence)):
        last[row.other_id if row.petition_id == petition_id else row.petition_id] = row
    now = {other: row for other, row in last.items() if row.joined}
    if not now:
        return []
    query = select(PetitionCase).where(PetitionCase.id.in_(now), visible_petitions(actor))
    found = (await db.scalars(query.order_by(PetitionCase.registered_at))).all()
    return [Joined(each, now[each.id].reason, now[each.id].at) for each in found]


async def _change(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, other_id: str, reason: str, joined: bool
) -> None:
    petition = await load_petition(db, petition_id)
    require(actor, Action.HANDLE_PETITION, scope_of(petition))
    other = await get_petition(db, actor, other_id)
    words = clean_text(reason, "reason", "理由", 200)
    if not words:
        raise Invalid("required", "请写明理由。", "reason")
    if petition.id == other.id:
        raise Invalid("same_petition", "不能和自己合并。", "other")
    if (petition.confidential, petition.accused_organisation_id) != (
        other.confidential,
        other.accused_organisation_id,
    ):  # The history of the one would tell of the other.
        raise Conflict("join_confidential", "保密的信访件不能和其他信访件合并。")
    first, second = sorted((petition.id, other.id))
    pair = (PetitionJoin.petition_id == first) & (PetitionJoin.other_id == second)
    last = (
        await db.scalars(select(PetitionJoin).where(pair).order_by(PetitionJoin.sequence.desc()).limit(1))
    ).first()
    if joined == (last is not None and last.joined):
        told = ("joined_already", "这两件已经合并了。") if joined else ("not_joined", "这两件没有合并。")
        raise Conflict(*told)
    row = {
        "id": new_id(), "petition_id": first, "other_id": second, "joined": joined, "reason": words,
        "sequence": last.sequence + 1 if last else 1, "official_id": actor.official_id, "at": clock.now(),
    }  # fmt: skip
    try:
        await db.execute(insert(PetitionJoin).values(**row))
    except IntegrityError as error:
        raise Conflict("joined_already", "同事刚刚改动了，请刷新页面。") from error
    for one, two in ((petition, other), (other, petition)):
        data = {"number": two.number, "reason": words}
        if joined:
            await add_petition_event(db, clock, actor, one.id, "petition.joined", data)
        else:
            await add_petition_event(db, clock, actor, one.id, "petition.separated", data)
    await add_audit(db, clock, actor, "petition.joined", "petition", petition.id, detail={"joined": joined})
    await db.commit()
