"""Which mediations there are: open ones, what waits for the court or for performance, and what is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.handling.clocks import today
from cases.mediation.agreement import CONFIRMATION_DAYS, MediationAgreement
from cases.mediation.matter import (
    BINDING,
    OPEN,
    Mediation,
    MediationEvent,
    MediationSitting,
    MediationState,
    scope_of_mediation,
)
from cases.mediation.mediating import load_mediation
from cases.organisations import Organisation
from cases.policy import Action, Actor, ActorKind, allowed, require, visible_organisation_ids


class Which(StrEnum):
    """Which mediations are asked for."""

    OPEN = "open"
    CONFIRMABLE = "confirmable"
    PERFORMING = "performing"
    LATE = "late"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Standing:
    """A mediation with what was agreed, if anything was."""

    mediation: Mediation
    agreement: MediationAgreement | None


async def list_mediations(
    db: AsyncSession, clock: Clock, actor: Actor, which: Which = Which.OPEN, limit: int = 50, offset: int = 0
) -> Sequence[Standing]:
    """Those the actor's office keeps, or an office right below; the newest first, due ones by their day."""
    require(actor, Action.SEE_MEDIATION)
    query = select(Mediation, MediationAgreement).outerjoin(
        MediationAgreement, MediationAgreement.mediation_id == Mediation.id
    )
    query = query.where(_seen(actor), *_which(which, today(clock)))
    due = (MediationAgreement.effective_on,) if which is Which.CONFIRMABLE else (MediationAgreement.due_on,)
    order = due if which in (Which.CONFIRMABLE, Which.PERFORMING, Which.LATE) else (Mediation.at.desc(),)
    query = query.order_by(*order, Mediation.number.desc()).limit(limit).offset(offset)
    return [Standing(mediation, agreement) for mediation, agreement in (await db.execute(query)).unique()]


async def count_mediations(db: AsyncSession, clock: Clock, actor: Actor) -> dict[Which, int]:
    """How many there are of each."""
    require(actor, Action.SEE_MEDIATION)
    now = today(clock)
    sums = [func.sum(case((and_(*_which(which, now)), 1), else_=0)) for which in Which]
    query: Select[Any] = select(*sums).select_from(Mediation)
    query = query.outerjoin(MediationAgreement, MediationAgreement.mediation_id == Mediation.id)
    row = (await db.execute(query.where(_seen(actor)))).one()
    return {which: row[number] or 0 for number, which in enumerate(Which)}


async def get_mediation(db: AsyncSession, actor: Actor, mediation_id: str) -> Mediation:
    """Return it. Raises NotFound, also for the unseen."""
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.SEE_MEDIATION, scope_of_mediation(mediation))
    return mediation


async def list_events(db: AsyncSession, mediation_id: str) -> Sequence[MediationEvent]:
    """The history, oldest first. The caller has asked the policy."""
    query = select(MediationEvent).where(MediationEvent.mediation_id == mediation_id)
    return (await db.scalars(query.order_by(MediationEvent.number))).all()


async def list_sittings(db: AsyncSession, mediation_id: str) -> Sequence[MediationSitting]:
    """Its sittings, the newest first. The caller has asked the policy."""
    query = select(MediationSitting).where(MediationSitting.mediation_id == mediation_id)
    return (await db.scalars(query.order_by(MediationSitting.starts_at.desc()))).unique().all()


async def list_mediations_of(db: AsyncSession, actor: Actor, petition_id: str) -> Sequence[Mediation]:
    """Of a case, those that the actor may see; the caller has asked for the case."""
    query = select(Mediation).where(Mediation.petition_id == petition_id).order_by(Mediation.at.desc())
    found = (await db.scalars(query)).unique().all()
    return [each for each in found if allowed(actor, Action.SEE_MEDIATION, scope_of_mediation(each))]


def _seen(actor: Actor) -> ColumnElement[bool]:
    """Agrees with scope_of_mediation: who keeps it, and the office right above."""
    if actor.kind is ActorKind.SYSTEM:
        return literal(True)
    own = list(visible_organisation_ids(actor, Action.SEE_MEDIATION))
    reach = select(Organisation.id).where(or_(Organisation.id.in_(own), Organisation.parent_id.in_(own)))
    return Mediation.organisation_id.in_(reach)


def _which(which: Which, now: date) -> list[ColumnElement[bool]]:
    state = Mediation.state
    if which is Which.OPEN:
        return [state.in_(OPEN)]
    if which is Which.CONFIRMABLE:
        since = now - timedelta(days=CONFIRMATION_DAYS)
        return [state == MediationState.AGREED, MediationAgreement.effective_on >= since]
    if which is Which.PERFORMING:
        return [state.in_(BINDING)]
    if which is Which.LATE:
        return [state.in_(BINDING), MediationAgreement.due_on < now]
    return [state.not_in(OPEN | BINDING)]
