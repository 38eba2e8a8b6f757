"""Posters: each sheet that is put up has a code of its own, is counted by day, and is taken back alone.

Counted is how often a sheet was used on a day and for what, and nothing of who used it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, String, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, insert_if_absent, new_id
from cases.errors import Invalid, NotFound
from cases.fields import clean_name
from cases.handling.clocks import today
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.policy import Action, Actor, require
from scheduling.booking.slots import scope_of_organisation

# Without letters and digits that look alike on a wall.
CODE_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
CODE = re.compile(f"[{CODE_ALPHABET}]{{8}}")
MOST = 200  # Of one office at a time.
LATELY = timedelta(days=30)


class PosterUse(StrEnum):
    """What somebody did who came by a poster."""

    OPENED = "opened"
    BOOKED = "booked"
    HANDED_IN = "handed_in"


class Poster(Base):
    """One sheet. `spot`: where it hangs. A sheet that was taken back stays, and its code leads nowhere."""

    __tablename__ = "posters"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    spot: Mapped[str] = mapped_column(String(256))
    code: Mapped[str] = mapped_column(String(16), unique=True)
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
    organisation: Mapped[Organisation] = relationship(lazy="joined")


class PosterCount(Base):
    """How often a poster was used so on a day of Beijing."""

    __tablename__ = "poster_counts"

    poster_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("posters.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    use: Mapped[PosterUse] = mapped_column(primary_key=True)
    times: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True, slots=True)
class Uses:
    """How often, in the last 30 days and since it was made."""

    lately: int = 0
    ever: int = 0


@atomic
async def add_poster(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, spot: str
) -> Poster:
    """Make a poster for a spot of an office or station, and commit.

    Raises NotFound, Forbidden, Invalid at `spot` or `office`.
    """
    office = await get_organisation(db, organisation_id)
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(office))
    if office.kind is OrganisationKind.DEPARTMENT:
        raise Invalid("bad_organisation", "只有信访部门和接访点有海报。", "office")
    hanging = select(func.count()).select_from(Poster)
    hanging = hanging.where(Poster.organisation_id == office.id, Poster.withdrawn_at.is_(None))
    if (await db.scalar(hanging) or 0) >= MOST:
        raise Invalid("too_many", f"一个单位最多 {MOST} 张海报，请先收回不用的。", "spot")
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(8))
    poster = Poster(
        id=new_id(), organisation_id=office.id, organisation=office,
        spot=clean_name(spot, "spot", "张贴位置"), code=code, created_at=clock.now(),
    )  # fmt: skip
    db.add(poster)
    await add_audit(db, clock, actor, "poster.added", "poster", poster.id)
    await db.commit()
    return poster


@atomic
async def withdraw_poster(db: AsyncSession, clock: Clock, actor: Actor, poster_id: str) -> Poster:
    """Take one back, and commit: its code leads nowhere from now on. Twice is once."""
    poster = await get_poster(db, actor, poster_id, Action.MANAGE_SLOTS)
    if poster.withdrawn_at is None:
        poster.withdrawn_at = clock.now()
        await add_audit(db, clock, actor, "poster.withdrawn", "poster", poster.id)
        await db.commit()
    return poster


async def get_poster(
    db: AsyncSession, actor: Actor, poster_id: str, action: Action = Action.SEE_BOARD
) -> Poster:
    """One poster of an office in reach. Raises NotFound, Forbidden."""
    poster = await db.get(Poster, poster_id)
    if poster is None:
        raise NotFound("poster_not_found", "没有找到这张海报。")
    require(actor, action, scope_of_organisation(poster.organisation))
    return poster


async def list_posters(db: AsyncSession, organisation_ids: Collection[str]) -> Sequence[Poster]:
    """Posters of these offices: those that hang by spot, then those taken back, newest first.

    The caller has asked the policy.
    """
    query = select(Poster).where(Poster.organisation_id.in_(organisation_ids))
    query = query.order_by(Poster.withdrawn_at.is_not(None), Poster.withdrawn_at.desc(), Poster.spot)
    return (await db.scalars(query.limit(1000))).all()


def code_in(text: str) -> str:
    """The code, if the text could be one, else nothing."""
    return text if CODE.fullmatch(text) else ""


async def find_poster(db: AsyncSession, code: str) -> Poster | None:
    """The poster with this code, also one that was taken back. Anybody may ask: it hangs on a wall."""
    if not code_in(code):
        return None
    return await db.scalar(select(Poster).where(Poster.code == code))


async def count_use(db: AsyncSession, clock: Clock, code: str, use: PosterUse) -> None:
    """Count one use of a poster that hangs, and commit; of an unknown code nothing."""
    poster = await find_poster(db, code)
    if poster is None or poster.withdrawn_at is not None:
        return
    key = {"poster_id": poster.id, "day": today(clock), "use": use}
    await insert_if_absent(db, PosterCount, **key, times=0)
    more = update(PosterCount).filter_by(**key).values(times=PosterCount.times + 1)
    await db.execute(more, execution_options={"synchronize_session": False})
    await db.commit()


async def uses_of(
    db: AsyncSession, clock: Clock, poster_ids: Collection[str]
) -> Mapping[str, Mapping[PosterUse, Uses]]:
    """By poster and use. The caller has asked the policy."""
    recent = case((PosterCount.day > today(clock) - LATELY, PosterCount.times), else_=0)
    query = select(PosterCount.poster_id, PosterCount.use, func.sum(recent), func.sum(PosterCount.times))
    query = query.where(PosterCount.poster_id.in_(poster_ids))
    found = {poster_id: dict.fromkeys(PosterUse, Uses()) for poster_id in poster_ids}
    for poster_id, use, lately, ever in await db.execute(
        query.group_by(PosterCount.poster_id, PosterCount.use)
    ):
        found[poster_id][use] = Uses(lately, ever)
    return found
