"""An official's calendar feed: one secret address that a calendar program asks, taken back at any time."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Forbidden, NotFound
from cases.people import Official
from cases.policy import Action, Actor, require
from cases.signin import actor_for, hash_secret

SECRET_BYTES = 32
MAX_SECRET = 64


class CalendarFeed(Base):
    """One issued address. Only the SHA-256 (hex) of its secret is stored; one per official is live."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (
        Index(
            "ix_calendar_feeds_one_live",
            "official_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    official_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


@atomic
async def issue_feed(db: AsyncSession, clock: Clock, actor: Actor) -> str:
    """Return a new secret (43 characters, told this once) and commit; an earlier address stops working."""
    require(actor, Action.SEE_BOARD)
    if actor.official_id is None:
        raise Forbidden()
    await _revoke(db, clock, actor.official_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    feed = CalendarFeed(
        id=new_id(), official_id=actor.official_id, secret_hash=hash_secret(secret), created_at=clock.now()
    )
    db.add(feed)
    await add_audit(db, clock, actor, "calendar_feed.issued", "calendar_feed", feed.id)
    await db.commit()
    return secret


@atomic
async def revoke_feed(db: AsyncSession, clock: Clock, actor: Actor) -> None:
    """Stop the official's own address and commit; without one nothing happens."""
    require(actor, Action.SEE_BOARD)
    for feed_id in await _revoke(db, clock, actor.official_id or ""):
        await add_audit(db, clock, actor, "calendar_feed.revoked", "calendar_feed", feed_id)
    await db.commit()


async def live_feed(db: AsyncSession, actor: Actor) -> CalendarFeed | None:
    """The official's own feed, for showing since when there is one."""
    query = select(CalendarFeed).where(CalendarFeed.official_id == actor.official_id)
    return await db.scalar(query.where(CalendarFeed.revoked_at.is_(None)))


async def official_of_feed(db: AsyncSession, secret: str) -> Actor:
    """Whose calendar it is, with the posts held now. Raises NotFound for every secret that does not work."""
    query = select(Official).join(CalendarFeed, CalendarFeed.official_id == Official.id)
    query = query.where(CalendarFeed.secret_hash == hash_secret(secret[:MAX_SECRET]))
    query = query.where(CalendarFeed.revoked_at.is_(None), Official.disabled_at.is_(None))
    official = await db.scalar(query)
    if official is None:
        raise NotFound("feed_not_found", "这个日历地址不对，或者已经停用。")
    actor = actor_for(official)
    require(actor, Action.SEE_BOARD)
    return actor


async def _revoke(db: AsyncSession, clock: Clock, official_id: str) -> list[str]:
    # The official's row first, so that two who issue take turns.
    same = update(Official).where(Official.id == official_id).values(name=Official.name)
    await db.execute(same, execution_options={"synchronize_session": False})
    live = (CalendarFeed.official_id == official_id) & CalendarFeed.revoked_at.is_(None)
    change = update(CalendarFeed).where(live).values(revoked_at=clock.now()).returning(CalendarFeed.id)
    return list((await db.scalars(change, execution_options={"synchronize_session": False})).all())
