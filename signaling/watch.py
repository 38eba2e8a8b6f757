"""The watch over live rooms: whoever lost the right to be there loses socket and media within five seconds.

Rights end outside the room: an administrator closes an account, an official signs out, a link is taken back
(norm N06). The same look keeps the sign-ins of the people present alive: who talks for an hour is not idle.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import Database
from cases.people import Official
from cases.signin import TOUCH_EVERY, SignInRules, live_sign_ins, touch_sign_ins
from scheduling.invitation import Invitation
from scheduling.links import live_links
from signaling.live import LiveRoom
from signaling.participant import Participant
from signaling.protocol import CloseCode

LOOK_EVERY = timedelta(seconds=2)
LOST = "right_lost"


class Watch:
    """Given: database, clock, the rules of sign-ins. Called by the registry's ticker."""

    def __init__(self, database: Database, clock: Clock, rules: SignInRules) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._looked_at: datetime | None = None
        self._touched_at: datetime | None = None

    async def look(self, rooms: Iterable[LiveRoom]) -> None:
        """Look at everybody if it is time to."""
        now = self._clock.now()
        if self._looked_at is not None and now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = now
        found = [(live, person) for live in rooms for person in live.room.people.values()]
        if not found:
            return
        async with self._database.session() as db:
            fallen = await self._fallen(db, found)
            await self._touch(db, found, now)
        for live, person in fallen:
            await put_out(live, person)

    async def _fallen(
        self, db: AsyncSession, found: list[tuple[LiveRoom, Participant]]
    ) -> list[tuple[LiveRoom, Participant]]:
        actors = [live.holders[person.id] for live, person in found if person.id in live.holders]
        signed_in = {actor.sign_in_id for actor in actors if actor.sign_in_id}
        linked = {actor.link_id for actor in actors if actor.link_id}
        good = await live_sign_ins(db, self._clock, signed_in, self._rules) | await live_links(db, linked)
        lost = (signed_in | linked) - good
        closed = await _closed_invitations(db, {person.invitation_id for _, person in found})
        return [
            (live, person)
            for live, person in found
            if _key(live, person) in lost or (person.invitation_id in closed and _is_here(live, person))
        ]

    async def _touch(
        self, db: AsyncSession, found: list[tuple[LiveRoom, Participant]], now: datetime
    ) -> None:
        if self._touched_at is not None and now - self._touched_at < TOUCH_EVERY:
            return
        self._touched_at = now
        present = {
            sign_in
            for live, person in found
            if person.id in live.connections and (sign_in := live.holders[person.id].sign_in_id)
        }
        if present:
            await touch_sign_ins(db, self._clock, present)


def _key(live: LiveRoom, person: Participant) -> str | None:
    actor = live.holders.get(person.id)
    return (actor.sign_in_id or actor.link_id) if actor is not None else None


def _is_here(live: LiveRoom, person: Participant) -> bool:
    return person.id in live.connections or person.publish_state != "none" or person.subscribe_state != "none"


async def _closed_invitations(db: AsyncSession, invitation_ids: set[str]) -> set[str]:
    """Invitations that were taken back, or whose official's account was closed."""
    query = select(Invitation.id).outerjoin(Official, Official.id == Invitation.official_id)
    ended = Invitation.revoked_at.is_not(None) | Official.disabled_at.is_not(None)
    return set(await db.scalars(query.where(Invitation.id.in_(invitation_ids), ended)))


async def put_out(live: LiveRoom, person: Participant) -> None:
    """End socket and media. The seat stays, for whoever comes back with a right to it."""
    async with live.lock:
        live.holders.pop(person.id, None)
        connection = live.connections.get(person.id)
        if connection is not None:
            connection.end(CloseCode.FORBIDDEN)
        await live.media.let_out(person, LOST)
    live.note("participant.cut", {"participant_id": person.id, "name": person.name})
    live.changed()
