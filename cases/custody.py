"""Custody: which petition office keeps a case, and handing it over to another one.

A region is divided anew, an office is merged into another, or a matter was entered at the wrong one. What
others derive from the keeper (the index of recordings) follows in the same transaction: they hand in how.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import Part, PetitionCase, PetitionEvent, PetitionOrganisation, scope_of
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Conflict, Invalid
from cases.fields import clean_subject
from cases.handling.clocks import PetitionClock
from cases.organisations import Organisation, OrganisationKind, get_organisation, list_organisations
from cases.people import Post
from cases.petitions import add_petition_event, add_petition_organisation, load_petition
from cases.policy import Action, Actor, Scope, require

HANDED_OVER = "petition.handed_over"
Following = Callable[[AsyncSession, Clock, str], Awaitable[None]]


@atomic
async def hand_over(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, to: str, reason: str, seen: str,
    following: Sequence[Following], address: str | None = None,
) -> PetitionCase:  # fmt: skip
    """Give a case to another petition office and commit. ``seen``: the keeper that the page showed.

    ``following`` is called with the id of the case once it has its new keeper. Raises NotFound, Forbidden,
    Invalid at ``office``, ``reason``; Conflict ``custody_moved``, ``receiver_unseeing``.
    """
    petition = await load_petition(db, petition_id)
    require(actor, Action.HAND_OVER_PETITION, scope_of(petition))
    reason = clean_subject(reason, "reason", "理由")
    office, before = await get_organisation(db, to), petition.custodian
    _require_keeper(petition, office)
    moved = update(PetitionCase).where(PetitionCase.id == petition_id, PetitionCase.custodian_id == seen)
    if await db.scalar(moved.values(custodian_id=office.id).returning(PetitionCase.id)) is None:
        raise Conflict("custody_moved", "这件信访件刚刚已经移交，请刷新页面再看。")
    if petition.confidential:
        await _require_eyes(db, petition_id, petition, office)
    of_it = PetitionOrganisation.petition_id == petition_id
    await db.execute(delete(PetitionOrganisation).where(of_it, PetitionOrganisation.part == Part.CUSTODIAN))
    await add_petition_organisation(db, petition_id, office.id, Part.CUSTODIAN)
    running = update(PetitionClock).where(
        PetitionClock.petition_id == petition_id,
        PetitionClock.organisation_id == before.id,
        PetitionClock.met_on.is_(None),
    )
    await db.execute(running.values(organisation_id=office.id))
    told = {"from": before.name, "to": office.name, "reason": reason}
    await add_petition_event(db, clock, actor, petition_id, HANDED_OVER, told)
    for follow in following:
        await follow(db, clock, petition_id)
    detail = {"from": before.id, "to": office.id, "reason": reason}
    await add_audit(db, clock, actor, HANDED_OVER, "petition", petition_id, "ok", detail, address)
    await db.commit()
    return await load_petition(db, petition_id)


async def possible_keepers(db: AsyncSession, petition: PetitionCase) -> dict[str, str]:
    """Id to name of the offices that a case may be given to. The caller has asked the policy."""
    offices = await list_organisations(db, OrganisationKind.PETITION_OFFICE)
    scope = scope_of(petition)
    return {o.id: o.name for o in offices if o.id != petition.custodian_id and not _accused(scope, o)}


async def handings_of(db: AsyncSession, petition_id: str) -> Sequence[PetitionEvent]:
    """Each time a case was handed over, oldest first; ``data``: from, to (names), reason."""
    query = select(PetitionEvent).where(
        PetitionEvent.petition_id == petition_id, PetitionEvent.kind == HANDED_OVER
    )
    return (await db.scalars(query.order_by(PetitionEvent.sequence))).all()


def _require_keeper(petition: PetitionCase, office: Organisation) -> None:
    fits = office.kind is OrganisationKind.PETITION_OFFICE and office.closed_at is None
    if not fits or office.id == petition.custodian_id or _accused(scope_of(petition), office):
        raise Invalid("bad_custodian", "请选择另一个信访部门作为登记单位。", "office")


def _accused(scope: Scope, office: Organisation) -> bool:
    """What accuses an office is kept neither by it nor by one above which it answers for (Art. 30)."""
    above = any(office.region_code.startswith(code) for code in scope.accused_region_codes)
    return above or office.id in scope.accused_organisation_ids


async def _require_eyes(
    db: AsyncSession, petition_id: str, petition: PetitionCase, office: Organisation
) -> None:
    """A confidential case is seen by grant alone: somebody of the new keeper must have one before."""
    granted = [grant.official_id for grant in petition.grants]
    there = exists().where(
        Post.organisation_id == office.id, Post.official_id.in_(granted), Post.ended_at.is_(None)
    )
    if not await db.scalar(select(there)):
        raise Conflict("receiver_unseeing", "这是保密件。请先授权接收单位的人员查看，再移交。")
