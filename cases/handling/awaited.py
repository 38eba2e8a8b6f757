"""Who must act on a case when it is not the reader's turn: the office, its people, and which steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.actions import ROLE_ACTIONS
from cases.casefile import PetitionCase, scope_of
from cases.handling.procedure import RULES, Step, Taker
from cases.handling.taking import ACTIONS, OF_ORDERS, may_take, offered
from cases.organisations import Organisation
from cases.people import Official, Post
from cases.policy import Action, Actor, require

MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Awaited:
    """What one office has to do; `names` of up to three who may, none where nobody holds such a post."""

    office: str
    names: Sequence[str]
    steps: Sequence[Step]


async def list_awaited(db: AsyncSession, actor: Actor, petition: PetitionCase) -> list[Awaited]:
    """For each taker whose turn it is, and who is not the actor: what is waited for, and of whom."""
    require(actor, Action.SEE_PETITION, scope_of(petition))
    steps: dict[Taker, list[Step]] = {}
    for step in offered(petition):
        steps.setdefault(RULES[step].taker, []).append(step)
    found = []
    for taker, those in steps.items():
        office = _office(petition, taker)
        if taker in OF_ORDERS or office is None or may_take(actor, petition, taker):
            continue
        found.append(Awaited(office.short_name, await list_who_may(db, office, ACTIONS[taker]), those))
    return found


async def list_who_may(db: AsyncSession, office: Organisation, action: Action) -> Sequence[str]:
    """Names of officials who hold a post for `action` there. The caller has asked the policy."""
    roles = [role for role, actions in ROLE_ACTIONS.items() if action in actions]
    query = select(Official.name).join(Post, Post.official_id == Official.id)
    query = query.where(
        Post.organisation_id == office.id,
        Post.role.in_(roles),
        Post.ended_at.is_(None),
        Official.disabled_at.is_(None),
    )
    return (await db.scalars(query.distinct().order_by(Official.name).limit(MOST_NAMES))).all()


def _office(petition: PetitionCase, taker: Taker) -> Organisation | None:
    if taker is Taker.KEEPER:
        return petition.custodian
    return petition.reviewer if taker is Taker.REVIEWER else petition.handler
