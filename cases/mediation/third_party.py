"""Third parties that help (第三方参与): mediators, lawyers, psychologists, social workers, delegates.

Each is in force from a day until a day. Who has an interest in a matter takes no part in it: what is known
of that is written down, and refuses every invitation to it from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, String, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean, clean_name, clean_phone, clean_text
from cases.handling.clocks import today
from cases.mediation.place import scope_of_keeper
from cases.organisations import Organisation
from cases.policy import Action, Actor, require
from cases.vocabulary import names

REASON_LIMIT = 300


class ThirdPartyKind(StrEnum):
    """As what somebody helps."""

    MEDIATOR = "mediator"
    LAWYER = "lawyer"
    PSYCHOLOGIST = "psychologist"
    SOCIAL_WORKER = "social_worker"
    DELEGATE = "delegate"


THIRD_PARTY_KIND_NAMES = names("third_party_kind", ThirdPartyKind)


class ThirdParty(Base):
    """One person of the register. Both days are civil dates of Beijing and inclusive."""

    __tablename__ = "third_parties"
    __table_args__ = (Index("ix_third_parties_organisation_until", "organisation_id", "until"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    kind: Mapped[ThirdPartyKind]
    name: Mapped[str] = mapped_column(String(256))
    employer: Mapped[str] = mapped_column(String(256))
    phone: Mapped[str] = mapped_column(String(16))
    since: Mapped[date] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    organisation: Mapped[Organisation] = relationship(lazy="joined")

    def in_force(self, day: date) -> bool:
        """Whether they may be asked on that day."""
        return self.since <= day and (self.until is None or day <= self.until)


@append_only
class ConflictOfInterest(Base):
    """That one has an interest in whatever a name stands for: a party, a firm, an office."""

    __tablename__ = "conflicts_of_interest"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    third_party_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("third_parties.id"), index=True)
    name: Mapped[str] = mapped_column(String(256))
    reason: Mapped[str] = mapped_column(String(REASON_LIMIT * 4))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(256))


@atomic
async def add_third_party(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, given: Mapping[str, str]
) -> ThirdParty:
    """Enter one and commit. `given`: kind, name, employer, phone, since, until (may be empty).

    Raises NotFound, Forbidden, Invalid at the field.
    """
    require(actor, Action.CONDUCT_MEDIATION, scope_of_keeper(organisation_id))
    if given.get("kind", "") not in set(ThirdPartyKind):
        raise Invalid("choose", "请选择一项。", "kind")
    typed = clean(given.get("phone", ""))
    row = ThirdParty(
        id=new_id(), organisation_id=organisation_id, kind=ThirdPartyKind(given["kind"]),
        name=clean_name(given.get("name", "")),
        employer=clean_name(given.get("employer", ""), "employer", "所在单位"),
        phone=clean_phone(typed) if typed else "", since=_day(given.get("since", ""), "since"),
        until=_day(given["until"], "until") if given.get("until", "").strip() else None,
        created_at=clock.now(),
    )  # fmt: skip
    if row.until is not None and row.until < row.since:
        raise Invalid("bad_period", "截止日期不能早于起始日期。", "until")
    db.add(row)
    await add_audit(db, clock, actor, "third_party.added", "third_party", row.id)
    await db.commit()
    return row


@atomic
async def end_third_party(db: AsyncSession, clock: Clock, actor: Actor, third_party_id: str) -> None:
    """From tomorrow on nobody asks them; commits. Raises NotFound."""
    row = await load_third_party(db, third_party_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_keeper(row.organisation_id))
    row.until = max(row.since, today(clock))
    await add_audit(db, clock, actor, "third_party.ended", "third_party", row.id)
    await db.commit()


@atomic
async def name_conflict(
    db: AsyncSession, clock: Clock, actor: Actor, third_party_id: str, name: str, reason: str
) -> ConflictOfInterest:
    """Write down in whom or what they have an interest, and commit. Raises NotFound, Invalid."""
    row = await load_third_party(db, third_party_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_keeper(row.organisation_id))
    told = clean_text(reason, "reason", "利害关系", REASON_LIMIT)
    if not told:
        raise Invalid("required", "请写明是什么利害关系。", "reason")
    found = ConflictOfInterest(
        id=new_id(), third_party_id=row.id, name=clean_name(name, "conflict", "有利害关系的人或者单位"),
        reason=told, at=clock.now(), by=actor.name,
    )  # fmt: skip
    db.add(found)
    await add_audit(db, clock, actor, "third_party.conflict", "third_party", row.id)
    await db.commit()
    return found


async def refuse_conflict(db: AsyncSession, clock: Clock, one: ThirdParty, concerned: Sequence[str]) -> None:
    """Return if they may help people and offices of these names. The caller has asked the policy.

    Raises Conflict `third_party_not_in_force`, `conflict_of_interest`, which names it.
    """
    if not one.in_force(today(clock)):
        raise Conflict("third_party_not_in_force", f"{one.name}现在不在聘期内。", "third_party_id")
    if one.name in concerned or one.employer in concerned:
        raise Conflict(
            "conflict_of_interest", f"{one.name}要回避：是这件事的当事人或者来自当事单位。", "third_party_id"
        )
    query = select(ConflictOfInterest).where(
        ConflictOfInterest.third_party_id == one.id, ConflictOfInterest.name.in_(concerned)
    )
    found = (await db.scalars(query.order_by(ConflictOfInterest.at).limit(1))).first()
    if found is not None:
        message = f"{one.name}要回避：和{found.name}有利害关系（{found.reason}）。"
        raise Conflict("conflict_of_interest", message, "third_party_id")


async def list_third_parties(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_ids: Sequence[str], everybody: bool = False
) -> Sequence[ThirdParty]:
    """Those in force today (or everybody) of these organisations, by kind and name."""
    require(actor, Action.SEE_SESSION)
    day = today(clock)
    query = select(ThirdParty).where(ThirdParty.organisation_id.in_(organisation_ids))
    if not everybody:
        query = query.where(ThirdParty.since <= day, or_(ThirdParty.until.is_(None), ThirdParty.until >= day))
    return (await db.scalars(query.order_by(ThirdParty.kind, ThirdParty.name, ThirdParty.id))).unique().all()


async def list_conflicts(
    db: AsyncSession, third_party_ids: Sequence[str]
) -> dict[str, list[ConflictOfInterest]]:
    """Of each what was written down, oldest first. The caller has asked the policy."""
    query = select(ConflictOfInterest).where(ConflictOfInterest.third_party_id.in_(third_party_ids))
    found: dict[str, list[ConflictOfInterest]] = {}
    for row in await db.scalars(query.order_by(ConflictOfInterest.at)):
        found.setdefault(row.third_party_id, []).append(row)
    return found


async def load_third_party(db: AsyncSession, third_party_id: str) -> ThirdParty:
    """Return the person without asking the policy. Raises NotFound."""
    row = await db.get(ThirdParty, third_party_id)
    if row is None:
        raise NotFound("third_party_not_found", "名册里没有这个人。")
    return row


def _day(typed: str, field: str) -> date:
    try:
        return date.fromisoformat(typed.strip()[:10])
    except ValueError:
        raise Invalid("bad_date", "请填写日期，例如 2026-11-25", field) from None
