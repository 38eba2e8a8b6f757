"""Organisations: the region tree in which every office, department and station has its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.database import ID_LENGTH, Base, new_id
from cases.errors import NotFound
from cases.vocabulary import names


class Tier(StrEnum):
    """How high an organisation stands. The length of its region code says the same (2, 4, 6, 9 digits)."""

    PROVINCE = "province"
    CITY = "city"
    DISTRICT = "district"
    TOWNSHIP = "township"


TIER_NAMES = names("tier", Tier)
CODE_LENGTHS = {Tier.PROVINCE: 2, Tier.CITY: 4, Tier.DISTRICT: 6, Tier.TOWNSHIP: 9}


class OrganisationKind(StrEnum):
    """A petition office sees its region; a department sees what it is asked to handle; a station receives."""

    PETITION_OFFICE = "petition_office"
    DEPARTMENT = "department"
    STATION = "station"


def covers(code: str, other_code: str) -> bool:
    """Tell whether region `code` contains region `other_code` (or is the same one)."""
    return bool(code) and other_code.startswith(code)


class Organisation(Base):
    """An office, department or station. `region_code` is 2, 4, 6 or 9 digits; its prefix is the hierarchy.

    One that was closed keeps its row for what it did; `version` counts the changes of the row.
    """

    __tablename__ = "organisations"
    __table_args__ = (Index("ix_organisations_region_name", "region_code", "name", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    region_code: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(128))
    short_name: Mapped[str] = mapped_column(String(64))
    tier: Mapped[Tier]
    kind: Mapped[OrganisationKind]
    parent_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)

    def covers(self, other_code: str) -> bool:
        """Tell whether this organisation's region contains `other_code`."""
        return covers(self.region_code, other_code)


async def get_organisation(db: AsyncSession, organisation_id: str) -> Organisation:
    """Return the organisation. Raises NotFound."""
    organisation = await db.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound("organisation_not_found", "没有找到这个单位。")
    return organisation


async def list_organisations(
    db: AsyncSession, kind: OrganisationKind | None = None, prefix: str = ""
) -> Sequence[Organisation]:
    """Return the open organisations under a region prefix by region code, petition offices first."""
    query = select(Organisation).where(Organisation.region_code.startswith(prefix, autoescape=True))
    query = query.where(Organisation.closed_at.is_(None))
    if kind is not None:
        query = query.where(Organisation.kind == kind)
    order = (Organisation.region_code, Organisation.kind.desc(), Organisation.name)
    return (await db.scalars(query.order_by(*order))).all()


async def list_receivers(db: AsyncSession) -> Sequence[tuple[str, str, str]]:
    """Return id, name and region code of every open office and station, in order of region code."""
    query = select(Organisation.id, Organisation.name, Organisation.region_code)
    query = query.where(Organisation.kind != OrganisationKind.DEPARTMENT, Organisation.closed_at.is_(None))
    order = (Organisation.region_code, Organisation.kind.desc(), Organisation.name)
    rows = await db.execute(query.order_by(*order))
    return [(row_id, name, code) for row_id, name, code in rows]


async def short_names(db: AsyncSession, organisation_ids: Iterable[str]) -> dict[str, str]:
    """Return the short name of each organisation by its id."""
    query = select(Organisation.id, Organisation.short_name).where(Organisation.id.in_(organisation_ids))
    return {row_id: name for row_id, name in await db.execute(query)}


async def find_office(db: AsyncSession, region_code: str) -> Organisation | None:
    """Return the petition office (or station) of exactly this region, if there is one."""
    query = select(Organisation).where(
        Organisation.region_code == region_code,
        Organisation.kind != OrganisationKind.DEPARTMENT,
        Organisation.closed_at.is_(None),
    )
    return (await db.scalars(query)).first()
