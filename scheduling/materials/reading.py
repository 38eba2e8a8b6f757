"""Who may see which material, and its pages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import NotFound
from cases.policy import Action, Actor, ActorKind, allowed, require
from cases.roles import InvitationRole
from scheduling.arrival.consent import OFFICIAL_ROLES
from scheduling.materials.material import OFFICE, Material
from scheduling.materials.store import MaterialStore
from scheduling.reach import load_session, scope_of_session, scopes_of_sessions
from scheduling.session import Session

_OFFICES = OFFICIAL_ROLES | {InvitationRole.OBSERVER}


def owner_of(actor: Actor) -> str:
    """Under whose name `actor` brings materials: the offices together, a guest alone."""
    guest = actor.kind is ActorKind.INVITEE and actor.invitation_role not in OFFICIAL_ROLES
    return actor.invitation_id or "" if guest else OFFICE


def page_file(number: int) -> str:
    """The name of a page's file, from 1."""
    return f"page-{number:03d}"


async def list_materials(db: AsyncSession, actor: Actor, session_id: str) -> Sequence[Material]:
    """What `actor` may see of a session: officials everything, a guest what he brought. Oldest first.

    Raises NotFound, Forbidden.
    """
    session = await load_session(db, session_id)
    require(actor, Action.SEE_MATERIALS, await scope_of_session(db, session))
    query = select(Material).where(Material.session_id == session_id)
    if sees_own_only(actor):
        query = query.where(Material.owner == owner_of(actor))
    return (await db.scalars(query.order_by(Material.created_at, Material.id))).all()


async def materials_of_case(db: AsyncSession, actor: Actor, petition_id: str) -> Sequence[Material]:
    """What `actor` may see of all sessions of a case, oldest first."""
    sessions = (await db.scalars(select(Session).where(Session.petition_id == petition_id))).all()
    scopes = await scopes_of_sessions(db, sessions)
    open_to_actor = [each.id for each in sessions if allowed(actor, Action.SEE_MATERIALS, scopes[each.id])]
    if not open_to_actor:
        return []
    query = select(Material).where(Material.session_id.in_(open_to_actor))
    return (await db.scalars(query.order_by(Material.created_at, Material.id))).all()


async def find_material(
    db: AsyncSession, actor: Actor, session_id: str, material_id: str, shown: bool = False
) -> Material:
    """One material that `actor` may see; `shown`: the room looks at it now. Raises NotFound, Forbidden."""
    session = await load_session(db, session_id)
    require(actor, Action.SEE_MATERIALS, await scope_of_session(db, session))
    material = await db.get(Material, material_id)
    if material is None or material.session_id != session_id:
        raise NotFound("material_not_found", "没有找到这份材料。")
    if sees_own_only(actor) and not shown and material.owner != owner_of(actor):
        raise NotFound("material_not_found", "没有找到这份材料。")
    return material


async def read_page(store: MaterialStore, material: Material, number: int) -> bytes:
    """A page as JPEG. Raises NotFound for a page that is not there."""
    if not 1 <= number <= material.pages:
        raise NotFound("page_not_found", f"这份材料只有 {material.pages} 页。")
    return await asyncio.to_thread(store.read, material.session_id, material.id, page_file(number))


def sees_own_only(actor: Actor) -> bool:
    """Guests see what others brought only while the room looks at it."""
    return actor.kind is ActorKind.INVITEE and actor.invitation_role not in _OFFICES
