"""Places of a community: talk rooms (村民说事室) and mediation stations, with their opening hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Time, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.audit import add_audit
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean, clean_name, clean_phone, clean_text
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.policy import Action, Actor, Scope, require
from cases.vocabulary import names

DAYS = range(7)  # Monday is 0.


class PlaceKind(StrEnum):
    """What a place is for."""

    TALK_ROOM = "talk_room"
    MEDIATION_STATION = "mediation_station"


PLACE_KIND_NAMES = names("place_kind", PlaceKind)


class CommunityPlace(Base):
    """A room of an office or station where people of a community talk or are mediated."""

    __tablename__ = "community_places"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    kind: Mapped[PlaceKind]
    name: Mapped[str] = mapped_column(String(256))
    address: Mapped[str] = mapped_column(String(800))
    phone: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None] = mapped_column(default=None)
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    hours: Mapped[list[OpeningHours]] = relationship(
        lazy="selectin", order_by="OpeningHours.weekday, OpeningHours.opens"
    )

    def is_open(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Whether the whole stretch lies in one stretch of opening hours (civil time of Beijing)."""
        begin, end = starts_at.astimezone(BEIJING), ends_at.astimezone(BEIJING)
        return begin.date() == end.date() and any(
            each.weekday == begin.weekday() and each.opens <= begin.time() and end.time() <= each.closes
            for each in self.hours
        )


class OpeningHours(Base):
    """One stretch of a weekday (0 is Monday) at which a place is open."""

    __tablename__ = "community_place_hours"
    __table_args__ = (Index("uq_community_place_hours_opens", "place_id", "weekday", "opens", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    place_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("community_places.id"))
    weekday: Mapped[int]
    opens: Mapped[time] = mapped_column(Time)
    closes: Mapped[time] = mapped_column(Time)


@atomic
async def add_place(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, given: Mapping[str, str]
) -> CommunityPlace:
    """Add a place and commit. `given`: kind, name, address, phone, days (`0,1,2`), opens, closes.

    Raises NotFound, Forbidden, Invalid at the field, Conflict `name_taken`.
    """
    require(actor, Action.CONDUCT_MEDIATION, scope_of_keeper(organisation_id))
    organisation = await get_organisation(db, organisation_id)
    if organisation.kind is OrganisationKind.DEPARTMENT:
        raise Invalid("bad_keeper", "请选择信访部门或者接访点。", "organisation")
    if given.get("kind", "") not in set(PlaceKind):
        raise Invalid("choose", "请选择一项。", "kind")
    name = clean_name(given.get("name", ""), "name", "名称")
    address = clean_text(clean(given.get("address", "")), "address", "地址", 200)
    if not address:
        raise Invalid("required", "请填写地址。", "address")
    typed = clean(given.get("phone", ""))
    row = CommunityPlace(
        id=new_id(), organisation_id=organisation.id, kind=PlaceKind(given["kind"]), name=name,
        address=address, phone=clean_phone(typed) if typed else "", created_at=clock.now(),
        hours=_hours(given),
    )  # fmt: skip
    db.add(row)
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("name_taken", "已经有这个名称的场所。", "name") from error
    await add_audit(db, clock, actor, "community_place.added", "community_place", row.id)
    await db.commit()
    return row


@atomic
async def retire_place(db: AsyncSession, clock: Clock, actor: Actor, place_id: str) -> None:
    """No more sittings are held there; commits. Twice is the same as once. Raises NotFound."""
    place = await db.get(CommunityPlace, place_id)
    if place is None:
        raise NotFound("place_not_found", "没有找到这个场所。")
    require(actor, Action.CONDUCT_MEDIATION, scope_of_keeper(place.organisation_id))
    if place.retired_at is None:
        place.retired_at = clock.now()
        await add_audit(db, clock, actor, "community_place.retired", "community_place", place.id)
    await db.commit()


async def list_places(db: AsyncSession, organisation_ids: Sequence[str]) -> Sequence[CommunityPlace]:
    """Places in use of these organisations. What is posted at their doors needs no policy."""
    query = select(CommunityPlace).where(
        CommunityPlace.organisation_id.in_(organisation_ids), CommunityPlace.retired_at.is_(None)
    )
    return (await db.scalars(query.order_by(CommunityPlace.kind, CommunityPlace.name))).unique().all()


def scope_of_keeper(organisation_id: str) -> Scope:
    """The scope of what an organisation keeps for itself."""
    own = frozenset({organisation_id})
    return Scope(organisation_ids=own, owner_organisation_ids=own)


def _hours(given: Mapping[str, str]) -> list[OpeningHours]:
    days = sorted({int(day) for day in given.get("days", "").split(",") if day in map(str, DAYS)})
    if not days:
        raise Invalid("required", "请选择开放的日子。", "days")
    opens, closes = (_hour(given.get(name, ""), name) for name in ("opens", "closes"))
    if closes <= opens:
        raise Invalid("bad_time", "结束时间要晚于开始时间。", "closes")
    return [OpeningHours(id=new_id(), weekday=day, opens=opens, closes=closes) for day in days]


def _hour(typed: str, field: str) -> time:
    try:
        return time.fromisoformat(typed.strip()[:5])
    except ValueError:
        raise Invalid("bad_time", "请填写时间，例如 09:30", field) from None
