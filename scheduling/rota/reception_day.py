"""The rows of the leaders' rota: a rule that repeats, and each reception day that came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, UniqueConstraint, cast, false, or_
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation
from cases.people import Official
from cases.vocabulary import names
from scheduling.booking.slot import ReceptionRoom
from scheduling.rota.recurrence import Pattern, Recurrence


class ReceptionMode(StrEnum):
    """How a leader receives (the national opinion of 2009; domain.md 1.6)."""

    FIXED_PLACE = "fixed_place"
    BY_INVITATION = "by_invitation"
    VISITING = "visiting"


MODE_NAMES: Mapping[ReceptionMode, str] = {
    ReceptionMode.FIXED_PLACE: "定点接访",
    ReceptionMode.BY_INVITATION: "重点约访",
    ReceptionMode.VISITING: "带案下访",
}


class DayState(StrEnum):
    """Where a reception day stands. Published: its slots are open and the public sees who receives."""

    PLANNED = "planned"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


DAY_STATE_NAMES = names("reception_day", DayState)
TRANSITIONS: Mapping[DayState, frozenset[DayState]] = {
    DayState.PLANNED: frozenset({DayState.PUBLISHED, DayState.CANCELLED}),
    DayState.PUBLISHED: frozenset({DayState.CANCELLED}),
    DayState.CANCELLED: frozenset(),
}


class RotaRule(Base):
    """A leader's standing reception day. `begins` and `ends` are civil times of Beijing."""

    __tablename__ = "rota_rules"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    leader_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    substitute_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    room_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("reception_rooms.id"))
    mode: Mapped[ReceptionMode]
    pattern: Mapped[Pattern]
    month_day: Mapped[int | None]
    weekday: Mapped[int | None]
    weeks: Mapped[str] = mapped_column(String(16), default="")
    begins: Mapped[time]
    ends: Mapped[time]
    minutes: Mapped[int]
    # Post and duties of the leader as everybody may read them (national opinion of 2009 on reception days).
    duties: Mapped[str] = mapped_column(String(400), default="")
    first_on: Mapped[date]
    last_on: Mapped[date | None]
    # {"organisations": [id]}: whose heads must attend.
    required: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    leader: Mapped[Official] = relationship(lazy="joined", foreign_keys=[leader_id])
    substitute: Mapped[Official | None] = relationship(lazy="joined", foreign_keys=[substitute_id])
    room: Mapped[ReceptionRoom] = relationship(lazy="joined")

    @property
    def recurrence(self) -> Recurrence:
        """The rule itself."""
        weeks = tuple(int(week) for week in self.weeks.split(",") if week)
        return Recurrence(self.pattern, self.month_day, self.weekday, weeks)


class ReceptionDay(Base):
    """One day on which a leader receives. `named_on`: the day of the rule, `starts_at` may be moved on.

    `stands_in`: the substitute receives. `revision` counts changes (SEQUENCE of RFC 5545, 3.8.7.4).
    """

    __tablename__ = "reception_days"
    __table_args__ = (UniqueConstraint("rule_id", "named_on"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    rule_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("rota_rules.id"))
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    leader_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"), index=True)
    substitute_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("officials.id"), index=True
    )
    stands_in: Mapped[bool] = mapped_column(default=False)
    room_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("reception_rooms.id"))
    named_on: Mapped[date]
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    state: Mapped[DayState]
    reason: Mapped[str] = mapped_column(String(800), default="")
    revision: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
    rule: Mapped[RotaRule] = relationship(lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    leader: Mapped[Official] = relationship(lazy="joined", foreign_keys=[leader_id])
    substitute: Mapped[Official | None] = relationship(lazy="joined", foreign_keys=[substitute_id])
    room: Mapped[ReceptionRoom] = relationship(lazy="joined")

    @property
    def required_ids(self) -> list[str]:
        """Ids of the units whose heads must attend."""
        found: list[str] = self.rule.required.get("organisations", [])
        return found

    @property
    def receives(self) -> Official:
        """Who sits there: the leader, or who stands in."""
        return self.substitute if self.stands_in and self.substitute is not None else self.leader


def asked_to_attend(organisation_ids: Collection[str]) -> ColumnElement[bool]:
    """Days at which one of these organisations must be present (the county practice; domain.md 1.6)."""
    # Ids are of one length, so that the text of the list holds one whole or not at all, on both databases.
    asked = cast(RotaRule.required, String)
    named = [asked.contains(each, autoescape=True) for each in sorted(organisation_ids)]
    return ReceptionDay.rule.has(or_(*named)) if named else false()


def received_by(official_ids: Collection[str]) -> ColumnElement[bool]:
    """Days on which one of these sits there: as the leader, or as who stands in."""
    return or_(
        ReceptionDay.leader_id.in_(official_ids) & ReceptionDay.stands_in.is_(False),
        ReceptionDay.substitute_id.in_(official_ids) & ReceptionDay.stands_in.is_(True),
    )
