"""Which office keeps a matter that somebody hands in, and who of it sees a confidential one.

A matter about an office never goes to that office nor below it (Art. 30 of the Regulations: nothing of an
accusation reaches the accused): it climbs to the next petition office above that is free of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Invalid
from cases.organisations import Organisation, OrganisationKind, covers, find_office, get_organisation
from cases.people import Official, Post
from cases.roles import Role


async def keeping_office(
    db: AsyncSession, chosen: Organisation, accused: Organisation | None = None
) -> Organisation:
    """The petition office for a matter handed to `chosen`. Raises Invalid `no_office`: all accused."""
    office: Organisation | None = chosen
    if chosen.kind is OrganisationKind.DEPARTMENT:
        office = await find_office(db, chosen.region_code)
    while office is not None and _is_accused(office, accused):
        office = await get_organisation(db, office.parent_id) if office.parent_id else None
    if office is None:
        raise Invalid(
            "no_office", "这件事不能由本系统的单位受理，请直接向纪检监察机关反映（电话 12388）。", "accused"
        )
    return office


async def keepers(db: AsyncSession, office: Organisation) -> Sequence[Official]:
    """Who of `office` is given a confidential matter that nobody there entered: leaders, else receivers."""
    for role in (Role.LEADER, Role.RECEPTIONIST):
        query = (
            select(Official).join(Post, Post.official_id == Official.id)
            .where(Post.organisation_id == office.id, Post.role == role, Post.ended_at.is_(None))
            .where(Official.disabled_at.is_(None)).order_by(Official.id)
        )  # fmt: skip
        if found := (await db.scalars(query)).unique().all():
            return found
    return []


def _is_accused(office: Organisation, accused: Organisation | None) -> bool:
    if accused is None:
        return False
    whole_region = accused.kind is not OrganisationKind.DEPARTMENT
    return office.id == accused.id or (whole_region and covers(accused.region_code, office.region_code))
