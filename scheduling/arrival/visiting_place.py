"""Where a citizen can come in person: stations and reception halls with address, hours and telephone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.database import ID_LENGTH, Base
from cases.errors import Invalid
from cases.fields import clean_text
from cases.organisations import Organisation, OrganisationKind, find_office
from scheduling.session import Session

MOST_SHOWN = 3


class VisitingPlace(Base):
    """What an organisation tells everybody about coming in person."""

    __tablename__ = "visiting_places"

    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), primary_key=True
    )
    address: Mapped[str] = mapped_column(String(800))
    hours: Mapped[str] = mapped_column(String(400))
    phone: Mapped[str] = mapped_column(String(32))


@dataclass(frozen=True, slots=True)
class Place:
    """A place as citizens read it."""

    name: str
    address: str
    hours: str
    phone: str


async def set_place(
    db: AsyncSession, region_code: str, address: str, hours: str, phone: str = ""
) -> Organisation:
    """Say where the office or station of a region receives; commits. Raises Invalid. For the operator."""
    office = await find_office(db, region_code)
    if office is None:
        raise Invalid("no_office", f"没有区划代码为 {region_code} 的单位。", "region_code")
    row = await db.get(VisitingPlace, office.id) or VisitingPlace(organisation_id=office.id)
    row.address = clean_text(address, "address", "地址", 200)
    row.hours = clean_text(hours, "hours", "时间", 100)
    row.phone = clean_text(phone, "phone", "电话", 32)
    if not row.address or not row.hours:
        raise Invalid("required", "请写明地址和接待时间。", "address")
    db.add(row)
    await db.commit()
    return office


async def find_place(db: AsyncSession, region_code: str) -> Place | None:
    """What the office or station of exactly this region tells everybody; None where nothing was said."""
    office = await find_office(db, region_code)
    row = await db.get(VisitingPlace, office.id) if office else None
    return Place(office.name, row.address, row.hours, row.phone) if office and row else None


async def places_near(db: AsyncSession, session: Session) -> list[Place]:
    """Where the people of a session can come: stations of the region first, then the offices above them.

    Near is what shares most of the region code of the office that keeps the case, or hosts a mediation
    without one; nothing is asked of the person for it. What everybody may read needs no policy.
    """
    home = (session.petition.custodian if session.petition else session.host).region_code
    query = select(Organisation, VisitingPlace).join(
        VisitingPlace, VisitingPlace.organisation_id == Organisation.id
    )
    found = [(one, place) for one, place in await db.execute(query) if _serves(one, home)]
    found.sort(key=lambda row: (row[0].kind is not OrganisationKind.STATION, *_distance(row[0], home)))
    return [Place(one.name, place.address, place.hours, place.phone) for one, place in found[:MOST_SHOWN]]


def _serves(organisation: Organisation, home: str) -> bool:
    """On the line of the region, above or below; the next district's hall is nobody's way."""
    return organisation.region_code.startswith(home) or home.startswith(organisation.region_code)


def _distance(organisation: Organisation, home: str) -> tuple[int, str]:
    return abs(len(organisation.region_code) - len(home)), organisation.region_code
