"""What weighs more than an order (Art. 13, 38, 39): talk, circular, joint conference, listed supervision.

A talk or a circular is noted and over; a case stays listed, or before the joint conference, until somebody
says how it ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, lazyload, mapped_column, relationship

from cases.audit import add_audit
from cases.casefile import PetitionCase, scope_of
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.clocks import today
from cases.organisations import Organisation
from cases.petitions import add_petition_event, load_petition
from cases.policy import Action, Actor, require
from cases.supervision.order import WORDS_LIMIT
from cases.supervision.ordering import issuer_of, list_supervised
from cases.supervision.reading import read_choice, read_due, read_words
from cases.vocabulary import names


class MeasureKind(StrEnum):
    """Which one it is."""

    TALK = "talk"
    CIRCULAR = "circular"
    CONFERENCE = "conference"
    LISTED = "listed"


KIND_NAMES = names("measure", MeasureKind)
# These go on until they are ended, one of a kind in a case; they have a day by which the matter is solved.
LASTING = frozenset({MeasureKind.CONFERENCE, MeasureKind.LISTED})


@dataclass(frozen=True, slots=True)
class NewMeasure:
    """What is filled in; `due_on` as `2026-07-29`, for those that last."""

    kind: str
    unit_id: str
    due_on: str
    words: str


class SupervisionMeasure(Base):
    """One measure. `ended_at`: when it was over, at once for those that do not last."""

    __tablename__ = "supervision_measures"
    __table_args__ = (Index("ix_supervision_measures_open", "ended_at", "kind"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    kind: Mapped[MeasureKind]
    issuer_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"), index=True)
    unit_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    due_on: Mapped[date | None] = mapped_column(Date, default=None)
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4), default="")
    ended_by: Mapped[str] = mapped_column(String(256), default="")
    petition: Mapped[PetitionCase] = relationship(lazy="joined")
    issuer: Mapped[Organisation] = relationship(lazy="joined", foreign_keys=issuer_id)
    unit: Mapped[Organisation] = relationship(lazy="joined", foreign_keys=unit_id)

    @property
    def runs(self) -> bool:
        """Nobody has ended it yet."""
        return self.ended_at is None


@atomic
async def take_measure(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, command: NewMeasure
) -> SupervisionMeasure:
    """Note a measure and commit.

    Raises NotFound, Forbidden, Invalid at the field, Conflict `measure_runs` for a second one that lasts.
    """
    petition = await load_petition(db, petition_id)
    require(actor, Action.LIST_PETITION, scope_of(petition))
    issuer_id = issuer_of(actor, petition, Action.LIST_PETITION)
    if issuer_id is None:
        raise Forbidden(message="挂牌督办、约谈和通报由登记单位或者上级信访部门决定。")
    known = read_choice(MeasureKind, command.kind, "kind")
    units = {unit.id: unit for unit in await list_supervised(db, petition, issuer_id)}
    if command.unit_id not in units:
        raise Invalid("unit_unknown", "请从列表里选择单位。", "unit_id")
    until = read_due(command.due_on, today(clock)) if known in LASTING else None
    told = read_words(command.words, "情况和要求")
    if known in LASTING and await _runs(db, petition_id, known):
        raise Conflict("measure_runs", f"这件事已经在{KIND_NAMES[known]}，还没有结束。")
    row = SupervisionMeasure(
        id=new_id(), petition_id=petition_id, kind=known, issuer_id=issuer_id, unit_id=command.unit_id,
        due_on=until, words=told, at=clock.now(), by_id=actor.official_id, by=actor.name,
        ended_at=None if known in LASTING else clock.now(),
    )  # fmt: skip
    db.add(row)
    await db.flush()
    data = {"measure": KIND_NAMES[known], "unit": units[command.unit_id].name, "words": told}
    if until:
        data["due_on"] = until.isoformat()
    await add_petition_event(db, clock, actor, petition_id, "supervision.measure", data)
    await add_audit(db, clock, actor, "supervision.measure", "petition", petition_id, detail={"kind": known})
    await db.commit()
    return await _load(db, row.id)


@atomic
async def end_measure(
    db: AsyncSession, clock: Clock, actor: Actor, measure_id: str, words: str
) -> SupervisionMeasure:
    """Say how listed supervision, or the conference, ended; commits.

    Raises NotFound, Forbidden, Invalid, Conflict `measure_over`.
    """
    row = await _load(db, measure_id)
    require(actor, Action.LIST_PETITION, scope_of(row.petition))
    if row.issuer_id not in actor.organisation_ids:
        raise Forbidden(message="由决定的单位销号。")
    told = read_words(words, "结果")
    over = SupervisionMeasure.id == measure_id, SupervisionMeasure.ended_at.is_(None)
    values = {"ended_at": clock.now(), "ended_words": told, "ended_by": actor.name}
    end = update(SupervisionMeasure).where(*over).values(**values).returning(SupervisionMeasure.id)
    if await db.scalar(end) is None:
        raise Conflict("measure_over", "这一项已经结束，请刷新页面再看。")
    data = {"measure": KIND_NAMES[row.kind], "unit": row.unit.name, "words": told}
    await add_petition_event(db, clock, actor, row.petition_id, "supervision.ended", data)
    await add_audit(db, clock, actor, "supervision.ended", "petition", row.petition_id)
    await db.commit()
    return await _load(db, measure_id)


async def list_measures_of(db: AsyncSession, petition_id: str) -> Sequence[SupervisionMeasure]:
    """The measures of a case, newest first. The caller has asked the policy."""
    query = select(SupervisionMeasure).where(SupervisionMeasure.petition_id == petition_id)
    query = query.options(lazyload(SupervisionMeasure.petition))  # Who asked the policy has it.
    return (await db.scalars(query.order_by(SupervisionMeasure.at.desc(), SupervisionMeasure.id))).all()


async def _load(db: AsyncSession, measure_id: str) -> SupervisionMeasure:
    query = select(SupervisionMeasure).where(SupervisionMeasure.id == measure_id)
    row = await db.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound("measure_not_found", "没有找到这一项。")
    return row


async def _runs(db: AsyncSession, petition_id: str, kind: MeasureKind) -> bool:
    query = select(SupervisionMeasure.id).where(
        SupervisionMeasure.petition_id == petition_id,
        SupervisionMeasure.kind == kind,
        SupervisionMeasure.ended_at.is_(None),
    )
    return (await db.scalar(query.limit(1))) is not None
