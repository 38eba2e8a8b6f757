"""Matters of the demonstration that are on their way: one accepted by the unit, one just forwarded to it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionState
from cases.clock import Clock
from cases.handling.taking import take_step
from cases.organisations import Organisation
from cases.people import Official
from cases.signin import actor_for
from web.demo.people import HANDLER, HOST, OTHERS

# Which of the matters, and how far the unit has come with it.
ON_THEIR_WAY = ((OTHERS[0], True), (OTHERS[1], False))


async def seed_handling(db: AsyncSession, clock: Clock) -> None:
    """Take the steps as the officials would; what is on its way already stays where it is."""
    found = await db.scalars(select(Official).where(Official.username.in_((HOST.username, HANDLER.username))))
    officials = {each.username: actor_for(each) for each in found.unique()}
    keeper, handler = officials[HOST.username], officials[HANDLER.username]
    unit = (await db.scalars(select(Organisation).where(Organisation.short_name == HANDLER.unit))).one()
    for matter, accepted in ON_THEIR_WAY:
        query = select(PetitionCase).where(PetitionCase.subject == matter.subject)
        petition = (await db.scalars(query.order_by(PetitionCase.registered_at).limit(1))).unique().one()
        if petition.state is not PetitionState.REGISTERED:
            continue
        given = {"class": "claim", "way": "handle", "words": "请求明确，属于住建部门职责。"}
        await take_step(db, clock, keeper, petition.id, "classify", given)
        await take_step(db, clock, keeper, petition.id, "forward", {"unit": unit.id, "words": "请依法办理。"})
        if accepted:
            await take_step(db, clock, handler, petition.id, "accept", {"words": "属于本单位职责，受理。"})
